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

// A weight matrix: `rows` rows of `cols` elements, either in its file's layout (quantised blocks in
// a row) or rearranged for the products of a Kernels table that packs its type (packing.h).
struct Matrix {
  TensorType type = TensorType::kF32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  const std::byte* data = nullptr;
};

// The activations of one product, made ready by the table whose matmul reads them. Reused from
// call to call: no allocation once grown.
struct PreparedActivations {
  std::int64_t n_tokens = 0;
  std::int64_t cols = 0;
  const float* values = nullptr;  // [n_tokens, cols], borrowed
  // In the table's own order and of these sizes, G being cols / 256 rounded up:
  std::vector<std::int16_t> integers;  // [n_tokens, 256 G]
  std::vector<float> scales;           // [n_tokens, G]
  std::vector<float> sums;             // [n_tokens, 24 G]
};

// How attention memory keeps its numbers: as floats, as half floats, or as blocks of 32 bytes that
// share a half-float scale (what Q8_0 is to weights).
enum class KvType { kF32, kF16, kQ8_0 };

// One KV head's part in causal attention: queries of consecutive tokens of one sequence, keys and
// values in pages of kPageTokens tokens (kv_layout.h). A query row is a token and one of the
// n_heads query heads that share the KV head: row = token * n_heads + head.
inline constexpr std::int64_t kPageTokens = 64;
struct AttentionArgs {
  const float* q;                 // row r at q + r / n_heads * q_stride + r % n_heads * head_dim
  std::int64_t q_stride;          // floats
  const std::byte* const* pages;  // by position / kPageTokens
  KvType type;
  std::int64_t k_at;   // where in a page the head's keys begin: bytes
  std::int64_t v_at;   // and its values
  std::int64_t first;  // position of token 0
  std::int64_t n_heads;
  std::int64_t head_dim;
  std::int64_t window;  // keys a query sees, itself included; 0: all before it
  float scale;
  float* workspace;  // [attention_workspace(head_dim)], the call's own
};
// Rows that go through the keys together; more are taken in turn.
inline constexpr std::int64_t kAttentionRows = 120;
// Rows of values and partial results are filled up to whole vectors.
constexpr std::int64_t padded(std::int64_t head_dim) { return (head_dim + 15) / 16 * 16; }
// Queries and scores of the rows; 32 keys and 32 dimensions of a page's values.
constexpr std::int64_t attention_workspace(std::int64_t head_dim) {
  return kAttentionRows * (head_dim + kPageTokens) + 32 * head_dim + 32 * kPageTokens;
}
// What attention over some of the keys comes to for one row, ready to be merged with the rest:
// [padded(head_dim)] weighted values, then their largest score, then the sum of their weights.
constexpr std::int64_t partial_size(std::int64_t head_dim) { return padded(head_dim) + 8; }

struct Kernels {
  std::string_view name;  // "reference", "avx2", "avx512"

  // Whether products with this type read weights as pack_rows() of packing.h makes them; otherwise
  // in the file's layout.
  bool (*packs)(TensorType weight_type);
  // Whether products with this type read `integers`; then prepare() must have made them.
  bool (*quantises)(TensorType weight_type);
  // Makes the integers of tokens [begin, end) of out.values; out's arrays have their full size.
  void (*prepare)(std::int64_t begin, std::int64_t end, PreparedActivations& out);
  // y[t * y_stride + r] = sum_k w[r, k] * x[t, k] for rows r in [row_begin, row_end), which begin
  // and end at multiples of kRowGroup or at w.rows.
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
  // Attention of rows [row_begin, row_end) to keys [key_begin, key_end) (key_begin at a page's
  // edge, key_end at most one beyond the last row's position). partial: [rows,
  // partial_size(head_dim)].
  void (*attend)(const AttentionArgs& args, std::int64_t row_begin, std::int64_t row_end,
                 std::int64_t key_begin, std::int64_t key_end, float* partial);
  // into = into and from together, for n_rows partial results over different keys.
  void (*merge_attention)(float* into, const float* from, std::int64_t n_rows,
                          std::int64_t head_dim);
  // gate[i] = gelu(gate[i]) * up[i], gelu(x) = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
  void (*gelu_multiply)(float* gate, const float* up, std::int64_t n);
  // Rotary positions (Su et al. 2021) in place: pair i of each head of token t turns by an angle
  // whose cosine and sine are given. Pairs are elements 2i and 2i + 1, or i and i + n_pairs;
  // elements from 2 * n_pairs on stay.
  struct RotateArgs {
    float* x;  // head h of token t at x + t * x_stride + h * head_dim
    std::int64_t x_stride;
    std::int64_t n_heads;
    std::int64_t head_dim;
    std::int64_t n_pairs;
    bool interleaved;
    const float* cosines;  // [n_tokens, n_pairs]
    const float* sines;    // [n_tokens, n_pairs]
  };
  void (*rotate)(const RotateArgs& args, std::int64_t token_begin, std::int64_t token_end);
  // The recurrence of Mamba-2 (Dao & Gu 2024, state-space duality) for heads [h_begin, h_end):
  //   dt' = softplus(dt + dt_bias);  s = exp(dt' A) s + dt' x B;  y = C s + D x
  // with one A, D and dt per head and the B and C of the head's group.
  struct Mamba2Args {
    const float* x;  // [n_tokens, x_stride]: head h at h * head_dim
    std::int64_t x_stride;
    const float* dt;  // [n_tokens, dt_stride]: one per head
    std::int64_t dt_stride;
    const float* dt_bias;  // [n_heads]
    const float* b;        // [n_tokens, bc_stride]: group g at g * d_state
    const float* c;
    std::int64_t bc_stride;
    const float* a;  // [n_heads]
    const float* d;  // [n_heads]
    float* state;    // [n_heads * head_dim, d_state], updated
    float* y;        // [n_tokens, y_stride], as x
    std::int64_t y_stride;
    std::int64_t head_dim;
    std::int64_t d_state;
    std::int64_t heads_per_group;
    std::int64_t n_tokens;
  };
  void (*mamba2_scan)(const Mamba2Args& args, std::int64_t h_begin, std::int64_t h_end);
};

const Kernels& reference_kernels();
const Kernels* avx2_kernels();  // nullptr when this processor lacks AVX2, FMA or F16C
// Gives the bits that avx2_kernels() gives, sooner. nullptr when this processor lacks AVX-512 F,
// BW, VL, DQ or VNNI.
const Kernels* avx512_kernels();
const Kernels& best_kernels();

// One row of `matrix` as floats (embedding look-up, tests). out: [cols].
void dequantize_row(const Matrix& matrix, std::int64_t row, float* out);

}  // namespace orkestra::model
