#include <orkestra/model/text/constraint/copy_sources.h>
#include <orkestra/model/text/constraint/span_index.h>

#include <algorithm>
#include <set>

namespace orkestra::model {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

// Digits from `at` on, with thousands separators left out: "4,200" but not "4,20".
std::string read_digits(std::string_view text, std::size_t& at) {
  std::string digits;
  while (at < text.size() && is_digit(text[at])) digits += text[at++];
  const auto group_at = [&](std::size_t i) {
    return i + 3 < text.size() && text[i] == ',' && is_digit(text[i + 1]) &&
           is_digit(text[i + 2]) && is_digit(text[i + 3]) &&
           (i + 4 >= text.size() || !is_digit(text[i + 4]));
  };
  while (group_at(at)) {
    digits += text.substr(at + 1, 3);
    at += 4;
  }
  return digits;
}

void add_numbers(std::string_view text, bool whole, std::set<std::string>& out) {
  for (std::size_t at = 0; at < text.size();) {
    if (!is_digit(text[at])) {
      ++at;
      continue;
    }
    std::size_t begin = at;
    if (begin > 0 && text[begin - 1] == '-' && !inside_word(text, begin - 1) &&
        inside_word(text, begin)) {
      --begin;
    }
    std::string literal = begin < at ? "-" : "";
    std::string digits = read_digits(text, at);
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
    literal += digits;
    bool has_fraction = false;
    if (at + 1 < text.size() && text[at] == '.' && is_digit(text[at + 1])) {
      has_fraction = true;
      literal += text[at++];
      while (at < text.size() && is_digit(text[at])) literal += text[at++];
    }
    const bool is_word = !inside_word(text, begin) && !inside_word(text, at);
    if (is_word && !(whole && has_fraction)) out.insert(literal);
    // The rest of a word that only began with digits is no number either.
    while (at < text.size() && inside_word(text, at)) ++at;
  }
}

}  // namespace

std::vector<std::string> numbers_in(const std::vector<SpanSource>& sources, bool whole) {
  std::set<std::string> numbers;
  for (const SpanSource& source : sources) add_numbers(source.text, whole, numbers);
  return {numbers.begin(), numbers.end()};
}

bool occurs_in(std::string_view text, const std::vector<SpanSource>& sources) {
  if (text.empty()) return false;
  const std::string wanted = lower_ascii(text);
  for (const SpanSource& source : sources) {
    const std::string where = lower_ascii(source.text);
    for (std::size_t at = where.find(wanted); at != std::string::npos;
         at = where.find(wanted, at + 1)) {
      if (!inside_word(where, at) && !inside_word(where, at + wanted.size())) return true;
    }
  }
  return false;
}

}  // namespace orkestra::model
