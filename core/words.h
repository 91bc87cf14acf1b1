// Words: a text taken apart into what can be compared: words, exact numbers, dates, codes, and
// the punctuation that carries structure. Pure, any thread; linear in the text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra {

struct Word {
  enum class Kind {
    kWord,    // key: folded, contractions opened: "isn't" -> "is", "not"; "Anna's" -> "anna", "'s"
    kNumber,  // key: shortest decimal; "1.2 million" and "1,200,000" are one number
    kDate,    // key: "2024-05-03", "2024-05" or "--05-03", however it was written
    kCode,    // key: folded: "ab-1234", "v2.1", "15:30", "007", "a@b.org"
    kMark,    // key: one of , ; : ( ) - ? — everything else that shows is a kWord
  };
  Kind kind = Kind::kWord;
  std::string key;
  std::size_t begin = 0;  // byte range in the text
  std::size_t end = 0;
  bool capital = false;  // as written, starts with a capital letter

  bool mark() const { return kind == Kind::kMark; }
  friend bool operator==(const Word& a, const Word& b) {
    return a.kind == b.kind && a.key == b.key;
  }
};

// A unit follows its number as a word, however it was written: "$5", "5 USD" -> 5 usd; "12%",
// "12 percent" -> 12 percent; "5kg", "5 kilograms" -> 5 kilogram.
std::vector<Word> words(std::string_view text);

// words() without the marks.
std::vector<Word> words_only(std::string_view text);

// The unit a word names, in its one form: "kg", "kilograms" -> "kilogram"; "" if it names none.
std::string unit_named(std::string_view word);

// An identifier as words: "unitPrice", "unit_price", "unit-price" -> unit price.
std::vector<Word> identifier_words(std::string_view identifier);

}  // namespace orkestra
