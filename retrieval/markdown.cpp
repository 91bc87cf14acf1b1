// Markdown's block structure, line by line (CommonMark's block rules and GitHub's tables, as far as
// they decide where a block begins and ends). Inline markup stays as it is: the text of a block is
// its bytes.
#include <orkestra/retrieval/structure.h>

#include <algorithm>
#include <optional>

namespace orkestra::retrieval {
namespace {

using Kind = Block::Kind;

struct Line {
  std::size_t begin = 0;
  std::size_t end = 0;   // without its line end
  std::size_t next = 0;  // where the next one begins
};

std::vector<Line> lines_of(std::string_view bytes) {
  std::vector<Line> lines;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t newline = std::min(bytes.find('\n', at), bytes.size());
    std::size_t end = newline;
    if (end > at && bytes[end - 1] == '\r') --end;
    lines.push_back({at, end, std::min(newline + 1, bytes.size())});
    at = lines.back().next;
  }
  return lines;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Columns of white space at the start; a tab reaches the next multiple of four.
std::size_t indent_of(std::string_view line) {
  std::size_t columns = 0;
  for (const char c : line) {
    if (c == ' ') {
      ++columns;
    } else if (c == '\t') {
      columns += 4 - columns % 4;
    } else {
      break;
    }
  }
  return columns;
}

bool only(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

// The length of the fence that the line opens or closes, 0 when it is none.
std::size_t fence_of(std::string_view line, char& mark) {
  if (indent_of(line) > 3) return 0;
  const std::string_view text = trimmed(line);
  if (text.empty() || (text[0] != '`' && text[0] != '~')) return 0;
  const std::size_t length = std::min(text.find_first_not_of(text[0]), text.size());
  if (length < 3) return 0;
  if (text[0] == '`' && text.find('`', length) != std::string_view::npos) return 0;
  mark = text[0];
  return length;
}

bool closes_fence(std::string_view line, char mark, std::size_t length) {
  const std::string_view text = trimmed(line);
  return indent_of(line) <= 3 && text.size() >= length && only(text, std::string_view(&mark, 1));
}

int heading_level(std::string_view line) {
  if (indent_of(line) > 3) return 0;
  const std::string_view text = trimmed(line);
  const std::size_t marks = std::min(text.find_first_not_of('#'), text.size());
  if (marks == 0 || marks > 6) return 0;
  if (marks < text.size() && text[marks] != ' ' && text[marks] != '\t') return 0;
  return static_cast<int>(marks);
}

std::string heading_words(std::string_view line) {
  std::string_view text = trimmed(line);
  text = trimmed(text.substr(std::min(text.find_first_not_of('#'), text.size())));
  const std::size_t last = text.find_last_not_of('#');
  if (last == std::string_view::npos) return "";
  // Closing marks count as such only behind white space: "C#" keeps its own.
  if (last + 1 < text.size() && (text[last] == ' ' || text[last] == '\t')) {
    text = trimmed(text.substr(0, last));
  }
  return std::string(text);
}

int underline_level(std::string_view line) {
  const std::string_view text = trimmed(line);
  if (indent_of(line) > 3 || text.empty()) return 0;
  if (only(text, "=")) return 1;
  return only(text, "-") ? 2 : 0;
}

bool thematic_break(std::string_view line) {
  const std::string_view text = trimmed(line);
  if (indent_of(line) > 3 || text.empty()) return false;
  const char mark = text[0];
  if (mark != '-' && mark != '*' && mark != '_') return false;
  const std::string allowed{mark, ' ', '\t'};
  return only(text, allowed) && std::count(text.begin(), text.end(), mark) >= 3;
}

bool list_item(std::string_view line) {
  const std::string_view text = trimmed(line);
  if (text.empty()) return false;
  std::size_t behind = 1;
  if (text[0] >= '0' && text[0] <= '9') {
    behind = std::min(text.find_first_not_of("0123456789"), text.size());
    if (behind > 9 || behind == text.size() || (text[behind] != '.' && text[behind] != ')')) {
      return false;
    }
    ++behind;
  } else if (text[0] != '-' && text[0] != '*' && text[0] != '+') {
    return false;
  }
  return behind == text.size() || text[behind] == ' ' || text[behind] == '\t';
}

// "|---|:-:|": what makes the line above it a table's head.
bool delimiter_row(std::string_view line) {
  const std::string_view text = trimmed(line);
  return !text.empty() && only(text, "|:- \t") && text.find('-') != std::string_view::npos &&
         text.find('|') != std::string_view::npos;
}

class Scanner {
 public:
  explicit Scanner(std::string_view bytes) : bytes_(bytes), lines_(lines_of(bytes)) {}

  Structure scan() {
    front_matter();
    while (at_ < lines_.size()) next_block();
    for (const Block& block : out_.blocks) {
      if (block.kind != Kind::kHeading) continue;
      if (block.level == 1) out_.title = block.heading;
      break;
    }
    return std::move(out_);
  }

 private:
  std::string_view line(std::size_t i) const {
    return bytes_.substr(lines_[i].begin, lines_[i].end - lines_[i].begin);
  }
  bool blank(std::size_t i) const { return trimmed(line(i)).empty(); }

  // Lines first .. last, the latter included.
  void add(Kind kind, std::size_t first, std::size_t last, int level = 0,
           std::string heading = "") {
    out_.blocks.push_back({.kind = kind,
                           .level = level,
                           .heading = std::move(heading),
                           .begin = lines_[first].begin,
                           .end = lines_[last].end});
    at_ = last + 1;
  }

  // "---", lines, "---" at the very start: the document's settings.
  void front_matter() {
    if (lines_.empty() || line(0) != "---") return;
    constexpr std::size_t kMaxLines = 200;
    for (std::size_t i = 1; i < std::min(lines_.size(), kMaxLines); ++i) {
      if (line(i) == "---" || line(i) == "...") {
        add(Kind::kCode, 0, i);
        return;
      }
    }
  }

  // Whether line `i` can't belong to the paragraph before it.
  bool interrupts(std::size_t i) const {
    char mark = 0;
    const std::string_view text = line(i);
    return blank(i) || heading_level(text) > 0 || fence_of(text, mark) > 0 ||
           thematic_break(text) || (indent_of(text) <= 3 && list_item(text));
  }

  void next_block() {
    const std::size_t first = at_;
    const std::string_view text = line(first);
    if (blank(first) || thematic_break(text)) {
      ++at_;
      return;
    }
    char mark = 0;
    if (const std::size_t length = fence_of(text, mark); length > 0) {
      std::size_t last = first + 1;
      while (last < lines_.size() && !closes_fence(line(last), mark, length)) ++last;
      add(Kind::kCode, first, std::min(last, lines_.size() - 1));
    } else if (const int level = heading_level(text); level > 0) {
      add(Kind::kHeading, first, first, level, heading_words(text));
    } else if (list_item(text) && indent_of(text) <= 3) {
      add(Kind::kListItem, first, end_of_item(first));
    } else if (first + 1 < lines_.size() && text.find('|') != std::string_view::npos &&
               delimiter_row(line(first + 1))) {
      std::size_t last = first + 1;
      while (last + 1 < lines_.size() && !blank(last + 1) &&
             line(last + 1).find('|') != std::string_view::npos) {
        ++last;
      }
      add(Kind::kTable, first, last);
    } else {
      paragraph(first);
    }
  }

  // An item goes on while lines are indented or continue its paragraph; it holds its inner lists.
  std::size_t end_of_item(std::size_t first) const {
    const std::size_t indent = indent_of(line(first));
    std::size_t last = first;
    char mark = 0;
    std::size_t fence = 0;
    for (std::size_t i = first + 1; i < lines_.size(); ++i) {
      const std::string_view text = line(i);
      const bool inside = indent_of(text) > indent + 1;
      if (fence > 0) {
        last = i;
        if (closes_fence(trimmed(text), mark, fence)) fence = 0;
        continue;
      }
      if (blank(i)) continue;
      if (inside) {
        fence = fence_of(trimmed(text), mark);
      } else if (last + 1 < i || interrupts(i)) {
        break;
      }
      last = i;
    }
    return last;
  }

  void paragraph(std::size_t first) {
    std::size_t last = first;
    while (last + 1 < lines_.size()) {
      if (const int level = underline_level(line(last + 1)); level > 0 && !quoted(first)) {
        std::string words;
        for (std::size_t i = first; i <= last; ++i) {
          words.append(words.empty() ? "" : " ").append(trimmed(line(i)));
        }
        add(Kind::kHeading, first, last + 1, level, std::move(words));
        return;
      }
      if (interrupts(last + 1)) break;
      ++last;
    }
    add(Kind::kParagraph, first, last);
  }

  bool quoted(std::size_t i) const { return trimmed(line(i)).starts_with('>'); }

  std::string_view bytes_;
  std::vector<Line> lines_;
  std::size_t at_ = 0;
  Structure out_;
};

}  // namespace

Structure read_markdown(std::string_view bytes) { return Scanner(bytes).scan(); }

Structure read_plain_text(std::string_view bytes) {
  Structure out;
  std::optional<Block> open;
  for (const Line& line : lines_of(bytes)) {
    const std::string_view text = bytes.substr(line.begin, line.end - line.begin);
    if (trimmed(text).empty()) {
      if (open) out.blocks.push_back(std::move(*open));
      open.reset();
      continue;
    }
    if (!open) open = Block{.begin = line.begin};
    open->end = line.end;
  }
  if (open) out.blocks.push_back(std::move(*open));
  return out;
}

}  // namespace orkestra::retrieval
