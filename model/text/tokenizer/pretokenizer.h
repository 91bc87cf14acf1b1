// Pre-tokenizers: how byte-level BPE vocabularies cut a text into words before they merge. Model
// files name theirs (tokenizer.ggml.pre); each name stands for regular expressions that the
// vocabulary was trained with. Here they are scanners over Unicode classes: one step at most looks
// at what it then consumes, so that time goes with the length of any text. Stateless, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace orkestra::model {

// One character of a text, or one byte that is not UTF-8 (of no class).
struct ScannedChar {
  std::uint32_t begin = 0;  // byte offset
  std::int32_t code_point = -1;
  std::uint16_t classes = 0;  // bits of CharClass
};

enum CharClass : std::uint16_t {
  kUpperChar = 1U << 0U,  // Lu, Lt
  kLowerChar = 1U << 1U,  // Ll
  kOtherLetterChar = 1U << 2U,
  kMarkChar = 1U << 3U,
  kNumberChar = 1U << 4U,
  kPunctuationChar = 1U << 5U,
  kSymbolChar = 1U << 6U,
  kSpaceChar = 1U << 7U,    // \s
  kNewlineChar = 1U << 8U,  // \r, \n
  kLetterChar = kUpperChar | kLowerChar | kOtherLetterChar,
};

using Scan = std::span<const ScannedChar>;

std::vector<ScannedChar> scan_text(std::string_view text);

// The length of the match that begins at `at` (< scan.size()) and ends within `scan`; 0 = none.
using WordMatcher = std::size_t (*)(Scan scan, std::size_t at);

struct PreTokenizer {
  // Each pass cuts every part that the passes before have left: at each match and between them.
  std::span<const WordMatcher> passes;
  // A word that is in the vocabulary is that token, whatever the merges say.
  bool whole_words_first = false;
};

// nullptr when this build does not know the name. "" is "default".
const PreTokenizer* find_pretokenizer(std::string_view name);

// Calls word(begin, end) with byte offsets for every word of `text`, in order; they cover it.
// `chars` is working memory that is kept between calls.
class WordCutter {
 public:
  explicit WordCutter(const PreTokenizer& pretokenizer) : pretokenizer_(pretokenizer) {}
  // The ends of the words in bytes, ascending; valid until the next call.
  const std::vector<std::uint32_t>& cut(std::string_view text);

 private:
  void pass(std::size_t index, Scan part);

  const PreTokenizer& pretokenizer_;
  std::vector<ScannedChar> chars_;
  std::vector<std::uint32_t> ends_;  // indices into chars_ while cutting, then bytes
};

}  // namespace orkestra::model
