// What masks cost: compiles schemas, writes a text of noise under each, and times every mask.
//   bench_constraint_masks FOLDER VOCABULARY.gguf [SCHEMAS] [TOKENS]
// The noise finishes what it began with a chance of one in four a token; otherwise any allowed
// token may come.

#include <orkestra/bench/constraints/corpus.h>
#include <orkestra/core/error.h>
#include <orkestra/model/text/constraint/constraint_automaton.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>

using namespace orkestra;
using namespace orkestra::model;

namespace {

// Of this thread on the processor: what others do meanwhile doesn't count.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}
double seconds_since(double start) { return cpu_seconds() - start; }

struct Times {
  std::vector<double> compile_ms;
  std::vector<double> mask_us;
  std::vector<double> step_us;  // accepting the token
};

// A text of at most `tokens`; false when it ran into a dead end.
bool write(const Tokenizer& tokenizer, const TokenTrie& trie, ConstraintMatcher matcher,
           std::size_t tokens, std::mt19937& random, Times& times, double& slowest_us) {
  std::vector<std::uint8_t> allowed;
  std::vector<TokenId> choices;
  for (std::size_t n = 0; n < tokens && !matcher.at_end(); ++n) {
    const auto start = cpu_seconds();
    trie.mask(matcher, allowed);
    times.mask_us.push_back(seconds_since(start) * 1e6);
    slowest_us = std::max(slowest_us, times.mask_us.back());
    TokenId id = -1;
    if (random() % 4 == 0 && !matcher.complete()) {
      const auto end = matcher.shortest_end();
      if (end) id = trie.spell(*end).front();
    }
    if (id < 0) {
      choices.clear();
      for (TokenId one = 0; one < tokenizer.size(); ++one) {
        const bool text = !tokenizer.bytes(one).empty();
        if (text && allowed[static_cast<std::size_t>(one)] != 0) choices.push_back(one);
      }
      if (choices.empty()) return matcher.complete();
      id = choices[random() % choices.size()];
    }
    const auto step = cpu_seconds();
    if (!matcher.accept(tokenizer.bytes(id))) return false;
    times.step_us.push_back(seconds_since(step) * 1e6);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr,
                 "usage: bench_constraint_masks FOLDER VOCABULARY.gguf [SCHEMAS] [TOKENS]\n");
    return 2;
  }
  const std::size_t count = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1000;
  const std::size_t tokens = argc > 4 ? std::strtoul(argv[4], nullptr, 10) : 100;
  const auto tokenizer = make_tokenizer(*GgufFile::open(argv[2]));
  const auto begin = cpu_seconds();
  const TokenTrie trie(*tokenizer);
  std::printf("%lld tokens, trie in %.0f ms\n", static_cast<long long>(tokenizer->size()),
              seconds_since(begin) * 1e3);
  Times times;
  std::mt19937 random(1);
  int refused = 0;
  int dead_ends = 0;
  for (const bench::CorpusSchema& one : bench::draw_schemas(argv[1], count, 1)) {
    try {
      const auto start = cpu_seconds();
      const auto automaton = ConstraintAutomaton::compile(Constraint::json_schema(one.schema));
      const double ms = seconds_since(start) * 1e3;
      times.compile_ms.push_back(ms);
      double slowest = 0;
      if (!write(*tokenizer, trie, ConstraintMatcher(automaton), tokens, random, times, slowest)) {
        ++dead_ends;
        std::printf("dead end: %s\n", one.name.c_str());
      }
      if (ms > 100 || slowest > 1000) {
        std::printf("slow: %s compile %.0f ms, mask %.0f us\n", one.name.c_str(), ms, slowest);
      }
    } catch (const Error&) {
      ++refused;
    }
  }
  std::printf("%zu compiled, %d refused, %d dead ends, %zu masks\n", times.compile_ms.size(),
              refused, dead_ends, times.mask_us.size());
  std::printf("compile, ms: %s\n", bench::percentiles(times.compile_ms).c_str());
  std::printf("mask, us:    %s\n", bench::percentiles(times.mask_us).c_str());
  std::printf("accept, us:  %s\n", bench::percentiles(times.step_us).c_str());
  return dead_ends > 0 ? 1 : 0;
}
