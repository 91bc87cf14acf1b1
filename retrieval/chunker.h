// Chunks: the pieces of a document that are found by themselves. They follow its structure, carry
// the headings above them and know their bytes. Pure, any thread.
#pragma once

#include <orkestra/retrieval/structure.h>

#include <string>
#include <string_view>
#include <vector>

namespace orkestra::retrieval {

// Changes when the same bytes would be read or cut differently: documents are then read again.
inline constexpr int kReaderVersion = 1;

struct Chunk {
  std::vector<std::string> headings;  // outermost first
  std::string text;
  std::size_t begin = 0;  // in the document's bytes
  std::size_t end = 0;
  // Text is exactly the bytes [begin, end). HTML: it is a part of the page's html_to_text().
  bool verbatim = true;
};

struct ChunkLimits {
  std::size_t target_bytes = 1500;  // of text; blocks are gathered up to this, larger ones are cut
  std::size_t max_chunks = 200'000;
};

// A cut falls between lines, sentences or words where there are any, never inside a character.
// Throws Error{kExhausted} over max_chunks.
std::vector<Chunk> cut_into_chunks(std::string_view bytes, const Structure& structure,
                                   const ChunkLimits& limits = {});

}  // namespace orkestra::retrieval
