#include <orkestra/core/document_format.h>
#include <orkestra/core/html.h>
#include <orkestra/core/text.h>
#include <orkestra/retrieval/structure.h>

#include <array>

namespace orkestra::retrieval {
namespace {

Structure structure_of(const HtmlDocument& document) {
  Structure out{.title = document.title, .verbatim = false};
  for (const HtmlBlock& block : document.blocks) {
    Block next{.text = html_to_text(block), .begin = block.begin, .end = block.end};
    switch (block.kind) {
      case HtmlBlock::Kind::kHeading:
        next.kind = Block::Kind::kHeading;
        next.level = block.level;
        next.heading = block.text;
        break;
      case HtmlBlock::Kind::kListItem:
        next.kind = Block::Kind::kListItem;
        break;
      case HtmlBlock::Kind::kTableRow:
        next.kind = Block::Kind::kTable;
        break;
      case HtmlBlock::Kind::kCode:
        next.kind = Block::Kind::kCode;
        break;
      case HtmlBlock::Kind::kParagraph:
        break;
    }
    out.blocks.push_back(std::move(next));
  }
  return out;
}

}  // namespace

std::string_view name_of(Format format) {
  switch (format) {
    case Format::kMarkdown:
      return "markdown";
    case Format::kHtml:
      return "html";
    case Format::kText:
      break;
  }
  return "text";
}

Format format_from_name(std::string_view name) {
  for (const Format format : {Format::kMarkdown, Format::kHtml}) {
    if (name == name_of(format)) return format;
  }
  return Format::kText;
}

Format format_of(std::string_view file_name, std::string_view bytes) {
  const std::string name = fold(file_name);
  for (const char* ending : {".md", ".markdown", ".mdown", ".mkd"}) {
    if (name.ends_with(ending)) return Format::kMarkdown;
  }
  return is_html(file_name, bytes) ? Format::kHtml : Format::kText;
}

Structure read_structure(Format format, std::string_view bytes) {
  switch (format) {
    case Format::kMarkdown:
      return read_markdown(bytes);
    case Format::kHtml:
      return structure_of(read_html(bytes));
    case Format::kText:
      break;
  }
  return read_plain_text(bytes);
}

}  // namespace orkestra::retrieval
