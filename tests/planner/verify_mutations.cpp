#include <orkestra/tests/planner/verify_mutations.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace orkestra::planner::testing {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool word_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

std::size_t find_word(const std::string& text, const std::string& what, std::size_t from = 0) {
  for (std::size_t at = text.find(what, from); at != std::string::npos;
       at = text.find(what, at + 1)) {
    const bool left = at == 0 || !word_char(text[at - 1]);
    const bool right = at + what.size() >= text.size() || !word_char(text[at + what.size()]);
    if (left && right) return at;
  }
  return std::string::npos;
}

using Pair = std::pair<const char*, const char*>;

constexpr auto kQuantifiers = std::to_array<Pair>({{"Every", "No"},
                                                   {"All", "Some"},
                                                   {"Most", "All"},
                                                   {"every", "no"},
                                                   {"At most", "At least"},
                                                   {"more than", "less than"},
                                                   {"less than", "more than"},
                                                   {"up to", "above"},
                                                   {"above", "below"},
                                                   {"over", "under"},
                                                   {"within", "after"},
                                                   {"before", "after"},
                                                   {"first", "last"},
                                                   {"last", "first"},
                                                   {"must", "may"},
                                                   {"may", "must"},
                                                   {"lower", "higher"},
                                                   {"Nobody", "Everybody"},
                                                   {"each", "some"},
                                                   {"per week", "per month"},
                                                   {"per year", "per month"},
                                                   {"per month", "per week"}});

constexpr auto kAntonyms = std::to_array<Pair>(
    {{"rose", "fell"},         {"increased", "decreased"}, {"start", "end"},
     {"begins", "ends"},       {"receives", "loses"},      {"receive", "lose"},
     {"expires", "continues"}, {"approved", "rejected"},   {"allowed", "forbidden"},
     {"forbidden", "allowed"}, {"refused", "granted"},     {"offered", "received"},
     {"covered", "excluded"},  {"paid", "unpaid"},         {"employs", "dismisses"},
     {"replaced", "kept"},     {"booked", "cancelled"},    {"encrypted", "unencrypted"},
     {"inside", "outside"},    {"reported", "concealed"}});

constexpr auto kUnits = std::to_array<Pair>({{"euros", "dollars"},
                                             {"percent", "euros"},
                                             {"hours", "minutes"},
                                             {"minutes", "hours"},
                                             {"days", "weeks"},
                                             {"weeks", "days"},
                                             {"years", "months"},
                                             {"people", "teams"},
                                             {"GB", "MB"},
                                             {"kilometre", "mile"},
                                             {"floors", "rooms"}});

constexpr auto kMonths = std::to_array<const char*>({"January", "March", "June", "October"});

constexpr auto kVerbs = std::to_array<Pair>({{"is", "is not"},
                                             {"are", "are not"},
                                             {"has", "does not have"},
                                             {"may", "may not"},
                                             {"must", "must not"},
                                             {"took", "never took"},
                                             {"receives", "never receives"},
                                             {"receive", "never receive"},
                                             {"rose", "never rose"},
                                             {"costs", "does not cost"},
                                             {"begins", "never begins"},
                                             {"was", "was not"},
                                             {"need", "do not need"},
                                             {"reviews", "does not review"},
                                             {"reports", "does not report"}});

constexpr auto kDenials = std::to_array<Pair>({{"do not ", ""},
                                               {"is not ", "is "},
                                               {"never ", ""},
                                               {"without ", "with "},
                                               {"Nobody ", "Somebody "}});

void change_figures(const std::string& text, Random& random, std::vector<Mutant>& out) {
  for (const auto& [begin, end] : figures(text)) {
    const std::string figure = text.substr(begin, end - begin);
    std::string changed = figure;
    std::size_t at = pick(random, changed.size());
    while (!digit(changed[at])) at = pick(random, changed.size());
    changed[at] =
        static_cast<char>('0' + (changed[at] - '0' + 1 + static_cast<int>(pick(random, 8))) % 10);
    // "0..." is no way to write the figure.
    if (changed[0] == '0' && figure[0] != '0') changed[0] = figure[0] == '9' ? '8' : '9';
    out.push_back({"digit", replaced(text, begin, end, changed)});
    out.push_back(
        {"magnitude",
         replaced(text, end, end, figure.find('.') == std::string::npos ? "0" : " thousand")});
    const bool signed_already = begin > 0 && text[begin - 1] == '-';
    if (signed_already) {
      out.push_back({"sign", replaced(text, begin - 1, begin, "")});
    } else if (begin == 0 || text[begin - 1] == ' ') {
      out.push_back({"sign", replaced(text, begin, begin, "-")});
    }
    const bool counted = end < text.size() && text[end] == ' ' && end + 1 < text.size() &&
                         std::islower(static_cast<unsigned char>(text[end + 1])) != 0;
    if (!counted)
      out.push_back({"unit", replaced(text, end, end, pick(random, 2) ? " dollars" : "%")});
    static constexpr auto kBounds =
        std::to_array<const char*>({"at least ", "more than ", "about ", "less than "});
    out.push_back(
        {"quantifier", replaced(text, begin, begin, kBounds[pick(random, kBounds.size())])});
  }
}

template <std::size_t N>
void change_words(const std::array<Pair, N>& table, const std::string& kind,
                  const std::string& text, std::vector<Mutant>& out) {
  for (const auto& [from, to] : table) {
    if (const auto changed = with_word(text, from, to)) out.push_back({kind, *changed});
  }
}

void change_dates(const std::string& text, Random& random, std::vector<Mutant>& out) {
  for (const auto* month : kMonths) {
    const char* other = kMonths[pick(random, kMonths.size())];
    if (std::string(other) == month) continue;
    if (const auto changed = with_word(text, month, other)) out.push_back({"date", *changed});
  }
  for (std::size_t i = 0; i + 10 <= text.size(); ++i) {
    const bool iso =
        digit(text[i]) && text[i + 4] == '-' && text[i + 7] == '-' && digit(text[i + 9]);
    if (!iso) continue;
    std::string changed = text;
    changed[i + 9] = text[i + 9] == '9' ? '8' : static_cast<char>(text[i + 9] + 1);
    out.push_back({"date", changed});
    changed = text;
    changed[i + 3] = text[i + 3] == '9' ? '8' : static_cast<char>(text[i + 3] + 1);
    out.push_back({"date", changed});
  }
}

void change_names(const std::string& text, const std::vector<std::string>& names, Random& random,
                  std::vector<Mutant>& out) {
  std::vector<std::string> here;
  for (const auto& name : names) {
    if (find_word(text, name) != std::string::npos) here.push_back(name);
  }
  for (const auto& name : here) {
    const std::string& other = names[pick(random, names.size())];
    if (std::find(here.begin(), here.end(), other) != here.end()) continue;
    out.push_back({"name", *with_word(text, name, other)});
  }
  if (here.size() < 2 || here[0].find(here[1]) != std::string::npos ||
      here[1].find(here[0]) != std::string::npos) {
    return;
  }
  const auto parked = with_word(text, here[0], "\x01");
  const auto swapped = with_word(*parked, here[1], here[0]);
  std::string both = *swapped;
  both.replace(both.find('\x01'), 1, here[1]);
  // "A and B" says the same either way round.
  const bool list = text.find(here[0] + " and " + here[1]) != std::string::npos ||
                    text.find(here[1] + " and " + here[0]) != std::string::npos;
  if (!list) out.push_back({"exchange", both});
}

}  // namespace

std::vector<std::pair<std::size_t, std::size_t>> figures(const std::string& text) {
  std::vector<std::pair<std::size_t, std::size_t>> out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!digit(text[i])) continue;
    const bool inside = i > 0 && (word_char(text[i - 1]) || text[i - 1] == ':' ||
                                  (text[i - 1] == '-' && i > 1 && word_char(text[i - 2])));
    std::size_t end = i;
    while (end < text.size() &&
           (digit(text[end]) || ((text[end] == '.' || text[end] == ',') && end + 1 < text.size() &&
                                 digit(text[end + 1]))))
      ++end;
    const char next = end < text.size() ? text[end] : ' ';
    if (!inside && !word_char(next) && next != '-' && next != ':') out.emplace_back(i, end);
    i = end;
    while (i < text.size() && (word_char(text[i]) || text[i] == '-' || text[i] == ':')) ++i;
  }
  return out;
}

std::string replaced(std::string text, std::size_t begin, std::size_t end, const std::string& by) {
  return text.replace(begin, end - begin, by);
}

std::optional<std::string> with_word(const std::string& text, const std::string& what,
                                     const std::string& by) {
  const std::size_t at = find_word(text, what);
  if (at == std::string::npos) return std::nullopt;
  return replaced(text, at, at + what.size(), by);
}

std::vector<Mutant> mutants_of(const std::string& text, const std::vector<std::string>& names,
                               Random& random) {
  std::vector<Mutant> out;
  change_figures(text, random, out);
  change_words(kUnits, "unit", text, out);
  change_words(kQuantifiers, "quantifier", text, out);
  change_words(kAntonyms, "antonym", text, out);
  change_words(kVerbs, "negation added", text, out);
  for (const auto& [from, to] : kDenials) {
    const std::size_t at = text.find(from);
    if (at == std::string::npos) continue;
    out.push_back({"negation removed", replaced(text, at, at + std::string(from).size(), to)});
  }
  change_dates(text, random, out);
  change_names(text, names, random, out);
  return out;
}

}  // namespace orkestra::planner::testing
