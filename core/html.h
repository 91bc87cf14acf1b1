// read_html: a page taken apart into titled blocks of readable text. The only door to gumbo.
// Pure functions over bytes, any thread; nothing of the page is kept after the call.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra {

struct HtmlBlock {
  enum class Kind { kHeading, kParagraph, kListItem, kTableRow, kCode };
  Kind kind = Kind::kParagraph;
  int level = 0;     // kHeading: 1..6; kListItem: how deep its list is, from 1
  std::string text;  // entities decoded, white space collapsed; kTableRow: cells between " | "
  // Bytes of the page from the block's first to its last character of text.
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct HtmlLink {
  std::string text;
  std::string href;  // as written, entities decoded; not resolved
};

struct HtmlDocument {
  std::string title;
  std::vector<HtmlBlock> blocks;  // in reading order
  std::vector<HtmlLink> links;
  bool truncated = false;  // there were more blocks or links than the limits allow
};

struct HtmlLimits {
  std::size_t max_bytes = std::size_t{16} << 20U;
  std::size_t max_depth = 256;  // tags nested deeper are read as if they were not there
  std::size_t max_blocks = 100'000;
  std::size_t max_links = 20'000;
  // Markup made to be costly stops here; ordinary pages take milliseconds.
  std::chrono::milliseconds max_time{5000};
};

// Reads UTF-8 (other bytes become U+FFFD). Scripts, styles, templates and hidden elements are left
// out. Any bytes are a page; throws Error{kExhausted} when it is larger than max_bytes or is built
// so that reading it takes too much memory or time.
HtmlDocument read_html(std::string_view html, const HtmlLimits& limits = {});

// The blocks as Markdown-like text for people and models. The title is not part of it.
std::string html_to_text(const HtmlDocument& document);
// One block of it, without the line breaks around.
std::string html_to_text(const HtmlBlock& block);

}  // namespace orkestra
