// Network: a model as data: hyperparameters and a list of layers, each one mixer and one
// feed-forward part. Built by one short file per architecture; read by the backends. A value: its
// copies share the floats.
//
// Matrices point into the model file's mapping, which the Network keeps alive. Small float tensors
// point there too, or into `converted` when the file stores them in another type. Immutable.
#pragma once

#include <orkestra/model/format/gguf.h>
#include <orkestra/model/kernels/kernels.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace orkestra::model {

// Rotary positions (Su et al. 2021): the first 2 * frequencies.size() elements of each head turn in
// pairs, pair i by position * frequencies[i] radians.
struct Rotation {
  // Pairs are neighbours (2i, 2i + 1), else halves (i, i + frequencies.size()).
  bool interleaved = false;
  std::vector<double> frequencies;
};

// Causal attention; n_heads / n_kv_heads query heads share a KV head. In this order queries and
// keys are normed per head and rotated, where the model has it.
struct AttentionMixer {
  std::int64_t n_heads = 0;
  std::int64_t n_kv_heads = 0;
  std::int64_t head_dim = 0;
  float scale = 0.0F;             // of the scores, mostly 1 / sqrt(head_dim)
  std::int64_t window = 0;        // keys a query sees, itself included; 0: all before it
  int rotation = -1;              // index into Network::rotations; -1: no positions
  const float* q_norm = nullptr;  // [head_dim], null: none
  const float* k_norm = nullptr;  // [head_dim]
  Matrix q;                       // [n_heads * head_dim, d_model]
  Matrix k;                       // [n_kv_heads * head_dim, d_model]
  Matrix v;                       // [n_kv_heads * head_dim, d_model]
  Matrix output;                  // [d_model, n_heads * head_dim]
};

// Selective state space (Gu & Dao 2023), with RMS norms on dt, B and C where the model has them.
struct Mamba1Mixer {
  std::int64_t d_inner = 0;
  std::int64_t d_state = 0;
  std::int64_t d_conv = 0;
  std::int64_t dt_rank = 0;
  Matrix in;                           // [2 * d_inner, d_model]: rows of x, then of z
  Matrix x;                            // [dt_rank + 2 * d_state, d_inner]: rows of dt, B, C
  Matrix dt;                           // [d_inner, dt_rank]
  Matrix out;                          // [d_model, d_inner]
  const float* conv_weight = nullptr;  // [d_inner, d_conv]
  const float* conv_bias = nullptr;    // [d_inner]
  const float* dt_bias = nullptr;      // [d_inner]
  const float* a = nullptr;            // [d_inner, d_state], negative
  const float* d = nullptr;            // [d_inner]
  const float* dt_norm = nullptr;      // [dt_rank], null: no norms on dt, B, C
  const float* b_norm = nullptr;       // [d_state]
  const float* c_norm = nullptr;       // [d_state]
};

// State-space duality (Dao & Gu 2024, Mamba-2): one decay per head, B and C shared by the heads of
// a group; the output is gated and then normed within its group.
struct Mamba2Mixer {
  std::int64_t d_inner = 0;  // n_heads * head_dim
  std::int64_t d_state = 0;
  std::int64_t d_conv = 0;
  std::int64_t n_heads = 0;
  std::int64_t n_groups = 0;
  Matrix in;   // [d_inner + d_mixed + n_heads, d_model]: rows of z, of x, B and C, of dt
  Matrix out;  // [d_model, d_inner]
  const float* conv_weight = nullptr;  // [d_mixed, d_conv]
  const float* conv_bias = nullptr;    // [d_mixed]
  const float* dt_bias = nullptr;      // [n_heads]
  const float* a = nullptr;            // [n_heads], negative
  const float* d = nullptr;            // [n_heads]
  const float* norm = nullptr;         // [d_inner], null: no norm

  std::int64_t head_dim() const { return d_inner / n_heads; }
  // What is convolved: x [d_inner], B and C [n_groups, d_state] each.
  std::int64_t d_mixed() const { return d_inner + 2 * n_groups * d_state; }
};

enum class Activation : std::uint8_t { kSilu, kGeluTanh };

// A gated unit (Shazeer 2020): down(activation(gate x) * up x).
struct DenseFfn {
  std::int64_t d_ff = 0;
  Activation activation = Activation::kSilu;
  Matrix gate;  // [d_ff, d_model]
  Matrix up;    // [d_ff, d_model]
  Matrix down;  // [d_model, d_ff]
};

// The n_used experts of greatest softmax probability, weighted by it; and one that every token
// passes through.
struct MoeFfn {
  std::int64_t n_used = 0;
  bool renormalised = false;      // the weights of the chosen ones are made to sum to 1
  Matrix router;                  // [n_experts, d_model]
  std::vector<DenseFfn> experts;  // [n_experts]
  std::optional<DenseFfn> shared;
};

// h += residual_scale * post_norm(mixer(norm(h))), then the same with the feed-forward part.
struct Layer {
  const float* mixer_norm = nullptr;       // [d_model]
  const float* mixer_post_norm = nullptr;  // [d_model], null: none
  std::variant<AttentionMixer, Mamba1Mixer, Mamba2Mixer> mixer;
  const float* ffn_norm = nullptr;       // [d_model], null when there is no ffn
  const float* ffn_post_norm = nullptr;  // [d_model], null: none
  std::variant<std::monostate, DenseFfn, MoeFfn> ffn;
};

struct Network {
  std::string architecture;
  std::int64_t d_model = 0;
  std::int64_t n_vocab = 0;
  std::int64_t context_length = 0;
  float rms_epsilon = 0.0F;
  float embedding_scale = 1.0F;  // of the embedding's rows on their way in
  float residual_scale = 1.0F;   // of what a mixer or ffn adds
  float logit_scale = 1.0F;      // of the logits
  float logit_cap = 0.0F;        // then logits = cap * tanh(logits / cap); 0: none
  std::vector<Rotation> rotations;
  Matrix token_embedding;  // [n_vocab, d_model]
  std::vector<Layer> layers;
  const float* output_norm = nullptr;  // [d_model]
  Matrix output;                       // [n_vocab, d_model]; the embedding when tied

  std::shared_ptr<const GgufFile> file;
  std::vector<std::shared_ptr<float[]>> converted;
};

// Every matrix that is multiplied with, so not the token embedding; pointers into `network`.
std::vector<Matrix*> product_matrices(Network& network);

}  // namespace orkestra::model
