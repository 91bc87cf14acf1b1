// Calculator: exact arithmetic over rationals. + - * / % ^ ( ), unary minus, decimals, percent
// signs, thousands separators, min max abs round sqrt (exact or refused as inexact, with digits).
#pragma once

#include <orkestra/tools/tool.h>

#include <memory>
#include <string>
#include <string_view>

namespace orkestra::tools {

// The value as a decimal: exact when it is finite ("0.1+0.2" -> "0.3"), else rounded to 20
// significant digits with `exact` false. Throws Error{kInvalid} with the offset and what was
// expected; {kExhausted} when a number would pass 4,096 digits.
struct CalculatorResult {
  std::string decimal;
  bool exact = true;
};
CalculatorResult calculate(std::string_view expression);

// The tool "calculator"(expression).
std::unique_ptr<Tool> make_calculator_tool();

}  // namespace orkestra::tools
