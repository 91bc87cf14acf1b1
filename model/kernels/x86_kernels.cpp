// The tables of the AVX2 and AVX-512 kernels, compiled without either: they ask the processor first
// and hand raw pointers on.

#include <orkestra/model/kernels/avx2.h>
#include <orkestra/model/kernels/avx512.h>

#ifdef ORKESTRA_X86
#include <cpuid.h>
#endif

namespace orkestra::model {

#ifdef ORKESTRA_X86

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

bool packs(TensorType weight_type) { return products_of(weight_type) != Products::kReference; }

bool quantises(TensorType weight_type) { return products_of(weight_type) == Products::kInteger; }

void prepare(std::int64_t begin, std::int64_t end, PreparedActivations& out) {
  const std::int64_t groups = (out.cols + avx2::kActivationGroup - 1) / avx2::kActivationGroup;
  avx2::quantise(out.values + begin * out.cols, end - begin, out.cols,
                 out.integers.data() + begin * out.cols, out.scales.data() + begin * groups,
                 out.sums.data() + begin * (out.cols / avx2::kSumBlock));
}

using QuantisedProduct = void(const Matrix&, const avx2::Activations&, float*, std::int64_t,
                              std::int64_t, std::int64_t);

template <QuantisedProduct* kQuantised>
void matmul(const Matrix& w, const PreparedActivations& x, float* y, std::int64_t y_stride,
            std::int64_t row_begin, std::int64_t row_end) {
  if (!packs(w.type)) {
    return reference_kernels().matmul(w, x, y, y_stride, row_begin, row_end);
  }
  const avx2::Activations activations{
      .n_tokens = x.n_tokens,
      .cols = x.cols,
      .values = x.values,
      .integers = x.integers.data(),
      .scales = x.scales.data(),
      .sums = x.sums.data(),
  };
  const auto product = quantises(w.type) ? kQuantised : avx2::matmul_float;
  product(w, activations, y, y_stride, row_begin, row_end);
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

using Attend = void(const AttentionArgs&, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                    float*);

template <QuantisedProduct* kQuantised, Attend* kAttend>
constexpr Kernels table(std::string_view name) {
  return {
      .name = name,
      .packs = packs,
      .quantises = quantises,
      .prepare = prepare,
      .matmul = matmul<kQuantised>,
      .rms_norm = avx2::rms_norm,
      .silu_multiply = avx2::silu_multiply,
      .causal_conv_silu = causal_conv_silu,
      .selective_scan = avx2::selective_scan,
      .attend = kAttend,
      .merge_attention = avx2::merge_attention,
      .gelu_multiply = avx2::gelu_multiply,
      .rotate = avx2::rotate,
      .mamba2_scan = avx2::mamba2_scan,
  };
}

}  // namespace

const Kernels* avx2_kernels() {
  static constexpr Kernels kKernels = table<avx2::matmul_quantised, avx2::attend>("avx2");
  static const bool supported =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
  return supported ? &kKernels : nullptr;
}

const Kernels* avx512_kernels() {
  static constexpr Kernels kKernels = table<avx512::matmul_quantised, avx512::attend>("avx512");
  static const bool supported =
      avx2_kernels() != nullptr && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
  return supported ? &kKernels : nullptr;
}

#else

const Kernels* avx2_kernels() { return nullptr; }

const Kernels* avx512_kernels() { return nullptr; }

#endif

}  // namespace orkestra::model
