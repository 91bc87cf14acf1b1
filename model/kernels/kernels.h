// Kernels: the arithmetic of one instruction set, as a table of plain functions over raw buffers.
// Stateless; any thread may call them; the caller splits work by output rows, heads or channels.
//
// Every output element is reduced in one fixed order that depends on nothing but its own operands:
// never on how many tokens, rows or threads share the call. So a sequence's logits are
// bit-identical however it was computed (docs/DECISIONS.md, "Numbers").
#pragma once

#include <orkestra/model/format/gguf.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace orkestra::model {

// A weight matrix in its file layout: `rows` rows of `cols` elements, quantised blocks in a row.
struct Matrix {
  TensorType type = TensorType::kF32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  const std::byte* data = nullptr;
};

// Activations made ready for products with one weight type, by the table whose matmul reads them.
// One preparation serves all float types, another all block-quantised types of a table. Reused
// from call to call: no allocation once grown.
struct PreparedActivations {
  std::int64_t n_tokens = 0;
  std::int64_t cols = 0;
  std::vector<float> values;           // [n_tokens, cols] when kept as float
  std::vector<std::int16_t> integers;  // [n_tokens, cols] when quantised to 16 bits
  std::vector<float> scales;           // [n_tokens, cols / block]
  std::vector<float> sums;             // [n_tokens, cols / block] scale * sum of integers (minima)
};

struct Kernels {
  std::string_view name;  // "reference", "avx2"

  // x: [n_tokens, cols].
  void (*prepare)(TensorType weight_type, const float* x, std::int64_t n_tokens, std::int64_t cols,
                  PreparedActivations& out);
  // y[t * y_stride + r] = sum_k w[r, k] * x[t, k] for rows r in [row_begin, row_end).
  void (*matmul)(const Matrix& w, const PreparedActivations& x, float* y, std::int64_t y_stride,
                 std::int64_t row_begin, std::int64_t row_end);
  // y[t, i] = x[t, i] / sqrt(mean(x[t]^2) + eps) * weight[i]. May run in place. Strides in floats.
  void (*rms_norm)(const float* x, std::int64_t x_stride, const float* weight, float eps,
                   std::int64_t n_tokens, std::int64_t dim, float* y, std::int64_t y_stride);
  // gate[i] = silu(gate[i]) * up[i].
  void (*silu_multiply)(float* gate, const float* up, std::int64_t n);
  // Causal depthwise convolution with bias, then SiLU, for channels [c_begin, c_end).
  // x: [n_tokens, x_stride]; state: [d_inner, d_conv - 1] the last inputs, oldest first, updated;
  // weight: [d_inner, d_conv]; y: [n_tokens, y_stride], apart from x.
  void (*causal_conv_silu)(const float* x, std::int64_t x_stride, float* state, const float* weight,
                           const float* bias, std::int64_t d_conv, std::int64_t n_tokens,
                           std::int64_t c_begin, std::int64_t c_end, float* y,
                           std::int64_t y_stride);
  // Selective scan (Gu & Dao 2023, Mamba, algorithm 2) for channels [c_begin, c_end):
  //   dt' = softplus(dt + dt_bias);  s = exp(dt' A) s + dt' x B;  y = C s + D x;  y *= silu(z)
  // x, dt, z, y: [n_tokens, their stride]; b, c: [n_tokens, bc_stride] rows of d_state;
  // a: [d_inner, d_state]; d, dt_bias: [d_inner]; state: [d_inner, d_state], updated.
  struct ScanArgs {
    const float* x;
    std::int64_t x_stride;
    const float* dt;
    std::int64_t dt_stride;
    const float* dt_bias;
    const float* z;
    std::int64_t z_stride;
    const float* b;
    const float* c;
    std::int64_t bc_stride;
    const float* a;
    const float* d;
    float* state;
    float* y;
    std::int64_t y_stride;
    std::int64_t d_state;
    std::int64_t n_tokens;
  };
  void (*selective_scan)(const ScanArgs& args, std::int64_t c_begin, std::int64_t c_end);
  // One query head over one KV head: out = softmax(q . k[j] * scale) v[j], j in [0, n_keys).
  // k, v: rows of head_dim floats, kv_stride apart. scores: [n_keys] workspace. n_keys >= 1.
  void (*attention)(const float* q, const float* k, const float* v, std::int64_t kv_stride,
                    std::int64_t n_keys, std::int64_t head_dim, float scale, float* scores,
                    float* out);
};

const Kernels& reference_kernels();
const Kernels* avx2_kernels();  // nullptr when this processor lacks AVX2, FMA or F16C
const Kernels& best_kernels();

// One row of `matrix` as floats (embedding look-up, tests). out: [cols].
void dequantize_row(const Matrix& matrix, std::int64_t row, float* out);

}  // namespace orkestra::model
