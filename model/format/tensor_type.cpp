#include <orkestra/core/error.h>
#include <orkestra/model/format/blocks.h>
#include <orkestra/model/format/tensor_type.h>

#include <array>

namespace orkestra::model {

namespace {

constexpr std::array<TensorTypeInfo, 15> kTypes{{
    {TensorType::kF32, "F32", 1, 4},
    {TensorType::kF16, "F16", 1, 2},
    {TensorType::kBF16, "BF16", 1, 2},
    {TensorType::kQ4_0, "Q4_0", kBlock32, sizeof(BlockQ4_0)},
    {TensorType::kQ4_1, "Q4_1", kBlock32, sizeof(BlockQ4_1)},
    {TensorType::kQ5_0, "Q5_0", kBlock32, sizeof(BlockQ5_0)},
    {TensorType::kQ5_1, "Q5_1", kBlock32, sizeof(BlockQ5_1)},
    {TensorType::kQ8_0, "Q8_0", kBlock32, sizeof(BlockQ8_0)},
    {TensorType::kQ2_K, "Q2_K", kBlock256, sizeof(BlockQ2_K)},
    {TensorType::kQ3_K, "Q3_K", kBlock256, sizeof(BlockQ3_K)},
    {TensorType::kQ4_K, "Q4_K", kBlock256, sizeof(BlockQ4_K)},
    {TensorType::kQ5_K, "Q5_K", kBlock256, sizeof(BlockQ5_K)},
    {TensorType::kQ6_K, "Q6_K", kBlock256, sizeof(BlockQ6_K)},
    {TensorType::kIQ4_NL, "IQ4_NL", kBlock32, sizeof(BlockIQ4_NL)},
    {TensorType::kIQ4_XS, "IQ4_XS", kBlock256, sizeof(BlockIQ4_XS)},
}};

}  // namespace

const TensorTypeInfo* find_tensor_type(std::uint32_t number) {
  for (const TensorTypeInfo& row : kTypes) {
    if (static_cast<std::uint32_t>(row.type) == number) return &row;
  }
  return nullptr;
}

std::span<const TensorTypeInfo> tensor_types() { return kTypes; }

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
