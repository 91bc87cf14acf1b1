#include <orkestra/core/error.h>
#include <orkestra/core/html.h>
#include <orkestra/core/html_nesting.h>
#include <orkestra/core/limits.h>
#include <orkestra/core/text.h>

#include <gumbo.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <memory>
#include <new>
#include <optional>

namespace orkestra {
namespace {

using Kind = HtmlBlock::Kind;

// All memory of one parse. Freed as a whole: gumbo frees a tree by recursion, which a deep tree
// would overflow the stack with. Gumbo can't be told to stop, so what goes over the bounds
// leaves its plain C frames by longjmp.
class Arena {
 public:
  Arena(std::size_t budget, SteadyTime deadline) : budget_(budget), deadline_(deadline) {}

  static void* allocate(void* self, std::size_t size) {
    auto& arena = *static_cast<Arena*>(self);
    void* memory = arena.take(size);
    if (!memory) std::longjmp(arena.out_of_bounds, 1);
    return memory;
  }
  static void release(void*, void*) {}

  std::jmp_buf out_of_bounds;

 private:
  static constexpr std::size_t kBlock = std::size_t{256} << 10U;
  static constexpr unsigned kLooksAtClock = 64;  // one in so many allocations

  void* take(std::size_t size) {
    if (++count_ % kLooksAtClock == 0 && std::chrono::steady_clock::now() >= deadline_) {
      return nullptr;
    }
    size = (size + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1);
    if (size > left_) {
      const std::size_t block = std::max(size, kBlock);
      if (block > budget_) return nullptr;
      std::unique_ptr<std::byte[]> fresh(new (std::nothrow) std::byte[block]);
      if (!fresh) return nullptr;
      budget_ -= block;
      next_ = fresh.get();
      left_ = block;
      blocks_.push_back(std::move(fresh));
    }
    void* memory = next_;
    next_ += size;
    left_ -= size;
    return memory;
  }

  std::size_t budget_;
  SteadyTime deadline_;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* next_ = nullptr;
  std::size_t left_ = 0;
  unsigned count_ = 0;
};

// Null when the page went over the arena's bounds. No object with a destructor may live in here.
GumboOutput* parse(const std::string& html, Arena& arena) {
  if (setjmp(arena.out_of_bounds) != 0) return nullptr;
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = Arena::allocate;
  options.deallocator = Arena::release;
  options.userdata = &arena;
  options.max_errors = 0;
  return gumbo_parse_with_options(&options, html.data(), html.size());
}

bool blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool contains_word(std::string_view text, std::string_view word) {
  return fold(text).find(word) != std::string::npos;
}

bool hidden(const GumboElement& element) {
  switch (element.tag) {
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_NOFRAMES:
    case GUMBO_TAG_NOEMBED:
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_OBJECT:
    case GUMBO_TAG_AUDIO:
    case GUMBO_TAG_VIDEO:
    case GUMBO_TAG_CANVAS:
    case GUMBO_TAG_SVG:
    case GUMBO_TAG_SELECT:
    case GUMBO_TAG_DATALIST:
    case GUMBO_TAG_TEXTAREA:
      return true;
    default:
      break;
  }
  if (gumbo_get_attribute(&element.attributes, "hidden")) return true;
  const GumboAttribute* aria = gumbo_get_attribute(&element.attributes, "aria-hidden");
  if (aria && fold(aria->value) == "true") return true;
  const GumboAttribute* style = gumbo_get_attribute(&element.attributes, "style");
  if (!style) return false;
  std::string plain(style->value);
  plain.erase(std::remove_if(plain.begin(), plain.end(), blank), plain.end());
  return contains_word(plain, "display:none") || contains_word(plain, "visibility:hidden");
}

// Elements that begin a line of their own.
bool begins_block(GumboTag tag) {
  static constexpr std::array kBlocks{
      GUMBO_TAG_HTML,   GUMBO_TAG_BODY,    GUMBO_TAG_P,          GUMBO_TAG_DIV,
      GUMBO_TAG_H1,     GUMBO_TAG_H2,      GUMBO_TAG_H3,         GUMBO_TAG_H4,
      GUMBO_TAG_H5,     GUMBO_TAG_H6,      GUMBO_TAG_SECTION,    GUMBO_TAG_ARTICLE,
      GUMBO_TAG_ASIDE,  GUMBO_TAG_MAIN,    GUMBO_TAG_NAV,        GUMBO_TAG_HEADER,
      GUMBO_TAG_FOOTER, GUMBO_TAG_ADDRESS, GUMBO_TAG_BLOCKQUOTE, GUMBO_TAG_PRE,
      GUMBO_TAG_UL,     GUMBO_TAG_OL,      GUMBO_TAG_MENU,       GUMBO_TAG_LI,
      GUMBO_TAG_DL,     GUMBO_TAG_DT,      GUMBO_TAG_DD,         GUMBO_TAG_FIGURE,
      GUMBO_TAG_TABLE,  GUMBO_TAG_CAPTION, GUMBO_TAG_THEAD,      GUMBO_TAG_TBODY,
      GUMBO_TAG_TFOOT,  GUMBO_TAG_TR,      GUMBO_TAG_FORM,       GUMBO_TAG_FIELDSET,
      GUMBO_TAG_LEGEND, GUMBO_TAG_DETAILS, GUMBO_TAG_SUMMARY,    GUMBO_TAG_FIGCAPTION,
      GUMBO_TAG_CENTER, GUMBO_TAG_HR,      GUMBO_TAG_LISTING,    GUMBO_TAG_XMP,
      GUMBO_TAG_HGROUP};
  return std::find(kBlocks.begin(), kBlocks.end(), tag) != kBlocks.end();
}

int heading_level(GumboTag tag) {
  static constexpr std::array kHeadings{GUMBO_TAG_H1, GUMBO_TAG_H2, GUMBO_TAG_H3,
                                        GUMBO_TAG_H4, GUMBO_TAG_H5, GUMBO_TAG_H6};
  const auto at = std::find(kHeadings.begin(), kHeadings.end(), tag);
  return at == kHeadings.end() ? 0 : static_cast<int>(at - kHeadings.begin()) + 1;
}

// Walks the tree with a stack of its own and gathers text into blocks.
class Reader {
 public:
  Reader(std::string_view html, const HtmlLimits& limits) : html_(html), limits_(limits) {}

  HtmlDocument read(const GumboNode* root) {
    std::vector<Frame> stack{{root, 0, context_}};
    while (!stack.empty() && !out_.truncated) {
      Frame& frame = stack.back();
      const GumboVector& children = frame.node->type == GUMBO_NODE_DOCUMENT
                                        ? frame.node->v.document.children
                                        : frame.node->v.element.children;
      if (frame.next == children.length) {
        if (frame.node->type != GUMBO_NODE_DOCUMENT) leave(frame.node->v.element);
        context_ = frame.outside;
        stack.pop_back();
        continue;
      }
      const auto* child = static_cast<const GumboNode*>(children.data[frame.next++]);
      switch (child->type) {
        case GUMBO_NODE_TEXT:
        case GUMBO_NODE_CDATA:
        case GUMBO_NODE_WHITESPACE:
          text(child->v.text);
          break;
        case GUMBO_NODE_ELEMENT: {
          const Context outside = context_;
          if (enter(child->v.element)) stack.push_back({child, 0, outside});
          break;
        }
        default:
          break;
      }
    }
    flush();
    return std::move(out_);
  }

 private:
  struct Context {
    Kind kind = Kind::kParagraph;
    int level = 0;
    int list_depth = 0;
    bool keeps_space = false;
  };
  struct Frame {
    const GumboNode* node;
    unsigned next;
    Context outside;
  };

  // False: nothing inside the element is read.
  bool enter(const GumboElement& element) {
    if (element.tag == GUMBO_TAG_TITLE) return read_title(element), false;
    if (hidden(element)) return false;
    const int heading = heading_level(element.tag);
    // Paragraphs inside a table's cell don't break its row; anything with more structure does.
    const bool structured = heading > 0 || element.tag == GUMBO_TAG_TABLE ||
                            element.tag == GUMBO_TAG_UL || element.tag == GUMBO_TAG_OL ||
                            element.tag == GUMBO_TAG_PRE || element.tag == GUMBO_TAG_TR;
    if (begins_block(element.tag)) {
      if (context_.kind != Kind::kTableRow || structured) {
        flush();
      } else {
        space_ = true;
      }
    }
    if (structured && context_.kind == Kind::kTableRow) context_.kind = Kind::kParagraph;
    if (heading > 0) {
      context_.kind = Kind::kHeading;
      context_.level = heading;
      return true;
    }
    switch (element.tag) {
      case GUMBO_TAG_PRE:
      case GUMBO_TAG_LISTING:
      case GUMBO_TAG_XMP:
        context_.kind = Kind::kCode;
        context_.keeps_space = true;
        break;
      case GUMBO_TAG_UL:
      case GUMBO_TAG_OL:
      case GUMBO_TAG_MENU:
        ++context_.list_depth;
        break;
      case GUMBO_TAG_LI:
        context_.kind = Kind::kListItem;
        context_.level = std::max(1, context_.list_depth);
        break;
      case GUMBO_TAG_TR:
        context_.kind = Kind::kTableRow;
        cells_ = 0;
        break;
      case GUMBO_TAG_TD:
      case GUMBO_TAG_TH:
        if (context_.kind == Kind::kTableRow && cells_++ > 0) separators_ += " | ";
        break;
      case GUMBO_TAG_BR:
        if (context_.keeps_space || context_.kind == Kind::kParagraph) {
          newlines_ += 1;
        } else {
          space_ = true;
        }
        break;
      case GUMBO_TAG_A:
        link_.reset();
        if (const auto* href = gumbo_get_attribute(&element.attributes, "href")) {
          link_ = HtmlLink{"", href->value};
        }
        break;
      default:
        break;
    }
    return true;
  }

  void leave(const GumboElement& element) {
    if (element.tag == GUMBO_TAG_A && link_) {
      if (out_.links.size() == limits_.max_links) {
        out_.truncated = true;
      } else {
        out_.links.push_back(std::move(*link_));
      }
      link_.reset();
    }
    if (!begins_block(element.tag)) return;
    if (context_.kind == Kind::kTableRow && element.tag != GUMBO_TAG_TR) {
      space_ = true;
    } else {
      flush();
    }
  }

  void read_title(const GumboElement& element) {
    if (!out_.title.empty() || element.tag_namespace != GUMBO_NAMESPACE_HTML) return;
    for (unsigned i = 0; i < element.children.length; ++i) {
      const auto* child = static_cast<const GumboNode*>(element.children.data[i]);
      if (child->type != GUMBO_NODE_TEXT) continue;
      bool gap = false;
      append(out_.title, child->v.text.text, gap);
    }
  }

  // Appends with runs of white space as one space; `gap`: some is owed before the next word.
  static void append(std::string& out, std::string_view text, bool& gap) {
    for (std::size_t i = 0; i < text.size();) {
      const CodePoint c = code_point_at(text, i);
      if (is_space(c.value)) {
        gap = true;
      } else {
        if (gap && !out.empty() && out.back() != '\n') out += ' ';
        gap = false;
        out += text.substr(i, c.size);
      }
      i += c.size;
    }
  }

  void text(const GumboText& node) {
    const std::string_view decoded(node.text);
    const std::string_view source(node.original_text.data, node.original_text.length);
    const auto first = std::find_if_not(source.begin(), source.end(), blank);
    const auto last = std::find_if_not(source.rbegin(), source.rend(), blank).base();
    if (link_ && !link_->text.empty()) space_in_link_ |= space_;
    if (first == source.end()) {
      if (context_.keeps_space) {
        if (has_text_) open_.text += decoded;
      } else {
        space_ = true;
        space_in_link_ = true;
      }
      return;
    }
    if (!has_text_) {
      open_.kind = context_.kind;
      open_.level =
          context_.kind == Kind::kHeading || context_.kind == Kind::kListItem ? context_.level : 0;
      open_.begin = html_.size();
      open_.end = 0;
      has_text_ = true;
      newlines_ = 0;
      space_ = false;
    }
    if (!separators_.empty()) {
      open_.text += separators_;
      separators_.clear();
      space_ = false;
    }
    open_.text.append(newlines_, '\n');
    newlines_ = 0;
    const std::size_t offset = static_cast<std::size_t>(source.data() - html_.data());
    open_.begin = std::min(open_.begin,
                           offset + static_cast<std::size_t>(std::distance(source.begin(), first)));
    open_.end =
        std::max(open_.end, offset + static_cast<std::size_t>(std::distance(source.begin(), last)));
    if (context_.keeps_space) {
      open_.text += decoded;
    } else {
      append(open_.text, decoded, space_);
    }
    if (link_) append(link_->text, decoded, space_in_link_);
  }

  void flush() {
    if (has_text_) {
      while (!open_.text.empty() && blank(open_.text.back())) open_.text.pop_back();
      has_text_ = !open_.text.empty();  // it may have been nothing but &nbsp;
    }
    if (has_text_) {
      open_.text += separators_;
      if (out_.blocks.size() == limits_.max_blocks) {
        out_.truncated = true;
      } else {
        out_.blocks.push_back(std::move(open_));
      }
    }
    open_ = {};
    has_text_ = false;
    space_ = false;
    newlines_ = 0;
    separators_.clear();
  }

  std::string_view html_;
  const HtmlLimits& limits_;
  HtmlDocument out_;
  Context context_;
  HtmlBlock open_;
  bool has_text_ = false;
  bool space_ = false;  // owed before the next word
  bool space_in_link_ = false;
  std::size_t newlines_ = 0;  // owed before the next word
  std::string separators_;    // of table cells, owed before the next word
  int cells_ = 0;
  std::optional<HtmlLink> link_;
};

}  // namespace

HtmlDocument read_html(std::string_view html, const HtmlLimits& limits) {
  if (html.size() > limits.max_bytes) {
    throw Error(ErrorCode::kExhausted, "the HTML page is larger than " +
                                           std::to_string(limits.max_bytes) +
                                           " bytes; split it or read a part");
  }
  constexpr std::size_t kBytesPerByte = 48;  // markup of nothing but tags stays below
  constexpr std::size_t kAtLeast = std::size_t{32} << 20U;
  const std::string flat = flatten_nesting(html, limits.max_depth);
  Arena arena(kAtLeast + html.size() * kBytesPerByte,
              std::chrono::steady_clock::now() + limits.max_time);
  const GumboOutput* output = parse(flat, arena);
  if (!output) {
    throw Error(ErrorCode::kExhausted,
                "the HTML page is built so that reading it takes too much memory or time");
  }
  return Reader(flat, limits).read(output->document);
}

std::string html_to_text(const HtmlBlock& block) {
  switch (block.kind) {
    case Kind::kHeading:
      return std::string(static_cast<std::size_t>(block.level), '#') + " " + block.text;
    case Kind::kListItem:
      return std::string(static_cast<std::size_t>(block.level - 1) * 2, ' ') + "- " + block.text;
    case Kind::kCode: {
      // A fence longer than any run of backticks inside.
      std::size_t run = 0;
      std::size_t longest = 2;
      for (const char c : block.text) {
        run = c == '`' ? run + 1 : 0;
        longest = std::max(longest, run);
      }
      const std::string fence(longest + 1, '`');
      return fence + "\n" + block.text + "\n" + fence;
    }
    default:
      return block.text;
  }
}

std::string html_to_text(const HtmlDocument& document) {
  std::string out;
  const HtmlBlock* before = nullptr;
  for (const HtmlBlock& block : document.blocks) {
    const bool together = before && before->kind == block.kind &&
                          (block.kind == Kind::kListItem || block.kind == Kind::kTableRow);
    if (before) out += together ? "\n" : "\n\n";
    out += html_to_text(block);
    before = &block;
  }
  if (!out.empty()) out += '\n';
  return out;
}

}  // namespace orkestra
