// Deterministic mutations of good checkpoints (safetensors, their index, config.json, tokenizer
// files): parsing and the whole conversion end in a file or an orkestra::Error, in bounded memory.
// Mutant i is the same on every machine.
//
//   checkpoint_mutations [COUNT [FIRST]]     mutants FIRST .. FIRST + COUNT - 1

#include <orkestra/core/error.h>
#include <orkestra/model/convert/convert.h>
#include <orkestra/model/convert/safetensors.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace orkestra;
namespace fs = std::filesystem;

constexpr long kMaxRssKib = 512L * 1024;

constexpr const char* kSeeds[] = {"llama", "mamba2", "granite-moe", "gemma3", "jamba", "mixtral"};

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (text.empty()) throw std::runtime_error(path.string() + " is not there");
  return text;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t number) : random_(number * 0x9E3779B97F4A7C15ULL + 1) {}

  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  // Changes `text` within its first `end` bytes.
  void mutate(std::string& text, std::size_t end) {
    end = std::min(end, text.size());
    switch (below(6)) {
      case 0:
        text.resize(below(end + 1));
        break;
      case 1:
        for (std::uint64_t n = 1 + below(8); n > 0; --n) {
          text[below(end)] = static_cast<char>(below(256));
        }
        break;
      case 2: {
        const std::size_t n = 1 + below(std::min<std::uint64_t>(end / 2, 64));
        std::memmove(text.data() + below(end - n), text.data() + below(end - n), n);
        break;
      }
      default:
        for (std::uint64_t n = 1 + below(2); n > 0; --n) replace_number(text, end);
        break;
    }
  }

 private:
  // Overwrites one decimal number of the text by a telling one.
  void replace_number(std::string& text, std::size_t end) {
    const std::size_t from = text.find_first_of("0123456789", below(end));
    if (from == std::string::npos || from >= end) return;
    const std::size_t to = std::min(text.find_first_not_of("0123456789", from), text.size());
    static constexpr std::string_view kNumbers[] = {"0",
                                                    "1",
                                                    "-1",
                                                    "2",
                                                    "3",
                                                    "15",
                                                    "65537",
                                                    "4294967295",
                                                    "9223372036854775807",
                                                    "18446744073709551615",
                                                    "64",
                                                    "1e308",
                                                    "0.5",
                                                    "null",
                                                    "\"x\"",
                                                    "[]",
                                                    "4097",
                                                    "1048576",
                                                    "16777216",
                                                    "-9223372036854775808"};
    text.replace(from, to - from, kNumbers[below(std::size(kNumbers))]);
  }

  std::mt19937_64 random_;
};

// Reads what the parser hands out, so that a view beyond the bytes is seen by the sanitizer.
void touch(const std::vector<model::SafeTensor>& tensors) {
  std::size_t seen = 0;
  for (const model::SafeTensor& tensor : tensors) {
    if (tensor.data.empty() || tensor.elements <= 0) std::abort();
    seen += static_cast<std::size_t>(tensor.data.front()) +
            static_cast<std::size_t>(tensor.data.back());
  }
  volatile std::size_t sink = seen;
  static_cast<void>(sink);
}

fs::path weights_of(const fs::path& folder) {
  const fs::path sharded = folder / "model-00001-of-00002.safetensors";
  return fs::exists(sharded) ? sharded : folder / "model.safetensors";
}

std::string run_one(std::uint64_t number, const fs::path& seed, const fs::path& work) {
  Mutator mutator(number);
  try {
    if (number % 2 == 0) {
      std::string bytes = read_file(weights_of(seed));
      std::uint64_t header = 0;
      std::memcpy(&header, bytes.data(), 8);
      mutator.mutate(bytes, 8 + header);
      // The header's length usually follows what the mutation did to the header.
      if (bytes.size() > 8 && mutator.below(4) != 0) {
        const std::size_t end = bytes.find("}}", 8);
        header = end == std::string::npos ? header : end + 2 - 8;
        std::memcpy(bytes.data(), &header, 8);
      }
      touch(model::parse_safetensors(std::as_bytes(std::span(bytes)), "mutant"));
      return "parsed";
    }
    const fs::path folder = work / "model";
    fs::remove_all(folder);
    fs::copy(seed, folder);
    static constexpr const char* kVictims[] = {"config.json", "tokenizer.json", "tokenizer.model",
                                               "tokenizer_config.json",
                                               "model.safetensors.index.json"};
    const char* name = kVictims[(number / 4) % std::size(kVictims)];
    const fs::path victim = folder / (fs::exists(folder / name) ? name : "config.json");
    std::string text = read_file(victim);
    mutator.mutate(text, text.size());
    std::ofstream(victim, std::ios::binary) << text;
    model::convert_model(folder, work / "out.gguf");
    return "converted";
  } catch (const Error& e) {
    if (e.message().empty() || e.code() == ErrorCode::kInternal) throw;
    return std::string(info(e.code()).name);
  }
}

int run(std::uint64_t count, std::uint64_t first) {
  const fs::path seeds = fs::path(ORKESTRA_SOURCE_DIR) / "tests/golden/checkpoints";
  const fs::path work =
      fs::temp_directory_path() / ("orkestra-checkpoints-" + std::to_string(getpid()));
  fs::create_directories(work);
  std::map<std::string, std::uint64_t> outcomes;
  int status = 0;
  for (std::uint64_t i = first; i < first + count && status == 0; ++i) {
    const char* seed = kSeeds[(i / 2) % std::size(kSeeds)];
    try {
      ++outcomes[run_one(i, seeds / seed, work)];
    } catch (const std::exception& e) {
      std::printf("mutant %llu of %s: %s\n", static_cast<unsigned long long>(i), seed, e.what());
      status = 1;
    }
  }
  fs::remove_all(work);
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("peak %.0f MiB:", static_cast<double>(usage.ru_maxrss) / 1024.0);
  for (const auto& [outcome, n] : outcomes) {
    std::printf(" %s %llu", outcome.c_str(), static_cast<unsigned long long>(n));
  }
  std::printf("\n");
  if (usage.ru_maxrss > kMaxRssKib) {
    std::printf("the peak exceeds 512 MiB\n");
    return 1;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 600;
  const std::uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  try {
    return run(count, first);
  } catch (const std::exception& e) {
    std::printf("%s\n", e.what());
    return 1;
  }
}
