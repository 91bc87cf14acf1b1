// The AVX-512 kernels; internal to this folder. What avx2.h says of its files holds for theirs.
// Only products and attention differ from AVX2's, and they reduce every element in the same order:
// both tables give the same bits.
#pragma once

#include <orkestra/model/kernels/avx2.h>

namespace orkestra::model::avx512 {

// Needs AVX512 F, BW, VL, DQ and VNNI.
void matmul_quantised(const Matrix& w, const avx2::Activations& x, float* y, std::int64_t y_stride,
                      std::int64_t row_begin, std::int64_t row_end);
void attend(const AttentionArgs& args, std::int64_t row_begin, std::int64_t row_end,
            std::int64_t key_begin, std::int64_t key_end, float* partial);

}  // namespace orkestra::model::avx512
