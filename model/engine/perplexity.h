// Perplexity: how well a model foretells a text. The text's tokens are cut into stretches of
// `context` tokens, each read from an empty state and begun with the beginning-of-sequence token
// where the tokenizer adds one; the second half of each is scored, so that every scored token has
// seen at least half a context. exp(mean of -log p). The definition is llama-perplexity's.
#pragma once

#include <orkestra/model/engine/backend.h>

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>

namespace orkestra::model {

struct PerplexityOptions {
  std::int64_t context = 512;      // at least 4, even
  std::int64_t batch = 512;        // tokens per step
  TokenId begin = -1;              // what replaces each stretch's first token; -1 = nothing
  std::int64_t max_stretches = 0;  // 0 = all
  std::stop_token stop;
  std::function<void(std::int64_t done, std::int64_t total)> progress;  // stretches
};

struct PerplexityResult {
  double perplexity = 0.0;
  double deviation = 0.0;  // one standard error of the perplexity
  std::int64_t n_stretches = 0;
  std::int64_t n_scored = 0;
};

// Throws Error: kInvalid (fewer tokens than one context), kCancelled, and what step() throws.
PerplexityResult perplexity(Backend& backend, std::span<const TokenId> tokens,
                            const PerplexityOptions& options);

}  // namespace orkestra::model
