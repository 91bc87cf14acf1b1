// Sentences of a plain or Markdown text, with the heading they stand under. Pure, any thread;
// linear in the text. Shared by answers (claims) and documents (records), so that a sentence
// copied from one to the other is cut in the same places.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::planner {

struct Sentence {
  std::size_t begin = 0;  // byte range in the text, list marker left out
  std::size_t end = 0;
  std::string heading;  // the nearest heading above; "" if there is none
  bool is_heading = false;
};

// No sentence is longer than 4,000 bytes: a longer one is cut at a space.
std::vector<Sentence> sentences(std::string_view text);

// The bytes of one citation group "[1]" or "[1, 2]" at `offset`; 0 if there is none.
std::size_t citation_at(std::string_view text, std::size_t offset);

}  // namespace orkestra::planner
