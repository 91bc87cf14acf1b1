// The tables of the AVX2 and AVX-512 kernels, compiled without either: they ask the processor first
// and hand raw pointers on.

#include <orkestra/model/kernels/avx2.h>
#include <orkestra/model/kernels/avx512.h>
#include <orkestra/model/kernels/exponentials.h>
#include <orkestra/model/kernels/exponentials_loop.h>

#ifdef ORKESTRA_X86
#include <cpuid.h>
#endif

namespace orkestra::model {

#ifdef ORKESTRA_X86

namespace {

bool packs(TensorType) { return true; }

bool quantises(TensorType weight_type) {
  return weight_type != TensorType::kF32 && weight_type != TensorType::kF16 &&
         weight_type != TensorType::kBF16;
}

void prepare(std::int64_t begin, std::int64_t end, PreparedActivations& out) {
  avx2::quantise({.n_tokens = out.n_tokens,
                  .cols = out.cols,
                  .values = out.values,
                  .integers = out.integers.data(),
                  .scales = out.scales.data(),
                  .sums = out.sums.data()},
                 begin, end);
}

using QuantisedProduct = void(const Matrix&, const avx2::Activations&, float*, std::int64_t,
                              std::int64_t, std::int64_t);

template <QuantisedProduct* kQuantised>
void matmul(const Matrix& w, const PreparedActivations& x, float* y, std::int64_t y_stride,
            std::int64_t row_begin, std::int64_t row_end) {
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

using Convolution = void(const float*, std::int64_t, float*, const float*, const float*,
                         std::int64_t, std::int64_t, std::int64_t, std::int64_t, float*,
                         std::int64_t);

template <Convolution* kConvolution>
void causal_conv_silu(const float* x, std::int64_t x_stride, float* state, const float* weight,
                      const float* bias, std::int64_t d_conv, std::int64_t n_tokens,
                      std::int64_t c_begin, std::int64_t c_end, float* y, std::int64_t y_stride) {
  const auto kernel =
      d_conv <= avx2::kMaxTaps ? kConvolution : reference_kernels().causal_conv_silu;
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

constexpr Kernels kAvx2{
    .name = "avx2",
    .packs = packs,
    .quantises = quantises,
    .prepare = prepare,
    .matmul = matmul<avx2::matmul_quantised>,
    .rms_norm = avx2::rms_norm,
    .silu_multiply = avx2::silu_multiply,
    .causal_conv_silu = causal_conv_silu<avx2::causal_conv_silu>,
    .selective_scan = avx2::selective_scan,
    .attend = avx2::attend,
    .merge_attention = avx2::merge_attention,
    .gelu_multiply = avx2::gelu_multiply,
    .rotate = avx2::rotate,
    .mamba2_scan = avx2::mamba2_scan,
};

constexpr Kernels avx512_table() {
  Kernels table = kAvx2;
  table.name = "avx512";
  table.matmul = matmul<avx512::matmul_quantised>;
  table.attend = avx512::attend;
  table.silu_multiply = avx512::silu_multiply;
  table.causal_conv_silu = causal_conv_silu<avx512::causal_conv_silu>;
  table.selective_scan = avx512::selective_scan;
  return table;
}
constexpr Kernels kAvx512 = avx512_table();

}  // namespace

void exponentials(const float* x, std::int64_t n, double shift, double scale, double* out) {
  if (avx512_kernels() != nullptr) return avx512::exponentials(x, n, shift, scale, out);
  if (avx2_kernels() != nullptr) return avx2::exponentials(x, n, shift, scale, out);
  exponentials_loop(x, n, shift, scale, out);
}

const Kernels* avx2_kernels() {
  static const bool supported =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
  return supported ? &kAvx2 : nullptr;
}

const Kernels* avx512_kernels() {
  static const bool supported =
      avx2_kernels() != nullptr && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
  return supported ? &kAvx512 : nullptr;
}

#else

const Kernels* avx2_kernels() { return nullptr; }

const Kernels* avx512_kernels() { return nullptr; }

void exponentials(const float* x, std::int64_t n, double shift, double scale, double* out) {
  exponentials_loop(x, n, shift, scale, out);
}

#endif

}  // namespace orkestra::model
