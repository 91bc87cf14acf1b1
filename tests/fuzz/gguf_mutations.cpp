// Deterministic mutations of good GGUF files: only orkestra::Error may come out, and memory stays
// bounded. Mutant i is the same on every machine.
//
//   gguf_mutations [--parse-only] [COUNT [FIRST]]     mutants FIRST .. FIRST + COUNT - 1

#include <orkestra/tests/fuzz/gguf_fields.h>
#include <orkestra/tests/fuzz/gguf_inspect.h>
#include <orkestra/tests/model/format_gguf_builder.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace orkestra;
using namespace orkestra::tests;

constexpr long kMaxRssKib = 1024L * 1024;

struct Seed {
  std::string name;
  Bytes bytes;
  std::vector<GgufField> fields;
  std::size_t header_bytes;
};

Seed make_seed(std::string name, Bytes bytes) {
  const GgufFieldWalk walk(bytes);
  return {std::move(name), std::move(bytes), walk.fields(), walk.header_bytes()};
}

Bytes read_file(const std::string& name) {
  std::ifstream in(std::string(ORKESTRA_SOURCE_DIR) + "/" + name, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (text.empty()) throw std::runtime_error(name + " is not there");
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t number) : random_(number * 0x9E3779B97F4A7C15ULL + 1) {}

  Bytes mutate(const Seed& seed) {
    switch (below(8)) {
      case 0:
        return cut(seed);
      case 1:
        return scribble(seed.bytes, seed.header_bytes);
      case 2:
        return scribble(seed.bytes, seed.bytes.size());
      case 3:
        return splice(seed);
      default: {
        Bytes bytes = seed.bytes;
        // Repeated tokens make most fields array elements: half of the picks go elsewhere.
        for (std::uint64_t n = below(3) == 0 ? 2 + below(3) : 1; n > 0; --n) {
          overwrite(bytes, field_of(seed));
        }
        return bytes;
      }
    }
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  const GgufField& field_of(const Seed& seed) {
    for (int tries = 0; tries < 8; ++tries) {
      const GgufField& field = seed.fields[below(seed.fields.size())];
      if (field.name.find("element[") == std::string::npos || below(8) == 0) return field;
    }
    return seed.fields[below(std::min<std::uint64_t>(seed.fields.size(), 24))];
  }

  // Ends the file at a field's edge, within the header, within the data, or at a page.
  Bytes cut(const Seed& seed) {
    std::uint64_t size = below(seed.bytes.size());
    const std::uint64_t where = below(4);
    if (where == 0) size = field_of(seed).at + below(9);
    if (where == 1) size = below(seed.header_bytes + 64);
    if (where == 2) size = size / 4096 * 4096;
    size = std::min<std::uint64_t>(size, seed.bytes.size());
    return {seed.bytes.begin(), seed.bytes.begin() + static_cast<std::ptrdiff_t>(size)};
  }

  Bytes scribble(Bytes bytes, std::size_t end) {
    for (std::uint64_t n = 1 + below(16); n > 0; --n) {
      bytes[below(end)] = static_cast<std::byte>(below(256));
    }
    return bytes;
  }

  // Copies one stretch of the header over another.
  Bytes splice(const Seed& seed) {
    Bytes bytes = seed.bytes;
    const std::uint64_t length = 1 + below(std::min<std::uint64_t>(seed.header_bytes / 2, 256));
    const std::uint64_t from = below(seed.header_bytes - length);
    const std::uint64_t to = below(seed.header_bytes - length);
    std::memmove(bytes.data() + to, seed.bytes.data() + from, length);
    return bytes;
  }

  void overwrite(Bytes& bytes, const GgufField& field) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + field.at, field.width);
    switch (below(9)) {
      case 0:
        value = 0;
        break;
      case 1:
        value = ~std::uint64_t{0};
        break;
      case 2:
        value += 1;
        break;
      case 3:
        value -= 1;
        break;
      case 4:
        value = random_();
        break;
      case 5:
        value = below(64);
        break;
      case 6:
        value = std::uint64_t{1} << below(64);
        break;
      case 7:
        value ^= std::uint64_t{1} << below(8 * field.width);
        break;
      default:
        value = (std::uint64_t{1} << (8 * field.width - 1)) - below(2);
        break;
    }
    std::memcpy(bytes.data() + field.at, &value, field.width);
  }

  std::mt19937_64 random_;
};

int run(std::uint64_t count, std::uint64_t first, const InspectOptions& options) {
  std::vector<Seed> seeds;
  seeds.push_back(make_seed("small", sample_file().build()));
  for (const char* name : {"tests/golden/dense-h64-f32.gguf", "model/nano/nano.gguf"}) {
    seeds.push_back(make_seed(name, read_file(name)));
    if (inspect_gguf(seeds.back().bytes, options)) {
      std::printf("%s itself is refused\n", name);
      return 1;
    }
  }
  const auto start = std::chrono::steady_clock::now();
  std::map<std::string, std::uint64_t> outcomes;
  for (std::uint64_t i = first; i < first + count; ++i) {
    const Seed& seed = seeds[i % seeds.size()];
    const Bytes mutant = Mutator(i).mutate(seed);
    try {
      const auto refused = inspect_gguf(mutant, options);
      ++outcomes[refused ? std::string(info(*refused).name) : "accepted"];
    } catch (const std::exception& e) {
      std::printf("mutant %llu of %s: %s\n", static_cast<unsigned long long>(i), seed.name.c_str(),
                  e.what());
      return 1;
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%llu mutants in %.1f s, peak %.0f MiB:", static_cast<unsigned long long>(count),
              seconds.count(), static_cast<double>(usage.ru_maxrss) / 1024.0);
  for (const auto& [outcome, n] : outcomes) {
    std::printf(" %s %llu", outcome.c_str(), static_cast<unsigned long long>(n));
  }
  std::printf("\n");
  if (usage.ru_maxrss > kMaxRssKib) {
    std::printf("the peak exceeds 1 GiB\n");
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  InspectOptions options;
  int next = 1;
  if (next < argc && std::string(argv[next]) == "--parse-only") {
    options.open_model = false;
    ++next;
  }
  const std::uint64_t count = next < argc ? std::strtoull(argv[next], nullptr, 10) : 600;
  const std::uint64_t first = next + 1 < argc ? std::strtoull(argv[next + 1], nullptr, 10) : 0;
  try {
    return run(count, first, options);
  } catch (const std::exception& e) {
    std::printf("%s\n", e.what());
    return 1;
  }
}
