// What a text says of figures and conditions that it does not name: "up to 15 percent" speaks of 10
// percent; "when a target is missed twice in a row" does not speak of any missed target. Pure.
#pragma once

#include <orkestra/core/evidence.h>
#include <orkestra/core/words.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::planner {

bool is_time_unit(std::string_view word);  // "day", "days"

// Whether `statement` bounds the figure asked[place] (with the unit that follows it) so that it
// holds for it, and no other sentence of `texts` has a tighter bound that holds, too.
bool bound_holds(std::string_view statement, const std::vector<Word>& asked, std::size_t place,
                 const std::vector<std::string>& texts);

// For a question with a condition of its own ("What happens when a region misses its target?"): the
// words of the text's conditions that it leaves open.
std::vector<std::string> further_conditions(std::string_view question, const Evidence& text);

}  // namespace orkestra::planner
