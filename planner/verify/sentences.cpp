#include <orkestra/core/text.h>
#include <orkestra/planner/verify/sentences.h>

#include <algorithm>
#include <array>

namespace orkestra::planner {
namespace {

constexpr std::size_t kMaxSentenceBytes = 4000;

// Never end a sentence. Sorted.
constexpr auto kTitles =
    std::to_array<std::string_view>({"capt", "dr", "e.g", "gen", "i.e", "messrs", "mr", "mrs", "ms",
                                     "mx", "prof", "rev", "sgt", "st", "vs"});
// May end a sentence: they do when a capital or the end follows. Sorted.
constexpr auto kAbbreviations = std::to_array<std::string_view>(
    {"a.m",  "approx", "apr",  "art", "aug", "ca",  "cf",  "co",  "corp", "dec",
     "dept", "ed",     "est",  "etc", "feb", "fig", "inc", "jan", "jr",   "jul",
     "jun",  "ltd",    "mar",  "max", "min", "nov", "oct", "p.m", "p",    "pp",
     "sec",  "sep",    "sept", "sr",  "tel", "u.k", "u.s", "vol"});
// Abbreviations only before a figure: "No. 5".
constexpr auto kBeforeFigure = std::to_array<std::string_view>({"no", "nos", "nr", "art", "fig"});

template <std::size_t N>
bool any_of(const std::array<std::string_view, N>& table, std::string_view word) {
  return std::find(table.begin(), table.end(), word) != table.end();
}

bool digit(char c) { return c >= '0' && c <= '9'; }
bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool closing(std::string_view text, std::size_t i, std::size_t& size) {
  static constexpr auto kClosing =
      std::to_array<std::string_view>({")", "]", "\"", "'", "”", "’", "»", "*", "_", "`"});
  for (const auto close : kClosing) {
    if (text.substr(i).starts_with(close)) {
      size = close.size();
      return true;
    }
  }
  return false;
}

std::string_view trimmed(std::string_view line) {
  while (!line.empty() && blank(line.front())) line.remove_prefix(1);
  while (!line.empty() && blank(line.back())) line.remove_suffix(1);
  return line;
}

// Bytes of "- ", "* ", "+ ", "> " at the front of a line.
std::size_t bullet(std::string_view line) {
  std::size_t i = 0;
  while (i < line.size() && blank(line[i])) ++i;
  const bool mark = i + 1 < line.size() && blank(line[i + 1]) &&
                    (line[i] == '-' || line[i] == '*' || line[i] == '+' || line[i] == '>');
  if (line.substr(i).starts_with("• ")) return i + 4;
  return mark ? i + 2 : 0;
}

// The number of "12. " or "12) " at the front of a line and its bytes.
struct Numbered {
  int number = 0;
  std::size_t size = 0;
};
Numbered numbered(std::string_view line) {
  std::size_t i = 0;
  while (i < line.size() && blank(line[i])) ++i;
  Numbered result;
  std::size_t digits = 0;
  while (i < line.size() && digit(line[i]) && digits < 3) {
    result.number = result.number * 10 + (line[i] - '0');
    ++i, ++digits;
  }
  if (digits == 0 || i + 1 >= line.size() || (line[i] != '.' && line[i] != ')') ||
      !blank(line[i + 1])) {
    return {};
  }
  result.size = i + 2;
  return result;
}

bool heading_line(std::string_view line) {
  const std::size_t hashes = std::min(line.find_first_not_of('#'), line.size());
  return hashes >= 1 && hashes <= 6 && hashes < line.size() && blank(line[hashes]);
}

bool rule_line(std::string_view line) {
  return !line.empty() && line.find_first_not_of("-=*_|:+ \t\r") == std::string_view::npos;
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  std::vector<Sentence> run() {
    std::size_t block = 0;  // where the paragraph being read began
    std::size_t at = 0;
    while (at <= text_.size()) {
      const std::size_t newline = std::min(text_.find('\n', at), text_.size());
      const std::string_view line = text_.substr(at, newline - at);
      const std::string_view plain = trimmed(line);
      const bool heads = heading_line(plain);
      const std::size_t marker = heads ? 0 : list_marker(line, newline);
      if (plain.empty() || heads || marker > 0 || rule_line(plain) || plain.starts_with('|')) {
        paragraph(block, at);
        block = at + marker;
        if (heads) add_heading(plain);
        if (heads || plain.empty() || rule_line(plain)) block = newline;
        if (plain.starts_with('|') && !rule_line(plain)) {
          add(at, newline);
          block = newline;
        }
      }
      at = newline + 1;
    }
    paragraph(std::min(block, text_.size()), text_.size());
    return std::move(out_);
  }

 private:
  // A figure at the front of a line is a marker only where a list really counts 1, 2, ...: an
  // answer's "5. That is all." must not lose its figure.
  std::size_t list_marker(std::string_view line, std::size_t newline) {
    if (const std::size_t size = bullet(line)) return size;
    const Numbered here = numbered(line);
    if (here.size == 0) return 0;
    const bool goes_on = here.number == next_number_ && here.number > 1;
    const bool starts = here.number == 1 && second_follows(newline);
    if (!goes_on && !starts) return 0;
    next_number_ = here.number + 1;
    return here.size;
  }

  bool second_follows(std::size_t newline) const {
    constexpr std::size_t kLookAhead = 8192;
    const std::string_view rest = text_.substr(std::min(newline + 1, text_.size()), kLookAhead);
    for (std::size_t i = 0; i < rest.size();) {
      const std::size_t end = std::min(rest.find('\n', i), rest.size());
      const Numbered next = numbered(rest.substr(i, end - i));
      if (next.size > 0) return next.number == 2;
      i = end + 1;
    }
    return false;
  }

  void add_heading(std::string_view line) {
    const std::size_t hashes = line.find_first_not_of('#');
    heading_ = std::string(trimmed(line.substr(hashes)).substr(0, 200));
    Sentence sentence;
    sentence.begin = static_cast<std::size_t>(line.data() - text_.data()) + hashes;
    sentence.end = static_cast<std::size_t>(line.data() - text_.data()) + line.size();
    trim(sentence);
    sentence.is_heading = true;
    if (sentence.begin < sentence.end) out_.push_back(sentence);
  }

  void trim(Sentence& sentence) const {
    const auto space = [&](std::size_t i) { return blank(text_[i]) || text_[i] == '\n'; };
    while (sentence.begin < sentence.end && space(sentence.begin)) ++sentence.begin;
    while (sentence.end > sentence.begin && space(sentence.end - 1)) --sentence.end;
  }

  void add(std::size_t begin, std::size_t end) {
    while (end - begin > kMaxSentenceBytes) {
      std::size_t cut = text_.rfind(' ', begin + kMaxSentenceBytes);
      if (cut == std::string_view::npos || cut <= begin) cut = begin + kMaxSentenceBytes;
      add(begin, cut);
      begin = cut;
    }
    Sentence sentence{begin, end, heading_, false};
    trim(sentence);
    if (sentence.begin < sentence.end) out_.push_back(std::move(sentence));
  }

  void paragraph(std::size_t begin, std::size_t end) {
    std::size_t start = begin;
    for (std::size_t i = begin; i < end; ++i) {
      const char c = text_[i];
      const bool ends = c == '!' || c == '?' || (c == '.' && !inside(start, i, end));
      if (!ends) continue;
      std::size_t stop = i + 1;
      std::size_t size = 0;
      while (stop < end && (text_[stop] == '.' || text_[stop] == '!' || text_[stop] == '?')) ++stop;
      while (stop < end && citation_at(text_, stop) == 0 && closing(text_, stop, size))
        stop += size;
      stop = with_citations(stop, end);
      if (stop < end && !blank(text_[stop]) && text_[stop] != '\n') continue;
      add(start, stop);
      start = stop;
      i = stop > i + 1 ? stop - 1 : i;
    }
    if (start < end) add(start, end);
  }

  // Citations right after a full stop belong to the sentence before it.
  std::size_t with_citations(std::size_t stop, std::size_t end) const {
    for (;;) {
      std::size_t next = stop;
      while (next < end && (blank(text_[next]) || text_[next] == '\n')) ++next;
      const std::size_t size = next < end ? citation_at(text_, next) : 0;
      if (size == 0 || next + size > end) return stop;
      stop = next + size;
    }
  }

  // Whether the '.' at `dot` belongs to a number, an initial or an abbreviation.
  bool inside(std::size_t start, std::size_t dot, std::size_t end) const {
    const char next = dot + 1 < end ? text_[dot + 1] : ' ';
    if (!blank(next) && next != '\n') return false;  // decided by what follows the stop
    std::size_t word = dot;
    while (word > start && (is_word_byte(text_[word - 1]) || text_[word - 1] == '.')) --word;
    const std::string_view written = text_.substr(word, dot - word);
    if (written.empty()) return false;
    std::size_t after = dot + 1;
    while (after < end && (blank(text_[after]) || text_[after] == '\n')) ++after;
    if (after >= end) return false;
    const std::int32_t follows = code_point_at(text_, after).value;
    const bool initial = written.size() == 1 && written[0] >= 'A' && written[0] <= 'Z' &&
                         written[0] != 'I' && is_upper(follows);
    const std::string folded = fold(written);
    if (any_of(kTitles, folded)) return true;
    if (initial) return true;
    const bool figure = follows >= '0' && follows <= '9';
    if (any_of(kBeforeFigure, folded) && figure) return true;
    return any_of(kAbbreviations, folded) && !is_upper(follows);
  }

  static bool is_word_byte(char c) {
    return digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<signed char>(c) < 0;
  }

  std::string_view text_;
  std::string heading_;
  int next_number_ = 0;
  std::vector<Sentence> out_;
};

}  // namespace

std::size_t citation_at(std::string_view text, std::size_t offset) {
  if (offset >= text.size() || text[offset] != '[') return 0;
  std::size_t i = offset + 1;
  bool want_number = true;
  for (;;) {
    while (i < text.size() && text[i] == ' ') ++i;
    if (!want_number) {
      if (i < text.size() && text[i] == ']') return i + 1 - offset;
      if (i >= text.size() || (text[i] != ',' && text[i] != ';')) return 0;
      ++i;
      want_number = true;
      continue;
    }
    std::size_t digits = 0;
    while (i < text.size() && digit(text[i]) && digits < 5) ++i, ++digits;
    if (digits == 0 || digits > 4) return 0;
    want_number = false;
  }
}

std::vector<Sentence> sentences(std::string_view text) { return Splitter(text).run(); }

}  // namespace orkestra::planner
