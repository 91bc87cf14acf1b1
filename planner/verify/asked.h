// What a question asks for, word by word: its content words, and the other words that name the same
// thing ("cost" asks for a price, "in charge" for a director). Fixed tables of plain English; words
// are compared by key. Pure, any thread.
#pragma once

#include <orkestra/core/words.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orkestra::planner {

// What words are compared by: the stem, of verbs that of their first form ("sent" -> "send"), of
// who does something that of what is done ("director" -> "direct"). Figures, dates, codes: as they
// are.
std::string word_key(const Word& word);

struct AskedWord {
  // What an answer must hold for a word like "date" to be met without being said.
  enum class Sort { kPlain, kDate, kName, kDuration, kPlace };
  std::string shown;                // as asked, case folded
  std::string key;                  // word_key
  std::vector<std::string> others;  // keys of other words for it
  Sort sort = Sort::kPlain;
  bool light = false;     // says next to nothing: "current", "take"
  bool empty = false;     // says nothing about a text that is on the question otherwise: "happens"
  std::size_t place = 0;  // its index in words_only(question)
};

// Without stop words and words of asking ("please tell me").
std::vector<AskedWord> asked_words(std::string_view question);

// Stretches that read as names: capitalised words that do more than ask, figures and codes, as long
// as they follow each other: "Bruna Kelly", "Dock 4", "HZ-6633".
std::vector<std::string> names_in(std::string_view question);

// Stretches that the pattern (RE2) matches, as long as can be, left to right, none of them a part
// of a word. One that reads as a single word (a date, an order's number) is none, unless it is
// everything.
std::vector<std::string> stretches_in(std::string_view question, const std::string& pattern);

// Byte ranges of what stands in quotation marks, single or double.
std::vector<std::pair<std::size_t, std::size_t>> quoted_ranges(std::string_view question);

// Whether it wants a yes or a no: "Is the priority high?"
bool asks_yes_or_no(const std::vector<Word>& question);

}  // namespace orkestra::planner
