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
#include <string>
#include <variant>
#include <vector>

namespace orkestra::model {

// Causal attention without positions' rotation; n_heads / n_kv_heads query heads share a KV head.
struct AttentionMixer {
  std::int64_t n_heads = 0;
  std::int64_t n_kv_heads = 0;
  std::int64_t head_dim = 0;
  Matrix q;       // [n_heads * head_dim, d_model]
  Matrix k;       // [n_kv_heads * head_dim, d_model]
  Matrix v;       // [n_kv_heads * head_dim, d_model]
  Matrix output;  // [d_model, n_heads * head_dim]
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

// SwiGLU: down(silu(gate x) * up x).
struct DenseFfn {
  std::int64_t d_ff = 0;
  Matrix gate;  // [d_ff, d_model]
  Matrix up;    // [d_ff, d_model]
  Matrix down;  // [d_model, d_ff]
};

// The n_used experts of greatest softmax probability, weighted by it (not renormalised).
struct MoeFfn {
  std::int64_t n_used = 0;
  Matrix router;                  // [n_experts, d_model]
  std::vector<DenseFfn> experts;  // [n_experts]
};

struct Layer {
  const float* mixer_norm = nullptr;  // [d_model]
  std::variant<AttentionMixer, Mamba1Mixer> mixer;
  const float* ffn_norm = nullptr;  // [d_model], null when there is no ffn
  std::variant<std::monostate, DenseFfn, MoeFfn> ffn;
};

struct Network {
  std::string architecture;
  std::int64_t d_model = 0;
  std::int64_t n_vocab = 0;
  std::int64_t context_length = 0;
  float rms_epsilon = 0.0F;
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
