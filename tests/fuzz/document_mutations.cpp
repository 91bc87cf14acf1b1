// Deterministic mutations of documents: whatever the bytes, reading and cutting them ends in chunks
// at their places or in orkestra::Error, soon and in bounded memory. Mutant i is the same on every
// machine.
//
//   document_mutations [COUNT [FIRST]]     mutants FIRST .. FIRST + COUNT - 1
#include <orkestra/core/document_format.h>
#include <orkestra/core/error.h>
#include <orkestra/core/html.h>
#include <orkestra/retrieval/chunker.h>
#include <orkestra/retrieval/source_files.h>
#include <orkestra/retrieval/structure.h>
#include <orkestra/retrieval/terms.h>

#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using namespace orkestra;
using namespace orkestra::retrieval;

constexpr long kMaxRssKib = 1024L * 1024;
constexpr double kMaxSeconds = 20;  // of one mutant, under a sanitizer on a busy machine

constexpr std::string_view kMarkdown =
    "---\ntitle: x\n---\n# One #\n\ntext *with* `code`\n\nTwo\n===\n- a\n  - b\n\n    c\n1. d\n"
    "```c\n# no\n```\nA | B\n--|--\n1 | 2\n\n> quoted\n***\n\xC3\xA9\xE6\x9C\x88 end\n";
constexpr std::string_view kHtml =
    "<!doctype html><html><head><title>T</title><style>p{}</style></head><body class='a \"b'>"
    "<h1>One &amp; <i>two</i></h1><p>text <a href=\"/x?a=1&amp;b\">link</a><br>more<ul><li>a<ul>"
    "<li>b</ul></ul><table><tr><th>x<td><p>1</p><table><tr><td>in</table></table><pre>\n c\n</pre>"
    "<svg><title>no</title></svg><template><p>no</template><script>if(a<b){}</script><!-- c -->"
    "<b><p>mis</b>nested</p><select><option>o</select><textarea>t</textarea>&#x41;&bogus;\xC3\xA9";

constexpr std::array<std::string_view, 40> kPieces{
    "<div>",      "</div>",      "<b id=",     "<table>",    "<tr><td>", "</table>",   "<p>",
    "<svg>",      "<math>",      "<template>", "<a href=x>", "<form>",   "<select>",   "<script>",
    "</script>",  "<!--",        "-->",        "<![CDATA[",  "]]>",      "<frameset>", "&#0;",
    "&#x10FFFF;", "<plaintext>", "<title>",    "<h1>",       "# ",       "```\n",      "~~~~\n",
    "- ",         "1. ",         "    ",       "\t",         "|--|\n",   "---\n",      "===\n",
    "> ",         "\r",          "\xFF",       "\xE6\x9C",   "\n\n"};

std::string mutant(std::uint64_t number, std::string_view seed) {
  std::mt19937_64 random(number * 0x9E3779B97F4A7C15ULL + 1);
  const auto below = [&](std::uint64_t n) { return random() % n; };
  std::string bytes(seed);
  for (std::uint64_t n = 1 + below(12); n > 0; --n) {
    const std::size_t at = below(bytes.size() + 1);
    const std::string_view piece = kPieces[below(kPieces.size())];
    switch (below(6)) {
      case 0:
        bytes.insert(at, piece);
        break;
      case 1: {
        // Now and then very often: nesting and repetition are where parsers break.
        std::string many;
        for (std::uint64_t i = below(below(8) == 0 ? 20'000 : 60); i > 0; --i) many += piece;
        bytes.insert(at, many);
        break;
      }
      case 2:
        bytes.erase(at, below(40));
        break;
      case 3:
        if (at < bytes.size()) bytes[at] = static_cast<char>(below(256));
        break;
      case 4:
        bytes.insert(at, bytes.substr(below(bytes.size() + 1), below(200)));
        break;
      default: {
        const std::string_view other = below(2) == 0 ? kMarkdown : kHtml;
        bytes.insert(at, other.substr(below(other.size()), below(120)));
        break;
      }
    }
  }
  return bytes;
}

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

// Throws std::logic_error for a broken promise; false when the bytes were refused.
bool inspect(const std::string& bytes, Format format) {
  try {
    const Structure structure = read_structure(format, bytes);
    for (const Block& block : structure.blocks) {
      require(block.begin < block.end && block.end <= bytes.size(), "a block lies outside");
    }
    std::string text;
    if (format == Format::kHtml) text = html_to_text(read_html(bytes));
    TermReader reader;
    for (const Chunk& chunk : cut_into_chunks(bytes, structure, {.target_bytes = 200})) {
      require(chunk.begin <= chunk.end && chunk.end <= bytes.size(), "a chunk lies outside");
      if (chunk.verbatim) {
        require(bytes.compare(chunk.begin, chunk.end - chunk.begin, chunk.text) == 0,
                "a chunk is not its bytes");
      } else {
        require(text.size() > 100'000 || text.find(chunk.text) != std::string::npos,
                "a chunk is no part of the page's text");
      }
      for (const std::string& term : reader.read(chunk.text)) {
        require(!term.empty() && term.find_first_of(" \"*:^()") == std::string::npos,
                "a term could be an operator");
      }
    }
    why_not_text(bytes);
  } catch (const Error&) {
    return false;
  }
  return true;
}

int run(std::uint64_t count, std::uint64_t first) {
  std::uint64_t refused = 0;
  double slowest = 0;
  for (std::uint64_t i = first; i < first + count; ++i) {
    const std::string bytes = mutant(i, i % 2 == 0 ? kMarkdown : kHtml);
    const auto start = std::chrono::steady_clock::now();
    for (const Format format : {Format::kText, Format::kMarkdown, Format::kHtml}) {
      try {
        if (!inspect(bytes, format)) ++refused;
      } catch (const std::exception& e) {
        std::printf("mutant %llu as %s: %s\n", static_cast<unsigned long long>(i),
                    std::string(name_of(format)).c_str(), e.what());
        return 1;
      }
    }
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    slowest = std::max(slowest, spent.count());
  }
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%llu mutants, %llu refused, slowest %.2f s, peak %.0f MiB\n",
              static_cast<unsigned long long>(count), static_cast<unsigned long long>(refused),
              slowest, static_cast<double>(usage.ru_maxrss) / 1024.0);
  return usage.ru_maxrss > kMaxRssKib || slowest > kMaxSeconds ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
  const std::uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  return run(count, first);
}
