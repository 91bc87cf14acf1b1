#include <orkestra/core/error.h>
#include <orkestra/retrieval/chunker.h>

#include <algorithm>

namespace orkestra::retrieval {
namespace {

// Where to cut `text`, which is longer than `most`: behind the last line, sentence, word or
// character that fits; what is cut off is at least half of `most` where that is possible.
std::size_t cut_point(std::string_view text, std::size_t most) {
  const std::string_view head = text.substr(0, most);
  const std::size_t least = most / 2;
  const auto usable = [&](std::size_t at) { return at != std::string_view::npos && at >= least; };
  if (const std::size_t at = head.rfind('\n'); usable(at)) return at + 1;
  for (std::size_t at = head.size() - 1; at > least; --at) {
    const bool sentence = head[at - 1] == '.' || head[at - 1] == '!' || head[at - 1] == '?';
    if (sentence && head[at] == ' ') return at + 1;
  }
  if (const std::size_t at = head.rfind(' '); usable(at)) return at + 1;
  std::size_t at = most;
  for (int i = 0; i < 3 && at > 1 && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U; ++i) {
    --at;
  }
  return at;
}

bool blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

class Chunker {
 public:
  Chunker(std::string_view bytes, const Structure& structure, const ChunkLimits& limits)
      : bytes_(bytes), structure_(structure), limits_(limits) {}

  std::vector<Chunk> cut() {
    for (const Block& block : structure_.blocks) {
      if (block.kind == Block::Kind::kHeading) {
        heading(block);
      } else {
        content(block);
      }
    }
    finish();
    return std::move(out_);
  }

 private:
  struct Heading {
    int level;
    std::string words;
  };

  std::string_view text_of(const Block& block) const {
    return structure_.verbatim ? bytes_.substr(block.begin, block.end - block.begin)
                               : std::string_view(block.text);
  }

  // A heading begins a chunk, together with the headings right above it.
  void heading(const Block& block) {
    if (has_content_) finish();
    while (!path_.empty() && path_.back().level >= block.level) path_.pop_back();
    path_.push_back({block.level, block.heading});
    gather(block.kind, text_of(block), block.begin, block.end);
    open_.headings.clear();
    for (const Heading& each : path_) open_.headings.push_back(each.words);
  }

  void content(const Block& block) {
    std::string_view text = text_of(block);
    std::size_t begin = block.begin;
    if (has_content_ && size_ + text.size() > limits_.target_bytes) finish();
    while (size_ + text.size() > limits_.target_bytes) {
      const std::size_t room = std::max(
          limits_.target_bytes / 2, limits_.target_bytes - std::min(limits_.target_bytes, size_));
      if (text.size() <= room) break;
      const std::size_t cut = cut_point(text, room);
      take(block, text.substr(0, cut), begin, true);
      finish();
      text.remove_prefix(cut);
      begin += cut;
    }
    take(block, text, begin, false);
  }

  // `text` is a part of the block; in a verbatim document it begins at the byte `begin`. What was
  // decoded can't be placed more closely than its whole block.
  void take(const Block& block, std::string_view text, std::size_t begin, bool is_cut) {
    // White space at a cut belongs to neither piece; a block's own stays.
    if (is_cut) {
      while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    }
    if (structure_.verbatim) {
      while (begin > block.begin && !text.empty() && blank(text.front())) {
        text.remove_prefix(1);
        ++begin;
      }
    }
    if (text.empty()) return;
    if (structure_.verbatim) {
      gather(block.kind, text, begin, begin + text.size());
    } else {
      gather(block.kind, text, block.begin, block.end);
    }
    has_content_ = true;
  }

  void gather(Block::Kind kind, std::string_view text, std::size_t begin, std::size_t end) {
    if (!is_open_) {
      open_ = {.begin = begin, .end = end, .verbatim = structure_.verbatim};
      for (const Heading& each : path_) open_.headings.push_back(each.words);
      is_open_ = true;
    }
    open_.begin = std::min(open_.begin, begin);
    open_.end = std::max(open_.end, end);
    if (structure_.verbatim) {
      size_ = open_.end - open_.begin + 1;
      return;
    }
    const bool rows =
        before_ == kind && (kind == Block::Kind::kTable || kind == Block::Kind::kListItem);
    if (!open_.text.empty()) open_.text += rows ? "\n" : "\n\n";
    open_.text += text;
    before_ = kind;
    size_ = open_.text.size() + 2;
  }

  void finish() {
    if (is_open_) {
      if (out_.size() == limits_.max_chunks) {
        throw Error(ErrorCode::kExhausted, "more than " + std::to_string(limits_.max_chunks) +
                                               " chunks in one document; split it");
      }
      if (open_.verbatim) open_.text = bytes_.substr(open_.begin, open_.end - open_.begin);
      out_.push_back(std::move(open_));
    }
    open_ = {};
    is_open_ = false;
    has_content_ = false;
    size_ = 0;
  }

  std::string_view bytes_;
  const Structure& structure_;
  const ChunkLimits& limits_;
  std::vector<Chunk> out_;
  std::vector<Heading> path_;
  Chunk open_;
  bool is_open_ = false;
  bool has_content_ = false;  // more than headings
  std::size_t size_ = 0;      // of the open chunk's text, the joint to what follows included
  Block::Kind before_ = Block::Kind::kParagraph;
};

}  // namespace

std::vector<Chunk> cut_into_chunks(std::string_view bytes, const Structure& structure,
                                   const ChunkLimits& limits) {
  return Chunker(bytes, structure, limits).cut();
}

}  // namespace orkestra::retrieval
