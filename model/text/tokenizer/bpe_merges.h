// BpeMerges: byte-pair encoding by rank (Sennrich et al. 2016): of all neighbours that may be
// merged, those of the lowest rank first, then the leftmost. n log n in the length of a word,
// whatever it spells. Immutable once filled; any thread may apply it, each with its own Work.
#pragma once

#include <orkestra/model/text/tokenizer/tokenizer.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace orkestra::model {

class BpeMerges {
 public:
  // Working memory, kept between words.
  struct Work {
    struct Symbol {
      TokenId id = -1;  // -1 = merged into its left neighbour
      std::int32_t left = -1;
      std::int32_t right = -1;
    };
    struct Candidate {
      std::uint32_t rank;
      std::int32_t at;  // of the left symbol
      TokenId left;     // stale when the symbols there are others by now
      TokenId right;
      TokenId merged;
    };
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
  };

  explicit BpeMerges(std::size_t n_merges);

  // Ranks go up with each call. Of two merges of one pair the first counts.
  void add(TokenId left, TokenId right, TokenId merged);

  // Replaces `word` by what its merging ends in.
  void apply(std::vector<TokenId>& word, Work& work) const;

 private:
  struct Slot {  // of an open hash table
    TokenId left = -1;
    TokenId right = -1;
    TokenId merged = -1;  // -1 = free
    std::uint32_t rank = 0;
  };
  std::size_t first_slot(TokenId left, TokenId right) const;
  const Slot* find(TokenId left, TokenId right) const;

  std::vector<Slot> slots_;  // a power of two, at most half full
  std::uint32_t next_rank_ = 0;
};

}  // namespace orkestra::model
