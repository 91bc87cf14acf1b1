#include <orkestra/core/numbers.h>
#include <orkestra/core/text.h>

#include <algorithm>
#include <array>

namespace orkestra {
namespace {

constexpr std::size_t kMaxDigits = 60;
constexpr std::size_t kMaxUnitBytes = 8;
constexpr auto kCurrencySigns = std::to_array<std::string_view>({"$", "€", "£", "¥", "₹", "₽"});

bool digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits_at(std::string_view text, std::size_t i) {
  std::size_t n = 0;
  while (i + n < text.size() && digit(text[i + n])) ++n;
  return n;
}

// Removes `prefix` from the front of `text`; false when it isn't there.
bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::string take_currency(std::string_view& text) {
  for (const auto sign : kCurrencySigns) {
    if (take(text, sign)) return std::string(sign);
  }
  return "";
}

// Groups of three after the first 1-3 digits: "4,211,000". Returns the bytes read, 0 if not so.
std::size_t grouped(std::string_view text, char separator, std::string& digits) {
  std::size_t i = digits_at(text, 0);
  if (i == 0 || i > 3 || i >= text.size() || text[i] != separator || text[0] == '0') return 0;
  digits = text.substr(0, i);
  while (i < text.size() && text[i] == separator) {
    if (digits_at(text, i + 1) != 3) return 0;
    digits += text.substr(i + 1, 3);
    i += 4;
  }
  return i;
}

// The unsigned decimal at the front of `text`; "" when its form is not clear.
std::string take_decimal(std::string_view& text) {
  std::string digits;
  std::size_t i = grouped(text, ',', digits);
  char point = '.';
  if (i == 0) {
    std::string dotted;
    const std::size_t n = grouped(text, '.', dotted);
    // Only a decimal comma after it, or a second dot, tells "4.211" from a decimal.
    if (n != 0 && n < text.size() && text[n] == ',' && digits_at(text, n + 1) > 0) {
      digits = dotted;
      i = n;
      point = ',';
    } else if (dotted.size() > 6) {
      digits = dotted;
      i = n;
      point = '\0';
    }
  }
  if (i == 0) {
    i = digits_at(text, 0);
    digits = text.substr(0, i);
    if (digits.size() > 1 && digits[0] == '0') return "";
  }
  if (i < text.size() && text[i] == point) {
    const std::size_t n = digits_at(text, i + 1);
    if (n == 0) return "";
    digits += '.' + std::string(text.substr(i + 1, n));
    i += 1 + n;
  }
  if (digits.empty() || digits.size() > kMaxDigits) return "";
  text.remove_prefix(i);
  return digits;
}

}  // namespace

std::string canonical_decimal(std::string_view plain) {
  const bool negative = plain.starts_with('-');
  if (negative) plain.remove_prefix(1);
  const std::size_t point = plain.find('.');
  std::string_view whole = plain.substr(0, point);
  std::string_view fraction =
      point == std::string_view::npos ? std::string_view{} : plain.substr(point + 1);
  while (!whole.empty() && whole.front() == '0') whole.remove_prefix(1);
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  std::string out = whole.empty() ? "0" : std::string(whole);
  if (!fraction.empty()) out += "." + std::string(fraction);
  return negative && out != "0" ? "-" + out : out;
}

std::string scaled(std::string_view decimal, int places) {
  const bool negative = decimal.starts_with('-');
  if (negative) decimal.remove_prefix(1);
  const std::size_t point = decimal.find('.');
  std::string whole(decimal.substr(0, point));
  std::string fraction(point == std::string_view::npos ? "" : decimal.substr(point + 1));
  for (int i = 0; i < places; ++i) {
    whole += fraction.empty() ? '0' : fraction.front();
    if (!fraction.empty()) fraction.erase(0, 1);
  }
  return canonical_decimal((negative ? "-" : "") + whole + "." + fraction);
}

std::optional<ParsedNumber> parse_number(std::string_view text) {
  ParsedNumber number;
  bool negative = false;
  const auto take_sign = [&] {
    if (take(text, "-") || take(text, "\u2212")) {
      negative = true;
    } else if (take(text, "+")) {
      number.explicit_plus = true;
    }
  };
  take_sign();
  number.unit = take_currency(text);
  if (!number.unit.empty() && !negative && !number.explicit_plus) take_sign();
  const std::string digits = take_decimal(text);
  if (digits.empty()) return std::nullopt;
  number.decimal = canonical_decimal((negative ? "-" : "") + digits);
  if (text.empty()) return number;
  const std::string suffix = take_currency(text);
  if (!suffix.empty() && text.empty() && number.unit.empty()) {
    number.unit = suffix;
    return number;
  }
  if (!suffix.empty()) return std::nullopt;
  if (text == "%") {
    if (!number.unit.empty()) return std::nullopt;
    number.unit = "%";
    return number;
  }
  const std::string letters = fold(text);
  if (letters == "st" || letters == "nd" || letters == "rd" || letters == "th") return std::nullopt;
  for (const auto& [magnitude, places] :
       {std::pair<std::string_view, int>{"k", 3}, {"mn", 6}, {"bn", 9}, {"tn", 12}}) {
    if (letters != magnitude) continue;
    number.decimal = scaled(number.decimal, places);
    return number;
  }
  if (!number.unit.empty() || text.size() > kMaxUnitBytes) return std::nullopt;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = code_point_at(text, i);
    if (c.value < 0 || !is_letter(c.value)) return std::nullopt;
    i += c.size;
  }
  number.unit = text;
  return number;
}

}  // namespace orkestra
