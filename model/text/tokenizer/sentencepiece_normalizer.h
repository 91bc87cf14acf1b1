// How SentencePiece reads a text before it looks for pieces: characters mapped by the model's
// precompiled table, runs of spaces, the space that is put before the first word. Spaces come out
// as U+2581. Immutable, any thread. Bytes that are not UTF-8 are kept.
#pragma once

#include <orkestra/model/text/constraint/literal_trie.h>
#include <orkestra/model/text/tokenizer/vocabulary.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

class SentencePieceNormalizer {
 public:
  // Takes the rules and the table out of `vocabulary`, and the user-defined pieces, whose
  // characters are not mapped. Throws Error{kCorrupt} for a table that can't be one.
  explicit SentencePieceNormalizer(const Vocabulary& vocabulary);

  std::string operator()(std::string_view text) const;

 private:
  struct Mapped {
    std::string_view text;  // what stands in place of `length` bytes
    std::size_t length;
  };
  Mapped map_at(std::string_view text) const;

  bool add_space_prefix_;
  bool remove_extra_whitespaces_;
  bool whitespace_as_suffix_;
  std::vector<std::uint32_t> units_;  // a double-array trie (darts-clone's layout)
  std::string replacements_;          // each ends with a zero byte
  LiteralTrie user_pieces_;
};

}  // namespace orkestra::model
