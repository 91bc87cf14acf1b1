// The AVX-512 kernels; internal to this folder. What avx2.h says of its files holds for theirs.
// Where they differ from AVX2's they reduce every element in the same order: both tables give the
// same bits.
#pragma once

#include <orkestra/model/kernels/avx2.h>

namespace orkestra::model::avx512 {

// Needs AVX512 F, BW, VL, DQ and VNNI.
void matmul_quantised(const Matrix& w, const avx2::Activations& x, float* y, std::int64_t y_stride,
                      std::int64_t row_begin, std::int64_t row_end);
void attend(const AttentionArgs& args, std::int64_t row_begin, std::int64_t row_end,
            std::int64_t key_begin, std::int64_t key_end, float* partial);
void silu_multiply(float* gate, const float* up, std::int64_t n);
void causal_conv_silu(const float* x, std::int64_t x_stride, float* state, const float* weight,
                      const float* bias, std::int64_t d_conv, std::int64_t n_tokens,
                      std::int64_t c_begin, std::int64_t c_end, float* y, std::int64_t y_stride);
void selective_scan(const Kernels::ScanArgs& args, std::int64_t c_begin, std::int64_t c_end);
void exponentials(const float* x, std::int64_t n, double shift, double scale, double* out);

}  // namespace orkestra::model::avx512
