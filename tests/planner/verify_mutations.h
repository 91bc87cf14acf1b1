// Wrong answers made from right ones: one change each, of the kinds that small models make.
#pragma once

#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace orkestra::planner::testing {

using Random = std::mt19937;

inline std::size_t pick(Random& random, std::size_t n) { return random() % n; }

struct Mutant {
  std::string kind;
  std::string text;
};

// The figures of a text as [begin, end): digits with points and separators between them. Digits
// glued to letters or dashes (codes, ISO dates) are no figures.
std::vector<std::pair<std::size_t, std::size_t>> figures(const std::string& text);

std::string replaced(std::string text, std::size_t begin, std::size_t end, const std::string& by);
// The first whole-word occurrence of `what`; nullopt when it does not occur.
std::optional<std::string> with_word(const std::string& text, const std::string& what,
                                     const std::string& by);

// Every mutation of `text` that fits it. `names`: the names of the source.
std::vector<Mutant> mutants_of(const std::string& text, const std::vector<std::string>& names,
                               Random& random);

}  // namespace orkestra::planner::testing
