#include <orkestra/core/html_nesting.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

namespace orkestra {
namespace {

constexpr std::size_t kMaxName = 16;  // longer names are told apart by this many letters

constexpr std::array<std::string_view, 31> kNeverOpen{
    // Void elements.
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr", "keygen",
    // Their end tags may be left out, and the next of their kind ends them.
    "p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "thead", "tbody", "tfoot", "rb",
    "rt", "rp", "colgroup"};

constexpr std::array<std::string_view, 2> kRawText{"script", "style"};

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool ends_name(char c) {
  return c == '>' || c == '/' || c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

struct Tag {
  std::string name;  // lower case, cut at kMaxName
  bool closing = false;
  std::size_t end = 0;  // behind its '>'
};

// The tag at `at`, where there is a '<' with a letter or a '/' and a letter behind it.
Tag tag_at(std::string_view html, std::size_t at) {
  Tag tag;
  std::size_t i = at + 1;
  if (html[i] == '/') {
    tag.closing = true;
    ++i;
  }
  for (; i < html.size() && !ends_name(html[i]); ++i) {
    if (tag.name.size() < kMaxName) {
      tag.name += static_cast<char>(std::tolower(static_cast<unsigned char>(html[i])));
    }
  }
  // A quote opens a value only behind '='; anywhere else it is part of a name.
  bool value_next = false;
  while (i < html.size() && html[i] != '>') {
    const char c = html[i];
    if (value_next && (c == '"' || c == '\'')) {
      i = std::min(html.find(c, i + 1), html.size() - 1);
    }
    if (c == '=') {
      value_next = true;
    } else if (!ends_name(c)) {
      value_next = false;
    }
    ++i;
  }
  tag.end = std::min(i + 1, html.size());
  return tag;
}

// Where the raw text of `name` ends: at its end tag, or at the end of the page.
std::size_t raw_text_end(std::string_view html, std::size_t from, std::string_view name) {
  for (std::size_t i = html.find("</", from); i != std::string_view::npos;
       i = html.find("</", i + 2)) {
    const std::string_view rest = html.substr(i + 2, name.size());
    const bool same = rest.size() == name.size() &&
                      std::equal(rest.begin(), rest.end(), name.begin(), [](char a, char b) {
                        return std::tolower(static_cast<unsigned char>(a)) == b;
                      });
    const std::size_t behind = i + 2 + name.size();
    if (same && (behind == html.size() || ends_name(html[behind]))) return i;
  }
  return html.size();
}

template <std::size_t N>
bool one_of(const std::string& name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

struct OpenTag {
  std::string name;
  bool removed = false;
};

}  // namespace

std::string flatten_nesting(std::string_view html, std::size_t max_depth) {
  std::string out(html);
  std::vector<OpenTag> open;
  const auto remove = [&](std::size_t begin, std::size_t end) {
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(begin),
              out.begin() + static_cast<std::ptrdiff_t>(end), ' ');
  };
  for (std::size_t i = html.find('<'); i != std::string_view::npos; i = html.find('<', i)) {
    const std::size_t name_at = i + 1 < html.size() && html[i + 1] == '/' ? i + 2 : i + 1;
    if (name_at >= html.size() || !letter(html[name_at])) {
      ++i;
      continue;
    }
    const Tag tag = tag_at(html, i);
    const std::size_t begin = i;
    i = tag.end;
    if (one_of(tag.name, kNeverOpen)) continue;
    if (!tag.closing) {
      if (one_of(tag.name, kRawText)) {
        i = raw_text_end(html, tag.end, tag.name);
        continue;
      }
      const bool removed = open.size() >= max_depth;
      if (removed) remove(begin, tag.end);
      open.push_back({tag.name, removed});
      continue;
    }
    // An end tag closes the nearest of its name; looking no further than this keeps it linear.
    const std::size_t lowest = open.size() > max_depth ? open.size() - max_depth : 0;
    for (std::size_t k = open.size(); k > lowest; --k) {
      if (open[k - 1].name != tag.name) continue;
      if (open[k - 1].removed) remove(begin, tag.end);
      open.resize(k - 1);
      break;
    }
  }
  return out;
}

}  // namespace orkestra
