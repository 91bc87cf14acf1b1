// The reference kernels that lie in files of their own; internal to this folder. kernels.h says
// what they do.
#pragma once

#include <orkestra/model/kernels/kernels.h>

namespace orkestra::model::reference {

void gelu_multiply(float* gate, const float* up, std::int64_t n);
void rotate(const Kernels::RotateArgs& args, std::int64_t token_begin, std::int64_t token_end);
void mamba2_scan(const Kernels::Mamba2Args& args, std::int64_t h_begin, std::int64_t h_end);

}  // namespace orkestra::model::reference
