// The AVX2 kernels as plain functions over raw buffers; internal to this folder. The files that
// implement them are compiled for AVX2, so they use nothing that other translation units
// instantiate too (std:: templates, inline functions): the linker keeps one copy of such code and
// a processor without AVX2 could end up running it. A test reads the object files' symbols.
#pragma once

#include <orkestra/model/kernels/kernels.h>

#include <cstdint>

namespace orkestra::model::avx2 {

inline constexpr int kActivationGroup = 256;           // activations that share one scale
inline constexpr int kSums16 = kActivationGroup / 16;  // of a group and token: of every 16...
inline constexpr int kSums = kSums16 + kActivationGroup / 32;  // ...and then of every 32
inline constexpr std::int64_t kMaxTaps = 16;  // longest convolution causal_conv_silu can do

// Prepared activations; float types read values, the others the rest.
struct Activations {
  std::int64_t n_tokens;
  std::int64_t cols;
  const float* values;  // [n_tokens, cols]
  // Group by group of 256 columns (the last one may have fewer: the rest is left as it was), the
  // tokens of a group in a row:
  const std::int16_t* integers;  // [group][n_tokens, 256], every four in the order 0 2 1 3
  const float* scales;           // [group][n_tokens]
  const float* sums;             // [group][n_tokens, kSums] of the integers
};

// Makes the integers of tokens [begin, end) of out.values; cols is a multiple of 32. A group's
// scale is max |x| / 32767; its integers are x / scale, rounded to nearest even. A group with a NaN
// gets the scale NaN.
struct QuantisedActivations {
  std::int64_t n_tokens;
  std::int64_t cols;
  const float* values;
  std::int16_t* integers;  // these three as above
  float* scales;
  float* sums;
};
void quantise(const QuantisedActivations& out, std::int64_t begin, std::int64_t end);

// Products of packed weights (packing.h). F32, F16 and BF16:
void matmul_float(const Matrix& w, const Activations& x, float* y, std::int64_t y_stride,
                  std::int64_t row_begin, std::int64_t row_end);
// All others:
void matmul_quantised(const Matrix& w, const Activations& x, float* y, std::int64_t y_stride,
                      std::int64_t row_begin, std::int64_t row_end);

// The remaining functions of the Kernels table; see there.
void rms_norm(const float* x, std::int64_t x_stride, const float* weight, float eps,
              std::int64_t n_tokens, std::int64_t dim, float* y, std::int64_t y_stride);
void silu_multiply(float* gate, const float* up, std::int64_t n);
void causal_conv_silu(const float* x, std::int64_t x_stride, float* state, const float* weight,
                      const float* bias, std::int64_t d_conv, std::int64_t n_tokens,
                      std::int64_t c_begin, std::int64_t c_end, float* y, std::int64_t y_stride);
void selective_scan(const Kernels::ScanArgs& args, std::int64_t c_begin, std::int64_t c_end);
void attend(const AttentionArgs& args, std::int64_t row_begin, std::int64_t row_end,
            std::int64_t key_begin, std::int64_t key_end, float* partial);
void merge_attention(float* into, const float* from, std::int64_t n_rows, std::int64_t head_dim);
void gelu_multiply(float* gate, const float* up, std::int64_t n);
void rotate(const Kernels::RotateArgs& args, std::int64_t token_begin, std::int64_t token_end);
void mamba2_scan(const Kernels::Mamba2Args& args, std::int64_t h_begin, std::int64_t h_end);

// As exponentials.h.
void exponentials(const float* x, std::int64_t n, double shift, double scale, double* out);

}  // namespace orkestra::model::avx2
