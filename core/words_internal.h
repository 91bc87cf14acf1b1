// The second half of words(): merging neighbours into numbers, units, dates and times of day.
#pragma once

#include <orkestra/core/words.h>

#include <string>
#include <vector>

namespace orkestra::words_internal {

struct RawWord : Word {
  std::string unit;     // of a number, not yet a word of its own
  std::string written;  // as written, for units in which case matters (mW, MW)
};

std::vector<Word> merged(std::vector<RawWord> raw);

}  // namespace orkestra::words_internal
