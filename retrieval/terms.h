// Terms: a text as the words it can be found by: folded, without stop words, stemmed. Documents and
// queries go through the same reader, and a term holds nothing but ASCII letters, digits and bytes
// beyond ASCII, so that no text can mean anything to a query language.
// A TermReader remembers the words it has seen; one thread at a time.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace orkestra::retrieval {

class TermReader {
 public:
  // In the order of the text, repeats included. Scripts written without spaces give every pair of
  // neighbouring characters.
  std::vector<std::string> read(std::string_view text);

 private:
  const std::string& term_of(std::string_view word);  // "" for a stop word
  std::unordered_map<std::string, std::string> known_;
};

}  // namespace orkestra::retrieval
