// Deterministic mutations of good files of states: each ends in an Error that leaves nothing in the
// tree, or in states that can be gone on from. Half of them have checksums that are right again, so
// that what lies behind those is tried, too. Mutant i is the same on every machine.
//
//   state_mutations [COUNT [FIRST]]     mutants FIRST .. FIRST + COUNT - 1

#include <fcntl.h>
#include <orkestra/core/checksum.h>
#include <orkestra/model/engine/replay_task.h>
#include <orkestra/model/engine/state_file.h>
#include <orkestra/tests/model/checkpoints.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <sstream>

namespace {

using namespace orkestra;
using namespace orkestra::model;
using namespace orkestra::tests;

using Bytes = std::vector<std::byte>;

constexpr long kMaxRssKib = 1024L * 1024;
constexpr LoadOptions kLoad{.tenant = std::nullopt, .n_vocab = 512, .context_length = 4096};

// A part of the file that has a checksum: bytes [begin, end), the sum behind them.
struct Part {
  std::size_t begin;
  std::size_t end;
};

struct Seed {
  std::string name;
  Network network;
  Bytes bytes;
  std::vector<Part> parts;
};

std::unique_ptr<BatchWorker> worker_over(const Network& network) {
  return std::make_unique<BatchWorker>(
      std::make_unique<CpuBackend>(network, best_kernels(), 1),
      BatchOptions{.n_vocab = 512, .state_budget_bytes = std::size_t{16} << 20U});
}

void read(BatchWorker& worker, std::vector<TokenId> tokens, const std::string& tenant,
          std::size_t mark, bool with_logits) {
  auto task = std::make_shared<ReplayTask>(ReplayRequest{.id = "r",
                                                         .tokens = std::move(tokens),
                                                         .marks = {mark},
                                                         .forced_output = {5, 6},
                                                         .group = ""});
  task->tenant = tenant;
  task->marks.front().with_logits = with_logits;
  task->marks.front().pinned = with_logits;
  worker.submit({task});
  task->wait();
}

std::size_t common(const std::vector<TokenId>& a, std::span<const TokenId> b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                                  a.begin());
}

// Where the parts of a file of the tree's states lie.
std::vector<Part> parts_of(BatchWorker& worker) {
  std::vector<Part> parts{{0, state_file::kHeadBytes - 8}};
  std::size_t at = state_file::kHeadBytes;
  std::vector<TokenId> before;
  std::string tenant_before;
  std::optional<StateHandle> base;
  worker.with_tree([&](StateTree& tree, Backend& backend) {
    tree.for_each([&](const StateTree::View& view) {
      parts.push_back({at, at + state_file::kStateHeadBytes - 8});
      at += state_file::kStateHeadBytes;
      std::size_t n = view.tenant.size() + 4 * (view.tokens.size() - common(before, view.tokens));
      if (view.logits) n += view.logits->size() * sizeof(float);
      backend.save_state(view.state, tenant_before == view.tenant ? base : std::nullopt,
                         [&](std::span<const std::byte> bytes) { n += bytes.size(); });
      parts.push_back({at, at + n});
      at += n + 8;
      before.assign(view.tokens.begin(), view.tokens.end());
      tenant_before = view.tenant;
      base = view.state;
    });
  });
  return parts;
}

Seed make_seed(const std::string& name, Network network, const std::string& file) {
  Seed seed{.name = name, .network = std::move(network), .bytes = {}, .parts = {}};
  const auto worker = worker_over(seed.network);
  std::vector<TokenId> tokens(150);
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<TokenId>(i * 37 % 512);
  read(*worker, tokens, "", 70, true);
  read(*worker, {tokens.begin(), tokens.begin() + 90}, "", 80, false);
  read(*worker, {tokens.begin(), tokens.begin() + 20}, "tenant", 9, false);
  save_states(*worker, "w", file, {});
  std::ifstream in(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  seed.bytes.assign(bytes, bytes + text.size());
  seed.parts = parts_of(*worker);
  if (seed.parts.back().end + 8 != seed.bytes.size()) {
    throw std::runtime_error(name + ": the parts of the file are not where they should be");
  }
  return seed;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t number) : random_(number * 0x9E3779B97F4A7C15ULL + 1) {}

  Bytes mutate(const Seed& seed) {
    Bytes bytes = seed.bytes;
    switch (below(10)) {
      case 0:
        bytes.resize(below(bytes.size()));
        return bytes;
      case 1:
        bytes.resize(bytes.size() + 1 + below(100));
        return bytes;
      case 2:
      case 3:
        for (std::uint64_t n = 1 + below(8); n > 0; --n) {
          bytes[below(bytes.size())] ^= static_cast<std::byte>(1 + below(255));
        }
        return bytes;
      case 4:
        return rearranged(seed);
      case 5: {  // the head's or a state's numbers
        const Part& part = seed.parts[below(2) == 0 ? 0 : 1 + 2 * below(seed.parts.size() / 2)];
        overwrite(bytes, part.begin == 0 ? 8 + 4 * below(2) : part.begin + 4 * below(4));
        mend(bytes, part);
        return bytes;
      }
      case 6: {  // the start of what the backend wrote, and of logits and tokens
        const Part& part = seed.parts[2 + 2 * below(seed.parts.size() / 2)];
        overwrite(bytes, part.begin + below(std::min<std::size_t>(part.end - part.begin - 4, 64)));
        mend(bytes, part);
        return bytes;
      }
      default: {
        const Part& part = seed.parts[below(seed.parts.size())];
        for (std::uint64_t n = 1 + below(3); n > 0; --n) {
          overwrite(bytes, part.begin + below(part.end - part.begin - 4));
        }
        mend(bytes, part);
        return bytes;
      }
    }
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  static void mend(Bytes& bytes, const Part& part) {
    Checksum sum;
    sum.add(std::span(bytes).subspan(part.begin, part.end - part.begin));
    const std::uint64_t value = sum.value();
    std::memcpy(bytes.data() + part.end, &value, sizeof value);
  }

  // One state's bytes in another's place, once more, or not at all.
  Bytes rearranged(const Seed& seed) {
    const auto piece = [&](std::size_t state) {
      return std::span(seed.bytes)
          .subspan(seed.parts[1 + 2 * state].begin,
                   seed.parts[2 + 2 * state].end + 8 - seed.parts[1 + 2 * state].begin);
    };
    const std::size_t n = seed.parts.size() / 2;
    Bytes bytes(seed.bytes.begin(), seed.bytes.begin() + state_file::kHeadBytes);
    const std::uint32_t count = static_cast<std::uint32_t>(1 + below(n + 2));
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto chosen = piece(below(n));
      bytes.insert(bytes.end(), chosen.begin(), chosen.end());
    }
    std::memcpy(bytes.data() + 12, &count, sizeof count);
    mend(bytes, seed.parts.front());
    return bytes;
  }

  void overwrite(Bytes& bytes, std::size_t at) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    switch (below(8)) {
      case 0:
        value = 0;
        break;
      case 1:
        value = ~0U;
        break;
      case 2:
        ++value;
        break;
      case 3:
        --value;
        break;
      case 4:
        value = static_cast<std::uint32_t>(below(4096));
        break;
      case 5:
        value ^= 1U << below(32);
        break;
      case 6:
        value = 0x7FC00000U;  // not a number
        break;
      default:
        value = static_cast<std::uint32_t>(random_());
        break;
    }
    std::memcpy(bytes.data() + at, &value, sizeof value);
  }

  std::mt19937_64 random_;
};

// Goes on from every state of the tree.
void use_states(BatchWorker& worker) {
  std::vector<std::pair<std::string, std::vector<TokenId>>> all;
  worker.with_tree([&](StateTree& tree, Backend&) {
    tree.for_each([&](const StateTree::View& view) {
      all.push_back({view.tenant, {view.tokens.begin(), view.tokens.end()}});
    });
  });
  for (auto& [tenant, tokens] : all) {
    tokens.push_back(3);
    read(worker, tokens, tenant, tokens.size(), false);
  }
}

int run(std::uint64_t count, std::uint64_t first) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "states";
  std::vector<Seed> seeds;
  seeds.push_back(make_seed("dense-h64-f32", golden_network("dense-h64-f32"), file));
  seeds.push_back(make_seed("gemma3", checkpoint_network("gemma3", TensorType::kF16), file));
  // The file is in memory only.
  const int descriptor = ::memfd_create("states", MFD_CLOEXEC);
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  const auto start = std::chrono::steady_clock::now();
  std::map<std::string, std::uint64_t> outcomes;
  std::map<std::string, std::unique_ptr<BatchWorker>> workers;
  for (std::uint64_t i = first; i < first + count; ++i) {
    const Seed& seed = seeds[i % seeds.size()];
    const Bytes mutant = Mutator(i).mutate(seed);
    if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, mutant.data(), mutant.size(), 0) !=
                                               static_cast<ssize_t>(mutant.size())) {
      throw std::runtime_error("no memory for a mutant");
    }
    auto& worker = workers[seed.name];
    if (!worker) worker = worker_over(seed.network);
    std::size_t n_states = 0;
    std::size_t n_bytes = 0;
    const auto look = [&] {
      worker->with_tree([&](StateTree& tree, Backend& backend) {
        n_states = tree.counts().snapshots;
        n_bytes = backend.bytes_in_use();
      });
    };
    try {
      load_states(*worker, "w", path, kLoad);
      use_states(*worker);
      ++outcomes["taken"];
      worker.reset();
    } catch (const Error& error) {
      look();
      if (error.code() == ErrorCode::kInternal || n_states > 0 || n_bytes > 0) {
        std::printf("mutant %llu of %s: %s; %zu states and %zu bytes remain\n",
                    static_cast<unsigned long long>(i), seed.name.c_str(), error.what(), n_states,
                    n_bytes);
        return 1;
      }
      ++outcomes[std::string(info(error.code()).name)];
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
  ::close(descriptor);
  if (usage.ru_maxrss > kMaxRssKib) {
    std::printf("the peak exceeds 1 GiB\n");
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 600,
               argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0);
  } catch (const std::exception& error) {
    std::printf("state_mutations: %s\n", error.what());
    return 1;
  }
}
