// Logits of the golden models against a float64 forward pass and against llama.cpp's.

#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/golden_models.h>

#include <cstdio>

using namespace orkestra;
using namespace orkestra::tests;

namespace {

constexpr const char* kGolden[] = {"dense-h64-f32",     "moe-h64-f32",     "mamba-h64-f32",
                                   "dense-h256-f16",    "dense-h256-Q8_0", "mamba-h256-Q8_0",
                                   "dense-h256-Q4_K_M", "moe-h256-Q4_K_M"};

}  // namespace

TEST_CASE("logits of every golden model agree with the float64 forward pass") {
  for (const std::string name : kGolden) {
    const bool quantised = name.find("-Q") != std::string::npos;
    const model::Network network = golden_network(name);
    const auto float64 = golden_logits(name + ".numpy.f32");
    const double peer = relative_error(golden_logits(name + ".llamacpp.f32"), float64);
    for (const model::Kernels* kernels : all_kernels()) {
      model::CpuBackend backend(network, *kernels, 2);
      const double error = relative_error(all_logits(backend, golden_tokens()), float64);
      std::printf("  %-18s %-9s error %.2e, peer %.2e\n", name.c_str(),
                  std::string(kernels->name).c_str(), error, peer);
      CAPTURE(name, kernels->name, error, peer);
      // Where weights are quantised keys and values are half floats and, but for the reference,
      // activations 16-bit integers; everything else is float32.
      CHECK(error <= (quantised ? 5e-4 : 1e-5));
      CHECK(error <= (quantised ? peer / 10 : peer));
    }
  }
}
