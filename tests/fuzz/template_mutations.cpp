// Mutations of chat templates, and the template's own words thrown together: compiling and
// rendering one ends in a text or an orkestra::Error, soon and in bounded memory. Mutant i is the
// same on every machine.
//
//   template_mutations [COUNT [FIRST]]     mutants FIRST .. FIRST + COUNT - 1

#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/model/text/jinja/jinja.h>
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace orkestra;

constexpr long kMaxRssKib = 1024L * 1024;

constexpr auto kWords = std::to_array<std::string_view>({"{{ ",
                                                         " }}",
                                                         "{% ",
                                                         " %}",
                                                         "{%-",
                                                         "-%}",
                                                         "{#",
                                                         "#}",
                                                         "| ",
                                                         "(",
                                                         ")",
                                                         "[",
                                                         "]",
                                                         "{",
                                                         "}",
                                                         ":",
                                                         ",",
                                                         ".",
                                                         "'",
                                                         "\"",
                                                         "\\",
                                                         "~",
                                                         " + ",
                                                         " - ",
                                                         " * ",
                                                         "**",
                                                         "//",
                                                         "%",
                                                         "==",
                                                         "<",
                                                         ">=",
                                                         " in ",
                                                         " not ",
                                                         " and ",
                                                         " or ",
                                                         " is ",
                                                         " if ",
                                                         " else ",
                                                         "{% if x %}",
                                                         "{% else %}",
                                                         "{% endif %}",
                                                         "{% for x in messages %}",
                                                         "{% endfor %}",
                                                         " recursive",
                                                         "{% set x = ",
                                                         "{% endset %}",
                                                         "{% macro x() %}",
                                                         "{% endmacro %}",
                                                         "{% call x() %}",
                                                         "{% endcall %}",
                                                         "{% filter upper %}",
                                                         "{% endfilter %}",
                                                         "{% with x = ",
                                                         "{% endwith %}",
                                                         "{% raw %}",
                                                         "{% endraw %}",
                                                         "{% break %}",
                                                         "{% continue %}",
                                                         "messages",
                                                         "tools",
                                                         "loop",
                                                         "loop(",
                                                         ".cycle(",
                                                         ".changed(",
                                                         "caller()",
                                                         "varargs",
                                                         "ns",
                                                         "namespace(",
                                                         "range(9)",
                                                         "range(99999)",
                                                         "dict(",
                                                         "strftime_now(",
                                                         "tojson",
                                                         "indent=2",
                                                         "map('",
                                                         "select('",
                                                         "sort",
                                                         "groupby('",
                                                         "attribute=",
                                                         "batch(",
                                                         "join",
                                                         "list",
                                                         "length",
                                                         "first",
                                                         "default(",
                                                         "replace(",
                                                         "format(",
                                                         "'%999d' % ",
                                                         ".format(",
                                                         ".items()",
                                                         ".get(",
                                                         ".split(",
                                                         ".strip()",
                                                         ".upper()",
                                                         "[::-1]",
                                                         "[1:",
                                                         "*[",
                                                         "**{",
                                                         "none",
                                                         "true",
                                                         "0",
                                                         "-1",
                                                         "9223372036854775807",
                                                         "1e308",
                                                         "0x",
                                                         "'\\u00e9'",
                                                         "\xC3\xA9",
                                                         "\xFF",
                                                         "\n",
                                                         "  "});

std::vector<std::string> read_seeds() {
  std::vector<std::string> seeds;
  for (const char* name : {"chat", "tools", "forms"}) {
    const std::string path =
        std::string(ORKESTRA_SOURCE_DIR) + "/tests/fuzz/templates/" + name + ".jinja";
    std::ifstream in(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    if (seeds.back().empty()) throw std::runtime_error(path + " is not there");
  }
  return seeds;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t number) : random_(number * 0x9E3779B97F4A7C15ULL + 1) {}

  std::string mutate(const std::vector<std::string>& seeds) {
    std::string text;
    if (below(8) == 0) {  // words alone
      for (std::size_t i = below(40); i > 0; --i) text += word();
      return text;
    }
    text = seeds[below(seeds.size())];
    if (below(6) == 0) text = text.substr(below(text.size()), below(400));
    for (std::size_t i = 1 + below(below(2) == 0 ? 6 : 1); i > 0; --i) edit(text, seeds);
    return text;
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }
  std::string_view word() { return kWords[below(kWords.size())]; }

  void edit(std::string& text, const std::vector<std::string>& seeds) {
    const std::size_t at = below(text.size() + 1);
    switch (below(7)) {
      case 0:
        text.insert(at, word());
        break;
      case 1:
        text.erase(at, below(20));
        break;
      case 2:
        text.insert(at, 1, static_cast<char>(below(256)));
        break;
      case 3: {  // a piece of another
        const std::string& other = seeds[below(seeds.size())];
        text.insert(at, other.substr(below(other.size()), below(60)));
        break;
      }
      case 4:  // one of its words for another of the same kind
      case 5:
        swap(text, at, below(3));
        break;
      default:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
    }
  }

  void swap(std::string& text, std::size_t at, std::size_t kind) {
    constexpr std::string_view kNames[] = {"trim",  "upper",    "length",  "list",   "join",
                                           "sort",  "first",    "tojson",  "string", "map",
                                           "items", "dictsort", "unique",  "sum",    "reverse",
                                           "title", "batch",    "groupby", "default"};
    constexpr std::string_view kOperators[] = {" + ",  " ~ ",  " - ",   " * ",  " // ", " % ",
                                               " == ", " in ", " and ", " or ", " < ",  " ** "};
    constexpr std::string_view kValues[] = {"messages", "tools", "none",     "true",   "0",
                                            "-1",       "1.5",   "'a'",      "[1, 2]", "ns",
                                            "loop",     "m",     "range(5)", "{}"};
    const auto among = [&](auto& list) {
      const std::string_view old = list[below(std::size(list))];
      const std::size_t found = text.find(old, at);
      if (found != std::string::npos) {
        text.replace(found, old.size(), list[below(std::size(list))]);
      }
    };
    if (kind == 0) among(kNames);
    if (kind == 1) among(kOperators);
    if (kind == 2) among(kValues);
  }

  std::mt19937_64 random_;
};

Json context() {
  return Json::parse(R"({"bos_token": "<s>", "add_generation_prompt": true, "x": [1, "a", null],
    "messages": [
      {"role": "system", "content": " S\n"}, {"role": "user", "content": "<|u|> \u65e5"},
      {"role": "assistant", "content": null, "tool_calls": [
        {"id": "1", "function": {"name": "f", "arguments": {"a": [1.5, {"b": "c\"d"}]}}}]},
      {"role": "tool", "content": "{\"r\": 1}", "tool_call_id": "1"}],
    "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters":
      {"type": "object", "properties": {"a": {"type": "array", "items": {}}}, "required": []}}}]})");
}

int run(std::uint64_t count, std::uint64_t first) {
  const std::vector<std::string> seeds = read_seeds();
  const Json variables = context();
  for (const std::string& seed : seeds) model::jinja::Template::compile(seed)->render(variables);
  const auto start = std::chrono::steady_clock::now();
  std::map<std::string, std::uint64_t> outcomes;
  std::uint64_t bytes = 0;
  for (std::uint64_t i = first; i < first + count; ++i) {
    const std::string mutant = Mutator(i).mutate(seeds);
    bytes += mutant.size();
    try {
      model::jinja::Template::compile(mutant)->render(variables);
      ++outcomes["rendered"];
    } catch (const Error& e) {
      ++outcomes[std::string(info(e.code()).name)];
      if (e.code() == ErrorCode::kInternal || e.message().empty()) throw;
    } catch (const std::exception& e) {
      std::printf("mutant %llu: %s\n%s\n", static_cast<unsigned long long>(i), e.what(),
                  mutant.c_str());
      return 1;
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%llu templates of %llu bytes in %.1f s, peak %.0f MiB:",
              static_cast<unsigned long long>(count), static_cast<unsigned long long>(bytes),
              seconds.count(), static_cast<double>(usage.ru_maxrss) / 1024.0);
  for (const auto& [outcome, n] : outcomes) {
    std::printf(" %s %llu", outcome.c_str(), static_cast<unsigned long long>(n));
  }
  std::printf("\n");
  const bool rendered_some = outcomes["rendered"] * 10 > count;
  if (!rendered_some) std::printf("fewer than a tenth could be rendered: the seeds are broken\n");
  if (usage.ru_maxrss > kMaxRssKib) std::printf("the peak exceeds 1 GiB\n");
  return rendered_some && usage.ru_maxrss <= kMaxRssKib ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 3000;
  const std::uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  try {
    return run(count, first);
  } catch (const std::exception& e) {
    std::printf("%s\n", e.what());
    return 1;
  }
}
