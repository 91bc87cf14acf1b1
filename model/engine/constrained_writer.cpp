#include <orkestra/core/error.h>
#include <orkestra/model/engine/constrained_writer.h>

#include <algorithm>
#include <utility>

namespace orkestra::model {
namespace {

// So many tokens that lead too far are taken out of the choice one by one; then the text is
// finished on the way that is known.
constexpr int kMaxRefused = 12;

}  // namespace

TokenSet text_tokens(const Tokenizer& tokenizer) {
  TokenSet set(static_cast<std::size_t>(tokenizer.size()), 0);
  for (std::size_t i = 0; i < set.size(); ++i) {
    set[i] = tokenizer.bytes(static_cast<TokenId>(i)).empty() ? 0 : 1;
  }
  for (const TokenId stop : tokenizer.stops()) set[static_cast<std::size_t>(stop)] = 1;
  return set;
}

ConstrainedWriter::ConstrainedWriter(const Tokenizer& tokenizer, const TokenTrie& trie,
                                     const TokenSet& writable, ConstraintMatcher matcher)
    : tokenizer_(tokenizer), trie_(trie), writable_(writable), matcher_(std::move(matcher)) {
  mask_.reserve(writable_.size());
}

std::size_t ConstrainedWriter::least_tokens() const {
  if (matcher_.complete()) return 0;
  const auto end = matcher_.shortest_end();
  return end ? trie_.spell(*end).size() : 0;
}

const TokenSet& ConstrainedWriter::allowed() {
  if (matcher_.unconstrained()) return writable_;
  trie_.mask(matcher_, mask_);
  return mask_;
}

void ConstrainedWriter::find_end() {
  end_at_ = 0;
  end_.clear();
  if (const auto end = matcher_.shortest_end()) end_ = trie_.spell(*end);
}

bool ConstrainedWriter::ends_within(std::size_t n_tokens) {
  end_.clear();
  end_at_ = 0;
  // A token for each byte is always enough.
  if (matcher_.distance() <= n_tokens || !trie_.spells_all_bytes()) return true;
  find_end();
  return end_.empty() || end_.size() <= n_tokens;
}

void ConstrainedWriter::go_on(TokenId token) {
  if (matcher_.accept(tokenizer_.bytes(token))) return;
  throw Error(ErrorCode::kInternal, "a token passed the constraint's mask but not the constraint");
}

SampledToken ConstrainedWriter::pick(Sampler& sampler, std::span<const float> logits,
                                     std::size_t left) {
  const bool free = matcher_.unconstrained();
  const TokenSet& mask = allowed();
  const std::vector<TokenId>& stops = tokenizer_.stops();
  const auto leads_to_end = [&](TokenId id) {
    return end_at_ < end_.size() && end_[end_at_] == id;
  };
  for (int refused = 0; refused < kMaxRefused; ++refused) {
    const SampledToken next = sampler.sample(logits, mask);
    if (free || std::find(stops.begin(), stops.end(), next.id) != stops.end()) return next;
    go_on(next.id);
    if (leads_to_end(next.id)) {
      ++end_at_;
      return next;
    }
    std::vector<TokenId> known = std::move(end_);
    const std::size_t known_at = end_at_;
    if (ends_within(left - 1)) return next;
    matcher_.undo();
    end_ = std::move(known);
    end_at_ = known_at;
    if (matcher_.complete()) {
      if (stops.empty()) return {};
    } else {
      if (end_at_ >= end_.size()) find_end();
      if (end_.empty() || leads_to_end(next.id)) {
        ++end_at_;
        go_on(next.id);
        return next;
      }
    }
    mask_[static_cast<std::size_t>(next.id)] = 0;
  }
  if (matcher_.complete()) return {};
  const SampledToken last{.id = end_[end_at_],
                          .log_probability = log_probability(logits, mask, end_[end_at_])};
  ++end_at_;
  go_on(last.id);
  return last;
}

}  // namespace orkestra::model
