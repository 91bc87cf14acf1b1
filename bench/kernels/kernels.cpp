// bench_kernels [TYPE...]: what the products of one weight type give on one core, a line per type
// (all by default) and table of kernels: 10^9 multiply-adds a second, times two, with 512 tokens
// and with few, and 10^9 bytes of weights read a second with one token. The matrix (2,048 rows of
// 2,560) is in the cache. Median of five.
#include <orkestra/model/format/tensor_type.h>
#include <orkestra/model/kernels/kernels.h>
#include <orkestra/model/kernels/packing.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <random>
#include <string_view>
#include <vector>

namespace {

using namespace orkestra;

constexpr std::int64_t kRows = 2048;
constexpr std::int64_t kCols = 2560;
constexpr std::int64_t kTokens[] = {512, 32, 16, 8, 4, 2};
constexpr int kRepetitions = 5;
constexpr double kSeconds = 0.1;  // of a repetition, at least

class Product {
 public:
  Product(const model::Kernels& kernels, model::TensorType type)
      : kernels_(kernels), bytes_(kRows * model::row_bytes(type, kCols)) {
    std::mt19937 random(1);
    // Bytes under 0x38: half floats below one half, so that nothing overflows.
    for (std::byte& byte : bytes_) byte = static_cast<std::byte>(random() % 0x38);
    const model::Matrix in_file{type, kRows, kCols, bytes_.data()};
    packed_.resize(model::packed_bytes(in_file));
    model::pack_rows(in_file, 0, kRows / model::kRowGroup, packed_.data());
    matrix_ = {type, kRows, kCols, packed_.data()};
    values_.resize(512 * kCols);
    for (float& value : values_) value = static_cast<float>(random() % 1000) / 500.0F - 1.0F;
    y_.resize(512 * kRows);
  }

  // Seconds of one product.
  double seconds(std::int64_t n_tokens) {
    activations_.n_tokens = n_tokens;
    activations_.cols = kCols;
    activations_.values = values_.data();
    const auto groups = static_cast<std::size_t>(n_tokens * kCols / 256);
    activations_.integers.resize(256 * groups);
    activations_.scales.resize(groups);
    activations_.sums.resize(24 * groups);
    if (kernels_.quantises(matrix_.type)) kernels_.prepare(0, n_tokens, activations_);
    std::vector<double> samples;
    for (int i = 0; i < kRepetitions; ++i) samples.push_back(sample());
    std::sort(samples.begin(), samples.end());
    return samples[kRepetitions / 2];
  }

  double bytes() const { return static_cast<double>(packed_.size()); }

 private:
  double sample() {
    const std::clock_t start = std::clock();
    double passed = 0.0;
    int n = 0;
    for (; passed < kSeconds; ++n) {
      kernels_.matmul(matrix_, activations_, y_.data(), kRows, 0, kRows);
      passed = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    }
    return passed / n;
  }

  const model::Kernels& kernels_;
  std::vector<std::byte> bytes_;
  std::vector<std::byte> packed_;
  std::vector<float> values_;
  std::vector<float> y_;
  model::Matrix matrix_;
  model::PreparedActivations activations_;
};

void measure(const model::Kernels& kernels, const model::TensorTypeInfo& format) {
  if (!kernels.packs(format.type)) return;
  Product product(kernels, format.type);
  const auto operations = [&](std::int64_t n_tokens) {
    return 2e-9 * static_cast<double>(kRows * kCols * n_tokens) / product.seconds(n_tokens);
  };
  std::printf("%-7s %-7s", format.name.data(), kernels.name.data());
  for (const std::int64_t n_tokens : kTokens) std::printf(" %8.1f", operations(n_tokens));
  std::printf(" %8.1f\n", 1e-9 * product.bytes() / product.seconds(1));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  std::printf("%-7s %-7s", "type", "kernels");
  for (const std::int64_t n_tokens : kTokens) {
    std::printf(" %4s %3lld", "GF/s", static_cast<long long>(n_tokens));
  }
  std::printf(" %8s\n", "GB/s 1");
  for (const model::TensorTypeInfo& format : model::tensor_types()) {
    const auto is_it = [&](const char* name) { return format.name == name; };
    if (argc > 1 && std::none_of(argv + 1, argv + argc, is_it)) continue;
    for (const model::Kernels* kernels : {model::avx512_kernels(), model::avx2_kernels()}) {
      if (kernels != nullptr) measure(*kernels, format);
    }
  }
  return 0;
}
