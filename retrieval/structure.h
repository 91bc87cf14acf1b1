// A document's bytes taken apart into blocks: headings, paragraphs, list items, tables, code. Pure
// functions over bytes, linear in their number, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::retrieval {

enum class Format { kText, kMarkdown, kHtml };
std::string_view name_of(Format format);         // "text", "markdown", "html"
Format format_from_name(std::string_view name);  // kText for an unknown name
// By the file name's ending; without a telling one, by how the bytes begin.
Format format_of(std::string_view file_name, std::string_view bytes);

struct Block {
  enum class Kind { kHeading, kParagraph, kListItem, kTable, kCode };
  Kind kind = Kind::kParagraph;
  int level = 0;        // kHeading: 1..6
  std::string heading;  // kHeading: its words, without marks
  std::string text;     // HTML: as html_to_text() shows it; otherwise empty: the bytes are the text
  std::size_t begin = 0;  // in the document's bytes
  std::size_t end = 0;
};

struct Structure {
  std::string title;     // what the document says its title is; "" when it says nothing
  bool verbatim = true;  // a block's text is its bytes; not so for HTML
  std::vector<Block> blocks;
};

// Never fails for any bytes but HTML that core/html.h refuses (Error{kExhausted}).
Structure read_structure(Format format, std::string_view bytes);

Structure read_markdown(std::string_view bytes);
Structure read_plain_text(std::string_view bytes);

}  // namespace orkestra::retrieval
