// The libFuzzer entry: build with Clang and -DORKESTRA_FUZZERS=ON, run
//   bin/fuzz_gguf -rss_limit_mb=1024 CORPUS_FOLDER

#include <orkestra/tests/fuzz/gguf_inspect.h>

#include <cstdint>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy at an aligned address, as files are mapped.
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  const std::vector<std::byte> copy(bytes, bytes + size);
  orkestra::tests::inspect_gguf(copy);
  return 0;
}
