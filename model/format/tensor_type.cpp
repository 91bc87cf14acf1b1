#include <orkestra/core/error.h>
#include <orkestra/model/format/blocks.h>
#include <orkestra/model/format/tensor_type.h>

#include <array>

namespace orkestra::model {

namespace {

constexpr std::array<TensorTypeInfo, 7> kTypes{{
    {TensorType::kF32, "F32", 1, 4},
    {TensorType::kF16, "F16", 1, 2},
    {TensorType::kBF16, "BF16", 1, 2},
    {TensorType::kQ5_0, "Q5_0", kBlock32, sizeof(BlockQ5_0)},
    {TensorType::kQ8_0, "Q8_0", kBlock32, sizeof(BlockQ8_0)},
    {TensorType::kQ4_K, "Q4_K", kBlock256, sizeof(BlockQ4_K)},
    {TensorType::kQ6_K, "Q6_K", kBlock256, sizeof(BlockQ6_K)},
}};

}  // namespace

const TensorTypeInfo* find_tensor_type(std::uint32_t number) {
  for (const TensorTypeInfo& row : kTypes) {
    if (static_cast<std::uint32_t>(row.type) == number) return &row;
  }
  return nullptr;
}

const TensorTypeInfo& info(TensorType type) {
  const TensorTypeInfo* found = find_tensor_type(static_cast<std::uint32_t>(type));
  if (found == nullptr) {
    throw Error(ErrorCode::kInternal, "tensor type number " +
                                          std::to_string(static_cast<std::uint32_t>(type)) +
                                          " has no description");
  }
  return *found;
}

std::size_t row_bytes(TensorType type, std::int64_t cols) {
  const TensorTypeInfo& row = info(type);
  return static_cast<std::size_t>(cols / row.block_elements) * row.block_bytes;
}

}  // namespace orkestra::model
