// bench_random_model SHAPE TYPE OUT.gguf: a model of random weights, for measuring.

#include <orkestra/bench/random_model/shapes.h>
#include <orkestra/core/error.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

using namespace orkestra;

namespace {

void usage() {
  std::fprintf(stderr, "bench_random_model SHAPE TYPE OUT.gguf [SEED]\n  SHAPE:");
  for (const bench::Shape& shape : bench::shapes()) {
    std::fprintf(stderr, " %s", std::string(shape.name).c_str());
  }
  std::fprintf(stderr, "\n  TYPE: F32");
  for (const model::MixInfo& mix : model::mixes()) {
    std::fprintf(stderr, " %s", std::string(mix.name).c_str());
  }
  std::fprintf(stderr, "\n");
}

void show(std::uint64_t done, std::uint64_t total) {
  std::fprintf(stderr, "\r%5.1f %% of %.2f GB",
               100.0 * static_cast<double>(done) / static_cast<double>(total),
               static_cast<double>(total) / 1e9);
  if (done == total) std::fprintf(stderr, "\n");
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Shape* shape = argc >= 4 ? bench::find_shape(argv[1]) : nullptr;
  const std::string type = argc >= 4 ? argv[2] : "";
  const model::MixInfo* mix = model::find_mix(type);
  if (argc > 5 || shape == nullptr || (mix == nullptr && type != "F32")) {
    usage();
    return 2;
  }
  bench::RandomModelOptions options;
  options.f32 = mix == nullptr;
  if (mix != nullptr) options.mix = mix->mix;
  if (argc == 5) options.seed = std::strtoull(argv[4], nullptr, 10);
  if (isatty(STDERR_FILENO) != 0) options.progress = show;
  try {
    const auto result = bench::write_random_model(*shape, options, argv[3]);
    std::printf("%s: %lld parameters, %.2f GB\n", argv[3],
                static_cast<long long>(result.n_parameters),
                static_cast<double>(result.tensor_bytes) / 1e9);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.message().c_str());
    return info(error.code()).exit_status;
  }
  return 0;
}
