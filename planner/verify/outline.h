// Outline: which words of a sentence name a property, the thing that has it, a condition and the
// value; the others only carry the sentence. "We note 4,200 as the price of the device Zor." ->
// price, device Zor, -, 4,200. A model that was trained for it reads outlines; code compares them,
// word by word, and trusts one only where what it leaves out can't change what is said.
#pragma once

#include <orkestra/core/limits.h>

#include <string>
#include <string_view>
#include <vector>

namespace orkestra::planner {

struct Outline {
  std::string what, of, with, is;  // as they stand in the sentence; "" where there is none
  double sureness = 0;             // 0..1, the reader's own probability of all of it
};

// Reads outlines. Used by one thread at a time. Both throw Error as the model behind it does
// (kDeadline, kCancelled).
class OutlineReader {
 public:
  virtual ~OutlineReader() = default;
  // What it asks for; no value.
  virtual Outline read_question(const std::string& question, const Limits& limits) = 0;
  // One per statement, in order; empty for one that gives no thing a property.
  virtual std::vector<Outline> read_statements(const std::vector<std::string>& statements,
                                               const Limits& limits) = 0;
};

bool is_likely(const Outline& outline);

// Whether it can be compared: it is likely, its parts stand in the statement, and the words beside
// them can be left out: no figure, no name, nothing that denies, limits or attributes what is said.
bool is_trusted(const Outline& outline, std::string_view statement);

// For each of words_only(question) whether it only carries the question, so that an answer need
// not speak of it: it stands before a part of an outline that is sure, in the same sentence, and
// begins no condition. All false for an outline that is not sure.
std::vector<bool> words_beside(const Outline& outline, std::string_view question);

// Whether two outlines speak of one thing: the same words, or the same name, of which only one
// says what kind of thing it is ("the device Zor", "Zor").
bool same_thing(const Outline& a, const Outline& b);

}  // namespace orkestra::planner
