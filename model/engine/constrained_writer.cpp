#include <orkestra/core/error.h>
#include <orkestra/model/engine/constrained_writer.h>

#include <algorithm>
#include <string>
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

std::vector<WritingPhase> ConstrainedWriter::one_phase(ConstraintMatcher matcher) {
  std::vector<WritingPhase> phases;
  phases.push_back({.matcher = std::move(matcher)});
  return phases;
}

ConstrainedWriter::ConstrainedWriter(const Tokenizer& tokenizer, const TokenTrie& trie,
                                     const TokenSet& writable, std::vector<WritingPhase> phases)
    : tokenizer_(tokenizer), trie_(trie), writable_(writable), phases_(std::move(phases)) {
  mask_.reserve(writable_.size());
  for (WritingPhase& phase : phases_) {
    phase.max_tokens = std::max(phase.max_tokens, least_of(phase));
  }
  for (std::size_t i = 1; i < phases_.size(); ++i) {
    least_later_ += std::max<std::size_t>(1, least_of(phases_[i]));
  }
}

std::size_t ConstrainedWriter::least_of(const WritingPhase& phase) const {
  if (phase.matcher.complete()) return 0;
  const auto end = phase.matcher.shortest_end();
  return end ? trie_.spell(*end).size() : 0;
}

std::size_t ConstrainedWriter::least_tokens() const {
  return least_of(phases_[phase_]) + least_later_;
}

// Of `left` tokens, those for this phase.
std::size_t ConstrainedWriter::room(std::size_t left) const {
  const std::size_t mine = left > least_later_ ? left - least_later_ : 1;
  const std::size_t most = phases_[phase_].max_tokens;
  return std::min(mine, most > written_ ? most - written_ : 1);
}

void ConstrainedWriter::count(std::size_t n_tokens) {
  written_ += n_tokens;
  if (phase_ + 1 == phases_.size() || !current().at_end()) return;
  ++phase_;
  least_later_ -= std::min(least_later_, std::max<std::size_t>(1, least_of(phases_[phase_])));
  written_ = 0;
  end_.clear();
  end_at_ = 0;
}

SampledToken ConstrainedWriter::pick(Sampler& sampler, std::span<const float> logits,
                                     std::size_t left) {
  const SampledToken next = pick_within(sampler, logits, room(left));
  count(1);
  return next;
}

std::vector<TokenId> ConstrainedWriter::take_forced(std::size_t left, std::size_t most) {
  // Each byte of a token takes one off the distance: what is within it stays so.
  const std::size_t within = room(left);
  if (current().unconstrained() || current().distance() > within || within == 0) return {};
  const std::string bytes = current().forced_bytes();
  if (bytes.size() < 2) return {};
  std::vector<TokenId> ids = tokenizer_.encode(bytes);
  if (tokenizer_.decode(ids) != bytes) ids = trie_.spell(bytes);
  if (ids.empty()) return {};
  // The last one may well be the beginning of a longer token; and what ends the text is picked, so
  // that all before it is in the state.
  ids.pop_back();
  if (ids.size() > most) ids.resize(most);
  for (const TokenId id : ids) go_on(id);
  if (!ids.empty()) {
    end_.clear();
    end_at_ = 0;
  }
  count(ids.size());
  return ids;
}

const TokenSet& ConstrainedWriter::allowed() {
  if (current().unconstrained()) return writable_;
  trie_.mask(current(), mask_);
  return mask_;
}

void ConstrainedWriter::find_end() {
  end_at_ = 0;
  end_.clear();
  if (const auto end = current().shortest_end()) end_ = trie_.spell(*end);
}

bool ConstrainedWriter::ends_within(std::size_t n_tokens) {
  end_.clear();
  end_at_ = 0;
  const std::uint32_t bytes = current().distance();
  if (bytes == 0) return true;
  // A token for each byte is enough where there is one.
  if (bytes <= n_tokens && trie_.spells_all_bytes()) return true;
  find_end();
  return !end_.empty() && end_.size() <= n_tokens;
}

void ConstrainedWriter::go_on(TokenId token) {
  if (current().accept(tokenizer_.bytes(token))) return;
  throw Error(ErrorCode::kInternal, "a token passed the constraint's mask but not the constraint");
}

SampledToken ConstrainedWriter::pick_within(Sampler& sampler, std::span<const float> logits,
                                            std::size_t room) {
  const bool free = current().unconstrained();
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
    if (ends_within(room - 1)) return next;
    current().undo();
    end_ = std::move(known);
    end_at_ = known_at;
    if (current().complete()) {
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
  if (current().complete()) return {};
  const SampledToken last{.id = end_[end_at_],
                          .log_probability = log_probability(logits, mask, end_[end_at_])};
  ++end_at_;
  go_on(last.id);
  return last;
}

}  // namespace orkestra::model
