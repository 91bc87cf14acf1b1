#include <orkestra/core/error.h>
#include <orkestra/model/engine/perplexity.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace orkestra::model {

namespace {

// -log p of `token` under softmax(logits).
double surprise(std::span<const float> logits, TokenId token) {
  const double most = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - most);
  return std::log(sum) + most - static_cast<double>(logits[static_cast<std::size_t>(token)]);
}

// A state of its own for one stretch, released whatever happens.
class OwnState {
 public:
  explicit OwnState(Backend& backend) : backend_(backend), handle_(backend.create_state()) {}
  ~OwnState() { backend_.release_state(handle_); }
  OwnState(const OwnState&) = delete;
  OwnState& operator=(const OwnState&) = delete;
  StateHandle handle() const { return handle_; }

 private:
  Backend& backend_;
  StateHandle handle_;
};

struct Sums {
  double surprise = 0.0;
  double squares = 0.0;
  std::int64_t n = 0;
};

// Scores tokens [context / 2 + 1, context) of the stretch.
void score(Backend& backend, std::span<const TokenId> stretch, const PerplexityOptions& options,
           Sums& sums) {
  const auto context = static_cast<std::int64_t>(stretch.size());
  const std::int64_t first = context / 2;  // the first position whose logits count
  const OwnState state(backend);
  std::vector<float> logits;
  // The last token foretells nothing that is here.
  for (std::int64_t begin = 0; begin < context - 1;) {
    if (options.stop.stop_requested()) throw Error(ErrorCode::kCancelled, "stopped");
    const std::int64_t n = std::min(options.batch, context - 1 - begin);
    const std::int64_t wanted = std::clamp(begin + n - first, std::int64_t{0}, n);
    const StepChunk chunk{
        .state = state.handle(),
        .tokens = stretch.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(n)),
        .n_logits = wanted};
    backend.step({&chunk, 1}, logits);
    const std::size_t n_vocab = wanted > 0 ? logits.size() / static_cast<std::size_t>(wanted) : 0;
    for (std::int64_t i = 0; i < wanted; ++i) {
      const std::int64_t position = begin + n - wanted + i;
      const double s =
          surprise(std::span(logits).subspan(static_cast<std::size_t>(i) * n_vocab, n_vocab),
                   stretch[static_cast<std::size_t>(position + 1)]);
      sums.surprise += s;
      sums.squares += s * s;
      ++sums.n;
    }
    begin += n;
  }
}

}  // namespace

PerplexityResult perplexity(Backend& backend, std::span<const TokenId> tokens,
                            const PerplexityOptions& options) {
  if (options.context < 4 || options.context % 2 != 0 || options.batch < 1) {
    throw Error(ErrorCode::kInvalid,
                "the context of a perplexity must be even and at least 4, its batch at least 1");
  }
  const auto n_tokens = static_cast<std::int64_t>(tokens.size());
  std::int64_t n_stretches = n_tokens / options.context;
  if (options.max_stretches > 0) n_stretches = std::min(n_stretches, options.max_stretches);
  if (n_stretches == 0) {
    throw Error(ErrorCode::kInvalid,
                "the text has " + std::to_string(n_tokens) + " tokens, fewer than one context of " +
                    std::to_string(options.context) + "; give a longer text or a smaller context");
  }
  Sums sums;
  for (std::int64_t i = 0; i < n_stretches; ++i) {
    const auto begin = tokens.begin() + i * options.context;
    std::vector<TokenId> stretch(begin, begin + options.context);
    if (options.begin >= 0) stretch[0] = options.begin;
    score(backend, stretch, options, sums);
    if (options.progress) options.progress(i + 1, n_stretches);
  }
  const auto n = static_cast<double>(sums.n);
  const double mean = sums.surprise / n;
  const double variance = std::max(sums.squares / n - mean * mean, 0.0);
  PerplexityResult result;
  result.perplexity = std::exp(mean);
  result.deviation = sums.n > 1 ? std::sqrt(variance / (n - 1.0)) * result.perplexity : 0.0;
  result.n_stretches = n_stretches;
  result.n_scored = sums.n;
  return result;
}

}  // namespace orkestra::model
