// Floats as quantised blocks: one row at a time, deterministic, any thread. Scales are searched for
// the least squared error (fit.h).
#pragma once

#include <orkestra/model/format/gguf.h>

#include <cstddef>
#include <cstdint>

namespace orkestra::model {

// x: [cols], finite; cols a multiple of the type's block; out: row_bytes(type, cols) bytes.
void quantise_row(TensorType type, const float* x, std::int64_t cols, std::byte* out);

}  // namespace orkestra::model
