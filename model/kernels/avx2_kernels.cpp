// The AVX2 kernels' table, compiled without AVX2: asks the processor first, owns the buffers'
// growth, and hands raw pointers on.

#include <orkestra/model/format/tensor_type.h>
#include <orkestra/model/kernels/avx2.h>

#ifdef ORKESTRA_AVX2
#include <cpuid.h>
#endif

namespace orkestra::model {

#ifdef ORKESTRA_AVX2

namespace {

// Which products there are for a weight type. A type without products of its own goes to the
// reference: right, and slow.
enum class Products { kFloat, kInteger, kReference };

Products products_of(TensorType weight_type) {
  switch (weight_type) {
    case TensorType::kF32:
    case TensorType::kF16:
    case TensorType::kBF16:
      return Products::kFloat;
    case TensorType::kQ8_0:
    case TensorType::kQ5_0:
    case TensorType::kQ4_K:
    case TensorType::kQ6_K:
      return Products::kInteger;
    case TensorType::kQ4_0:
    case TensorType::kQ4_1:
    case TensorType::kQ5_1:
    case TensorType::kQ2_K:
    case TensorType::kQ3_K:
    case TensorType::kQ5_K:
    case TensorType::kIQ4_NL:
    case TensorType::kIQ4_XS:
      return Products::kReference;
  }
  return Products::kReference;
}

void prepare(TensorType weight_type, const float* x, std::int64_t n_tokens, std::int64_t cols,
             PreparedActivations& out) {
  out.n_tokens = n_tokens;
  out.cols = cols;
  const auto size = static_cast<std::size_t>(n_tokens * cols);
  if (products_of(weight_type) != Products::kInteger) {
    out.values.assign(x, x + size);
    return;
  }
  out.integers.resize(size);
  out.scales.resize(size / avx2::kActivationBlock);
  out.sums.resize(size / avx2::kActivationBlock);
  avx2::quantise(x, n_tokens, cols, out.integers.data(), out.scales.data(), out.sums.data());
}

void matmul(const Matrix& w, const PreparedActivations& x, float* y, std::int64_t y_stride,
            std::int64_t row_begin, std::int64_t row_end) {
  const Products products = products_of(w.type);
  if (products == Products::kReference) {
    return reference_kernels().matmul(w, x, y, y_stride, row_begin, row_end);
  }
  const avx2::Activations activations{
      .n_tokens = x.n_tokens,
      .cols = x.cols,
      .values = x.values.data(),
      .integers = x.integers.data(),
      .scales = x.scales.data(),
      .sums = x.sums.data(),
  };
  if (products == Products::kInteger) {
    avx2::matmul_quantised(w, static_cast<std::int64_t>(row_bytes(w.type, w.cols)), activations, y,
                           y_stride, row_begin, row_end);
  } else {
    avx2::matmul_float(w, activations, y, y_stride, row_begin, row_end);
  }
}

void causal_conv_silu(const float* x, std::int64_t x_stride, float* state, const float* weight,
                      const float* bias, std::int64_t d_conv, std::int64_t n_tokens,
                      std::int64_t c_begin, std::int64_t c_end, float* y, std::int64_t y_stride) {
  const auto kernel =
      d_conv <= avx2::kMaxTaps ? avx2::causal_conv_silu : reference_kernels().causal_conv_silu;
  kernel(x, x_stride, state, weight, bias, d_conv, n_tokens, c_begin, c_end, y, y_stride);
}

// Clang's __builtin_cpu_supports does not know F16C.
bool has_f16c() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}

}  // namespace

const Kernels* avx2_kernels() {
  static constexpr Kernels kKernels{
      .name = "avx2",
      .prepare = prepare,
      .matmul = matmul,
      .rms_norm = avx2::rms_norm,
      .silu_multiply = avx2::silu_multiply,
      .causal_conv_silu = causal_conv_silu,
      .selective_scan = avx2::selective_scan,
      .attention = avx2::attention,
  };
  static const bool supported =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
  return supported ? &kKernels : nullptr;
}

#else

const Kernels* avx2_kernels() { return nullptr; }

#endif

}  // namespace orkestra::model
