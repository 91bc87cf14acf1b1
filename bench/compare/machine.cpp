// bench_machine [THREADS [MIB]]: prints, as one line of JSON, what this machine's memory and AVX2
// units give at most when THREADS (default: all cores) work at once: bandwidth of reading MIB
// (default 1024) of memory, which must be more than the caches hold, and operations per second.
// Every figure is measured five times; the median is printed with the least and the greatest.
#include <orkestra/bench/compare/machine.h>
#include <orkestra/core/json.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace orkestra::bench {
namespace {

constexpr int kRepetitions = 5;
constexpr std::size_t kAlignment = 256;

std::atomic<std::uint64_t> sink{0};  // what the loops return goes here, so that they must run

// Wall-clock seconds of work(0) ... work(n_threads - 1), each on a thread of its own. They wait for
// each other before they begin.
double seconds_of(int n_threads, const std::function<void(int)>& work) {
  using Clock = std::chrono::steady_clock;
  std::atomic<int> ready{0};
  std::vector<Clock::time_point> begins(static_cast<std::size_t>(n_threads));
  std::vector<Clock::time_point> ends(static_cast<std::size_t>(n_threads));
  std::vector<std::thread> threads;
  for (int i = 0; i < n_threads; ++i) {
    threads.emplace_back([&, i] {
      ready.fetch_add(1);
      while (ready.load() < n_threads) std::this_thread::yield();
      begins[static_cast<std::size_t>(i)] = Clock::now();
      work(i);
      ends[static_cast<std::size_t>(i)] = Clock::now();
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> seconds =
      *std::max_element(ends.begin(), ends.end()) - *std::min_element(begins.begin(), begins.end());
  return seconds.count();
}

// Units (bytes, operations) of each repetition per second, in 10^9.
Json rates(int n_threads, double units, const std::function<void(int)>& work) {
  std::vector<double> giga;
  seconds_of(n_threads, work);  // pages, clock rate
  for (int i = 0; i < kRepetitions; ++i) giga.push_back(units / seconds_of(n_threads, work) / 1e9);
  std::sort(giga.begin(), giga.end());
  return {{"median", giga[kRepetitions / 2]}, {"least", giga.front()}, {"greatest", giga.back()}};
}

struct Free {
  void operator()(std::byte* bytes) const { std::free(bytes); }
};

Json measure(int n_threads, std::size_t mib) {
  // Equal slices that end on whole blocks.
  const std::size_t slice =
      (mib << 20) / static_cast<std::size_t>(n_threads) / kAlignment * kAlignment;
  const std::size_t n_bytes = slice * static_cast<std::size_t>(n_threads);
  const std::unique_ptr<std::byte, Free> memory(
      static_cast<std::byte*>(std::aligned_alloc(kAlignment, n_bytes)));
  if (memory == nullptr) {
    std::fprintf(stderr, "bench_machine: no %zu MiB of memory are free\n", mib);
    std::exit(1);
  }
  // Written once: untouched pages are all the same page of zeros.
  for (std::size_t i = 0; i < n_bytes; ++i) memory.get()[i] = static_cast<std::byte>(i * 7);

  const Json read = rates(n_threads, static_cast<double>(n_bytes), [&](int i) {
    sink += read_all(memory.get() + slice * static_cast<std::size_t>(i), slice);
  });
  constexpr std::int64_t kRounds = 20'000'000;
  const double rounds = static_cast<double>(kRounds) * n_threads;
  const Json floats = rates(n_threads, rounds * kFloatOperations, [](int) {
    sink += static_cast<std::uint64_t>(multiply_add_floats(kRounds));
  });
  const Json integers = rates(n_threads, rounds * kIntegerOperations, [](int) {
    sink += static_cast<std::uint32_t>(multiply_add_integers(kRounds));
  });
  return {{"threads", n_threads},
          {"bytes", n_bytes},
          {"read_gb_s", read},
          {"float_fma_gop_s", floats},
          {"int16_madd_gop_s", integers}};
}

// A whole number from 1 to `most`, or 0.
int parse(std::string_view text, int most) {
  int value = 0;
  const auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = code == std::errc() && rest == text.data() + text.size();
  return whole && value >= 1 && value <= most ? value : 0;
}

int run(int argc, char** argv) {
  constexpr int kMostThreads = 1024;
  constexpr int kMostMib = 1 << 20;
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  const int n_threads = argc > 1 ? parse(argv[1], kMostThreads) : std::max(1, cores);
  const int mib = argc > 2 ? parse(argv[2], kMostMib) : 1024;
  if (n_threads == 0 || mib == 0 || argc > 3) {
    std::fprintf(stderr, "usage: bench_machine [THREADS [MIB]]\n");
    return 2;
  }
  if (!avx2_available()) {
    std::fprintf(stderr, "bench_machine: this processor has no AVX2 and FMA\n");
    return 1;
  }
  std::printf("%s\n", measure(n_threads, static_cast<std::size_t>(mib)).dump().c_str());
  return 0;
}

}  // namespace
}  // namespace orkestra::bench

int main(int argc, char** argv) { return orkestra::bench::run(argc, argv); }
