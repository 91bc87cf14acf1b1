#include <orkestra/core/numbers.h>
#include <orkestra/core/words_internal.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

namespace orkestra::words_internal {
namespace {

using Kind = Word::Kind;
using Pair = std::pair<std::string_view, std::string_view>;

constexpr auto kUnits = std::to_array<Pair>({
    {"%", "percent"},
    {"$", "usd"},
    {"dollar", "usd"},
    {"dollars", "usd"},
    {"usd", "usd"},
    {"€", "eur"},
    {"euro", "eur"},
    {"euros", "eur"},
    {"eur", "eur"},
    {"£", "gbp"},
    {"gbp", "gbp"},
    {"¥", "jpy"},
    {"yen", "jpy"},
    {"jpy", "jpy"},
    {"₹", "inr"},
    {"inr", "inr"},
    {"₽", "rub"},
    {"rub", "rub"},
    {"chf", "chf"},
    {"kg", "kilogram"},
    {"kilograms", "kilogram"},
    {"km", "kilometre"},
    {"kilometers", "kilometre"},
    {"kilometer", "kilometre"},
    {"kilometres", "kilometre"},
    {"cm", "centimetre"},
    {"centimeters", "centimetre"},
    {"centimetres", "centimetre"},
    {"centimeter", "centimetre"},
    {"hours", "hour"},
    {"hrs", "hour"},
    {"hr", "hour"},
    {"minutes", "minute"},
    {"mins", "minute"},
    {"min", "minute"},
    {"seconds", "second"},
    {"secs", "second"},
    {"sec", "second"},
    {"days", "day"},
    {"weeks", "week"},
    {"months", "month"},
    {"years", "year"},
    {"litre", "litre"},
    {"litres", "litre"},
    {"liter", "litre"},
    {"liters", "litre"},
});

// Units that another case turns into other units: kept as written.
constexpr auto kCasedUnits = std::to_array<std::string_view>(
    {"mw", "mb", "gb", "kb", "tb", "pb", "mv", "ma", "mj", "mhz", "m", "g", "s", "k", "c", "f"});

constexpr auto kMonths = std::to_array<Pair>({
    {"january", "01"},   {"jan", "01"},   {"february", "02"}, {"feb", "02"},     {"march", "03"},
    {"mar", "03"},       {"april", "04"}, {"apr", "04"},      {"may", "05"},     {"june", "06"},
    {"jun", "06"},       {"july", "07"},  {"jul", "07"},      {"august", "08"},  {"aug", "08"},
    {"september", "09"}, {"sep", "09"},   {"sept", "09"},     {"october", "10"}, {"oct", "10"},
    {"november", "11"},  {"nov", "11"},   {"december", "12"}, {"dec", "12"},
});

constexpr auto kSmall = std::to_array<std::string_view>(
    {"zero",     "one",     "two",     "three",     "four",     "five",    "six",
     "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
     "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"});
constexpr auto kTens = std::to_array<std::string_view>(
    {"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"});

template <std::size_t N>
std::string_view look_up(const std::array<Pair, N>& table, std::string_view key) {
  const auto at =
      std::find_if(table.begin(), table.end(), [&](const Pair& p) { return p.first == key; });
  return at == table.end() ? std::string_view{} : at->second;
}

template <std::size_t N>
std::optional<std::size_t> index_of(const std::array<std::string_view, N>& table,
                                    std::string_view key) {
  const auto at = std::find(table.begin(), table.end(), key);
  if (at == table.end()) return std::nullopt;
  return static_cast<std::size_t>(at - table.begin());
}

bool plain_number(const RawWord& word) { return word.kind == Kind::kNumber && word.unit.empty(); }

// A pass reads a prefix of what is left and says how many words it took and what they became.
struct Joined {
  std::size_t taken = 0;  // 0: nothing here, keep the word as it is
  Kind kind = Kind::kWord;
  std::string key{};
};

// Runs a pass over all words, front to back, in one sweep.
template <typename Pass>
std::vector<RawWord> swept(std::vector<RawWord> raw, Pass pass) {
  std::vector<RawWord> out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size();) {
    const Joined joined = pass(raw, i);
    const std::size_t to = i + std::max<std::size_t>(joined.taken, 1);
    RawWord word = std::move(raw[i]);
    if (joined.taken > 0) {
      word.kind = joined.kind;
      word.key = joined.key;
      if (to - i > 1) {
        word.end = raw[to - 1].end;
        if (word.unit.empty()) word.unit = raw[to - 1].unit;
      }
      if (word.kind != Kind::kNumber) word.unit.clear();
    }
    out.push_back(std::move(word));
    i = to;
  }
  return out;
}

// "twelve", "twenty one" -> numbers.
Joined spelled_number(const std::vector<RawWord>& raw, std::size_t i) {
  if (raw[i].kind != Kind::kWord) return {};
  if (const auto small = index_of(kSmall, raw[i].key)) {
    return {1, Kind::kNumber, std::to_string(*small)};
  }
  const auto ten = index_of(kTens, raw[i].key);
  if (!ten) return {};
  const std::size_t value = (*ten + 2) * 10;
  if (i + 1 < raw.size() && raw[i + 1].kind == Kind::kWord) {
    const auto unit = index_of(kSmall, raw[i + 1].key);
    if (unit && *unit > 0 && *unit < 10) return {2, Kind::kNumber, std::to_string(value + *unit)};
  }
  return {1, Kind::kNumber, std::to_string(value)};
}

// "1.2 million", "two hundred thousand".
Joined magnitude(const std::vector<RawWord>& raw, std::size_t i) {
  static constexpr auto kMagnitudes = std::to_array<std::pair<std::string_view, int>>(
      {{"hundred", 2}, {"thousand", 3}, {"million", 6}, {"billion", 9}, {"trillion", 12}});
  constexpr std::size_t kMaxMagnitudes = 3;
  if (raw[i].kind != Kind::kNumber || raw[i].unit == "%") return {};
  Joined joined{0, Kind::kNumber, raw[i].key};
  for (std::size_t j = i + 1; j < raw.size() && j <= i + kMaxMagnitudes; ++j) {
    const auto at = std::find_if(kMagnitudes.begin(), kMagnitudes.end(), [&](const auto& known) {
      return raw[j].kind == Kind::kWord && raw[j].key == known.first;
    });
    if (at == kMagnitudes.end()) break;
    joined.key = scaled(joined.key, at->second);
    joined.taken = j - i + 1;
  }
  return joined;
}

// The day of a month: "3", "3rd", "03". 0 if it is none.
int day(const RawWord& word) {
  std::string_view key = word.key;
  if (word.kind == Kind::kCode && key.size() > 2 && key.size() < 5) {
    const std::string_view ending = key.substr(key.size() - 2);
    if (ending != "st" && ending != "nd" && ending != "rd" && ending != "th") return 0;
    key.remove_suffix(2);
  } else if (!plain_number(word)) {
    if (word.kind != Kind::kCode || key.size() != 2 || key[0] != '0') return 0;
  }
  if (key.empty() || key.size() > 2) return 0;
  int value = 0;
  for (const char c : key) {
    if (c < '0' || c > '9') return 0;
    value = value * 10 + (c - '0');
  }
  return value >= 1 && value <= 31 ? value : 0;
}

bool year(const RawWord& word) {
  return plain_number(word) && word.key.size() == 4 && (word.key[0] == '1' || word.key[0] == '2') &&
         word.written.size() == 4;
}

std::string_view month(const RawWord& word) {
  return word.kind == Kind::kWord && word.capital ? look_up(kMonths, word.key) : std::string_view{};
}

std::string date_key(std::string_view year_text, std::string_view month_text, int day_number) {
  std::string key = std::string(year_text) + "-" + std::string(month_text);
  if (day_number > 0) key += (day_number < 10 ? "-0" : "-") + std::to_string(day_number);
  return key;
}

// "3 May 2024", "3rd of May", "May 3, 2024", "May 2024".
Joined date(const std::vector<RawWord>& raw, std::size_t i) {
  const auto skip = [&](std::size_t j, std::string_view key) {
    return j < raw.size() && raw[j].key == key ? j + 1 : j;
  };
  const auto with_year = [&](std::size_t to, std::string_view text, int d) -> Joined {
    const std::size_t y = skip(to, ",");
    if (y < raw.size() && year(raw[y])) {
      return {y + 1 - i, Kind::kDate, date_key(raw[y].key, text, d)};
    }
    return {to - i, Kind::kDate, date_key("-", text, d)};
  };
  if (const int d = day(raw[i])) {
    const std::size_t m = skip(i + 1, "of");
    if (m < raw.size() && !month(raw[m]).empty()) return with_year(m + 1, month(raw[m]), d);
  }
  const std::string_view text = month(raw[i]);
  if (text.empty() || i + 1 >= raw.size()) return {};
  if (const int d = day(raw[i + 1])) return with_year(i + 2, text, d);
  if (year(raw[i + 1])) return {2, Kind::kDate, date_key(raw[i + 1].key, text, 0)};
  return {};
}

// "9 am", "9am", "9:00 a.m.", "09:00" -> "9:00".
Joined time_of_day(const std::vector<RawWord>& raw, std::size_t i) {
  const RawWord& word = raw[i];
  std::string hour = word.kind == Kind::kNumber ? word.key : "";
  std::string minute = "00";
  std::string half = word.unit;
  const std::size_t colon = word.key.find(':');
  bool clock = false;
  if (word.kind == Kind::kCode && colon != std::string::npos && colon >= 1 && colon <= 2) {
    const std::string rest = word.key.substr(colon + 1);
    if (rest.size() == 4 && (rest.ends_with("am") || rest.ends_with("pm"))) half = rest.substr(2);
    clock = rest.size() == 2 || !half.empty();
    hour = word.key.substr(0, colon);
    minute = rest.substr(0, 2);
  }
  const auto digits = [](std::string_view text) {
    return !text.empty() && text.size() <= 2 &&
           text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (!digits(hour) || !digits(minute)) return {};
  std::size_t taken = 1;
  if (half.empty() && i + 1 < raw.size() && !raw[i + 1].mark()) {
    half = raw[i + 1].key;
    taken = 2;
  }
  const bool am = half == "am" || half == "a.m";
  const bool pm = half == "pm" || half == "p.m";
  const int value = std::stoi(hour);
  if ((am || pm) && value >= 1 && value <= 12) {
    return {taken, Kind::kCode, std::to_string(value % 12 + (pm ? 12 : 0)) + ":" + minute};
  }
  if (clock && value < 24) return {1, Kind::kCode, std::to_string(value) + ":" + minute};
  return {};
}

std::string unit_key(std::string_view folded, std::string_view written) {
  const std::string_view known = look_up(kUnits, folded);
  if (!known.empty()) return std::string(known);
  if (index_of(kCasedUnits, folded)) return std::string(written);
  return std::string(folded);
}

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool currency_code(std::string_view key) {
  return key == "usd" || key == "eur" || key == "gbp" || key == "jpy" || key == "inr" ||
         key == "chf" || key == "rub";
}

// Units become the word after their number.
std::vector<Word> with_units(std::vector<RawWord>& raw) {
  std::vector<Word> out;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const bool before = raw[i].kind == Kind::kWord && currency_code(raw[i].key) &&
                        i + 1 < raw.size() && plain_number(raw[i + 1]);
    if (before) {
      raw[i + 1].unit = raw[i].written;
      raw[i + 1].begin = raw[i].begin;
      continue;
    }
    const Word& word = raw[i];
    out.push_back(word);
    if (word.kind != Kind::kNumber) continue;
    Word unit = word;
    unit.kind = Kind::kWord;
    unit.capital = false;
    if (!raw[i].unit.empty()) {
      unit.key = unit_key(ascii_lower(raw[i].unit), raw[i].unit);
      out.push_back(unit);
      // "$5 USD" says it twice.
      if (i + 1 < raw.size() && unit_key(raw[i + 1].key, "") == unit.key && currency_code(unit.key))
        ++i;
      continue;
    }
    if (i + 1 >= raw.size() || raw[i + 1].kind != Kind::kWord) continue;
    if (raw[i + 1].key == "per" && i + 2 < raw.size() && raw[i + 2].key == "cent") {
      unit.key = "percent";
      unit.begin = raw[i + 1].begin;
      unit.end = raw[i + 2].end;
      out.push_back(unit);
      i += 2;
      continue;
    }
    const std::string key = unit_key(raw[i + 1].key, raw[i + 1].written);
    if (key == raw[i + 1].key) continue;
    static_cast<Word&>(raw[i + 1]).key = key;
    raw[i + 1].capital = false;
  }
  return out;
}

}  // namespace

std::vector<Word> merged(std::vector<RawWord> raw) {
  raw = swept(std::move(raw), spelled_number);
  raw = swept(std::move(raw), magnitude);
  raw = swept(std::move(raw), date);
  raw = swept(std::move(raw), time_of_day);
  return with_units(raw);
}

}  // namespace orkestra::words_internal

namespace orkestra {

std::string unit_named(std::string_view word) {
  using words_internal::kUnits;
  const auto known = std::find_if(kUnits.begin(), kUnits.end(), [&](const auto& unit) {
    return unit.first == word || unit.second == word;
  });
  return known == kUnits.end() ? "" : std::string(known->second);
}

}  // namespace orkestra
