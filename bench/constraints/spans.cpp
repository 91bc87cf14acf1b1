// Spans over large sources: writes texts of noise that quote them and holds every quote against
// the sources.
//   bench_constraint_spans VOCABULARY.gguf TEXTS SOURCE… [--one-space]

#include <orkestra/bench/constraints/corpus.h>
#include <orkestra/core/error.h>
#include <orkestra/model/engine/constrained_writer.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <random>

using namespace orkestra;
using namespace orkestra::model;

namespace {

double cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

std::string with_one_space(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    if (!space) out += c;
    if (space && (out.empty() || out.back() != ' ')) out += ' ';
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr,
                 "usage: bench_constraint_spans VOCABULARY.gguf TEXTS SOURCE… [--one-space]\n");
    return 2;
  }
  const std::size_t texts = std::strtoul(argv[2], nullptr, 10);
  SpanRules rules{.min_bytes = 8, .max_bytes = 200};
  std::vector<SpanSource> sources;
  std::size_t bytes = 0;
  for (int i = 3; i < argc; ++i) {
    if (std::string(argv[i]) == "--one-space") {
      rules.one_space = true;
      continue;
    }
    std::ifstream file(argv[i], std::ios::binary);
    sources.push_back({argv[i], std::string((std::istreambuf_iterator<char>(file)), {})});
    bytes += sources.back().text.size();
  }
  const auto tokenizer = make_tokenizer(*GgufFile::open(argv[1]));
  const TokenTrie trie(*tokenizer);
  const TokenSet writable = text_tokens(*tokenizer);
  const double begin = cpu_us();
  const auto automaton = ConstraintAutomaton::compile(Constraint::sequence(
      {Constraint::literal("\""), Constraint::span(sources, rules), Constraint::literal("\"\n")}));
  std::printf("%lld tokens; %.2f MB of sources, compiled in %.0f ms\n",
              static_cast<long long>(tokenizer->size()), static_cast<double>(bytes) / 1e6,
              (cpu_us() - begin) / 1e3);
  if (rules.one_space) {
    for (SpanSource& source : sources) source.text = with_one_space(source.text);
  }
  std::mt19937 random(3);
  std::vector<float> logits(writable.size());
  std::vector<std::uint8_t> allowed;
  std::vector<double> mask_us;
  std::size_t made_up = 0;
  std::size_t tokens = 0;
  for (std::size_t n = 0; n < texts; ++n) {
    ConstrainedWriter writer(*tokenizer, trie, writable, ConstraintMatcher(automaton));
    Sampler sampler({.temperature = 1.5, .seed = n});
    const std::size_t limit = 16 + random() % 48;
    std::string text;
    for (std::size_t left = limit; left > 0 && !writer.at_end(); --left) {
      const double start = cpu_us();
      trie.mask(writer.matcher(), allowed);
      mask_us.push_back(cpu_us() - start);
      const std::size_t offset = random() % 997;
      for (std::size_t i = 0; i < logits.size(); ++i) {
        logits[i] = static_cast<float>((i * 2654435761U + offset * 40503U) % 1009) / 100.0F;
      }
      const TokenId id = writer.pick(sampler, logits, left).id;
      if (id < 0) break;
      text += tokenizer->bytes(id);
      ++tokens;
    }
    const std::string quote = text.size() < 3 ? "" : text.substr(1, text.size() - 3);
    const bool found = text.size() > 2 && text.ends_with("\"\n") &&
                       std::any_of(sources.begin(), sources.end(), [&](const SpanSource& source) {
                         return source.text.find(quote) != std::string::npos;
                       });
    if (!found) {
      ++made_up;
      std::printf("NOT IN A SOURCE: %s\n", text.c_str());
    }
  }
  std::printf("%zu texts, %zu tokens, %zu quotes that no source has\n", texts, tokens, made_up);
  std::printf("mask, us: %s\n", bench::percentiles(mask_us).c_str());
  return made_up > 0 ? 1 : 0;
}
