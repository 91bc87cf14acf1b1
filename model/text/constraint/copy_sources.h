// What can be copied out of sources besides spans: numbers, and values of a known domain.
#pragma once

#include <orkestra/model/constraint.h>

#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

// The numbers that stand as whole words in the sources, as JSON literals, each once: "4,200" ->
// "4200", "-3.50" -> "-3.50", "007" -> "7". `whole`: only those without a fraction.
std::vector<std::string> numbers_in(const std::vector<SpanSource>& sources, bool whole);

// Whether `text` occurs in a source as whole words, whatever the case of ASCII letters.
bool occurs_in(std::string_view text, const std::vector<SpanSource>& sources);

}  // namespace orkestra::model
