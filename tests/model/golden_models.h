// The golden models of tests/golden, opened as networks, and ways to compute their logits.
#pragma once

#include <orkestra/model/arch/architectures.h>
#include <orkestra/model/engine/cpu_backend.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace orkestra::tests {

using model::TokenId;

inline std::string golden_path(const std::string& name) {
  return std::string(ORKESTRA_SOURCE_DIR) + "/tests/golden/" + name;
}

inline std::vector<TokenId> golden_tokens() {
  std::ifstream in(golden_path("tokens.txt"));
  std::vector<TokenId> tokens;
  for (TokenId id = 0; in >> id;) tokens.push_back(id);
  if (tokens.size() != 48) throw std::runtime_error("tests/golden/tokens.txt is not there");
  return tokens;
}

// [48, 512]
inline std::vector<float> golden_logits(const std::string& file) {
  std::ifstream in(golden_path(file), std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  const std::string data = bytes.str();
  if (data.size() != 48 * 512 * sizeof(float)) throw std::runtime_error("golden file " + file);
  std::vector<float> logits(data.size() / sizeof(float));
  std::memcpy(logits.data(), data.data(), data.size());
  return logits;
}

inline model::Network golden_network(const std::string& name) {
  return model::build_network(model::GgufFile::open(golden_path(name + ".gguf")));
}

// Feeds `tokens` to a fresh state in steps of `step` tokens (0 = all); logits of every position.
inline std::vector<float> all_logits(model::Backend& backend, const std::vector<TokenId>& tokens,
                                     std::size_t step = 0) {
  const model::StateHandle state = backend.create_state();
  std::vector<float> all;
  std::vector<float> logits;
  if (step == 0) step = tokens.size();
  for (std::size_t begin = 0; begin < tokens.size(); begin += step) {
    const std::size_t n = std::min(step, tokens.size() - begin);
    const model::StepChunk chunk{.state = state,
                                 .tokens = std::span(tokens).subspan(begin, n),
                                 .n_logits = static_cast<std::int64_t>(n)};
    backend.step({&chunk, 1}, logits);
    all.insert(all.end(), logits.begin(), logits.end());
  }
  backend.release_state(state);
  return all;
}

// max |a - b| / max |b|
inline double relative_error(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) throw std::runtime_error("logits of different sizes");
  double difference = 0.0;
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - b[i]);
    difference = std::isnan(d) ? INFINITY : std::max(difference, d);
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
  }
  return difference / largest;
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Every kernel table this processor has.
inline std::vector<const model::Kernels*> all_kernels() {
  std::vector<const model::Kernels*> kernels{&model::reference_kernels()};
  for (const model::Kernels* set : {model::avx2_kernels(), model::avx512_kernels()}) {
    if (set != nullptr) kernels.push_back(set);
  }
  return kernels;
}

}  // namespace orkestra::tests
