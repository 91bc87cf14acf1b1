// What is known about each tensor type: its name and how its elements are packed into blocks.
#pragma once

#include <orkestra/model/format/gguf.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace orkestra::model {

struct TensorTypeInfo {
  TensorType type;
  std::string_view name;        // "Q4_K"
  std::int64_t block_elements;  // a row's length is a multiple of it
  std::size_t block_bytes;
};

// nullptr when this build can't read the type with this number.
const TensorTypeInfo* find_tensor_type(std::uint32_t number);

const TensorTypeInfo& info(TensorType type);

// Every type this build can read.
std::span<const TensorTypeInfo> tensor_types();

// Bytes of one row of `cols` elements; `cols` must be a multiple of the block.
std::size_t row_bytes(TensorType type, std::int64_t cols);

}  // namespace orkestra::model
