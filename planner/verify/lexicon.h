// Lexicon: the closed word classes that decide whether two statements say the same thing. Words
// are folded keys (core/words.h). English; constant data, any thread.
#pragma once

#include <string_view>

namespace orkestra::planner::lexicon {

bool empty_word(std::string_view word);  // a sentence of only these states nothing
bool glue(std::string_view word);        // may be there or not without changing a sentence
bool negation(std::string_view word);    // "not", "never", "without", "denied"
// Negations, quantifiers, comparatives, modals, conditions, attributions: adding or dropping one
// changes what is said.
bool critical(std::string_view word);
// Words that can't both hold in one place: "increased"/"decreased", "all"/"some", "may"/"must".
bool opposed(std::string_view a, std::string_view b);
// Holds the parts of its sentence together: none of them may be left out alone.
bool binds_parts(std::string_view word);  // "between", "either", "if"
bool preposition(std::string_view word);
bool pronoun(std::string_view word);  // points back at what the record is about: "it", "their"

}  // namespace orkestra::planner::lexicon
