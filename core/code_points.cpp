#include <orkestra/core/code_points.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <utility>

namespace orkestra {
namespace {

// Long names of the categories (Unicode's PropertyValueAliases), with their short ones.
constexpr auto kCategories =
    std::to_array<std::pair<std::string_view, std::string_view>>({{"Letter", "L"},
                                                                  {"Cased_Letter", "LC"},
                                                                  {"Uppercase_Letter", "Lu"},
                                                                  {"Lowercase_Letter", "Ll"},
                                                                  {"Titlecase_Letter", "Lt"},
                                                                  {"Modifier_Letter", "Lm"},
                                                                  {"Other_Letter", "Lo"},
                                                                  {"Mark", "M"},
                                                                  {"Combining_Mark", "M"},
                                                                  {"Nonspacing_Mark", "Mn"},
                                                                  {"Spacing_Mark", "Mc"},
                                                                  {"Enclosing_Mark", "Me"},
                                                                  {"Number", "N"},
                                                                  {"Decimal_Number", "Nd"},
                                                                  {"digit", "Nd"},
                                                                  {"Letter_Number", "Nl"},
                                                                  {"Other_Number", "No"},
                                                                  {"Punctuation", "P"},
                                                                  {"punct", "P"},
                                                                  {"Connector_Punctuation", "Pc"},
                                                                  {"Dash_Punctuation", "Pd"},
                                                                  {"Open_Punctuation", "Ps"},
                                                                  {"Close_Punctuation", "Pe"},
                                                                  {"Initial_Punctuation", "Pi"},
                                                                  {"Final_Punctuation", "Pf"},
                                                                  {"Other_Punctuation", "Po"},
                                                                  {"Symbol", "S"},
                                                                  {"Math_Symbol", "Sm"},
                                                                  {"Currency_Symbol", "Sc"},
                                                                  {"Modifier_Symbol", "Sk"},
                                                                  {"Other_Symbol", "So"},
                                                                  {"Separator", "Z"},
                                                                  {"Space_Separator", "Zs"},
                                                                  {"Line_Separator", "Zl"},
                                                                  {"Paragraph_Separator", "Zp"},
                                                                  {"Other", "C"},
                                                                  {"Control", "Cc"},
                                                                  {"cntrl", "Cc"},
                                                                  {"Format", "Cf"},
                                                                  {"Surrogate", "Cs"},
                                                                  {"Private_Use", "Co"},
                                                                  {"Unassigned", "Cn"}});

bool in_category(std::string_view of, std::string_view wanted) {
  if (wanted == "LC") return of == "Lu" || of == "Ll" || of == "Lt";
  return of.starts_with(wanted);
}

}  // namespace

CodePoints::CodePoints(std::vector<CodeRange> ranges) : ranges_(std::move(ranges)) { normalize(); }

void CodePoints::normalize() {
  std::sort(ranges_.begin(), ranges_.end(),
            [](const CodeRange& a, const CodeRange& b) { return a.first < b.first; });
  std::vector<CodeRange> merged;
  for (const CodeRange& range : ranges_) {
    if (!merged.empty() && range.first <= merged.back().last + 1) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  ranges_ = std::move(merged);
}

void CodePoints::add(std::uint32_t first, std::uint32_t last) {
  ranges_.push_back({first, last});
  normalize();
}

void CodePoints::add(const CodePoints& other) {
  ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
  normalize();
}

CodePoints CodePoints::complement() const {
  std::vector<CodeRange> out;
  std::uint32_t next = 0;
  for (const CodeRange& range : ranges_) {
    if (range.first > next) out.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLast) out.push_back({next, kLast});
  return CodePoints(std::move(out));
}

CodePoints CodePoints::intersection(const CodePoints& other) const {
  std::vector<CodeRange> out;
  for (std::size_t i = 0, j = 0; i < ranges_.size() && j < other.ranges_.size();) {
    const CodeRange& a = ranges_[i];
    const CodeRange& b = other.ranges_[j];
    const std::uint32_t first = std::max(a.first, b.first);
    const std::uint32_t last = std::min(a.last, b.last);
    if (first <= last) out.push_back({first, last});
    (a.last < b.last ? i : j) += 1;
  }
  return CodePoints(std::move(out));
}

bool CodePoints::contains(std::uint32_t code_point) const {
  const auto after =
      std::upper_bound(ranges_.begin(), ranges_.end(), code_point,
                       [](std::uint32_t c, const CodeRange& range) { return c < range.first; });
  return after != ranges_.begin() && std::prev(after)->last >= code_point;
}

std::optional<CodePoints> unicode_property(std::string_view name) {
  if (name == "Any") return CodePoints::all();
  if (name == "ASCII") return CodePoints({{0, 0x7F}});
  for (const std::string_view prefix : {"General_Category=", "gc="}) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  }
  std::string_view wanted;
  for (const auto& [long_name, short_name] : kCategories) {
    if (name == long_name || name == short_name) wanted = short_name;
  }
  if (wanted.empty()) return std::nullopt;
  std::vector<CodeRange> ranges;
  for (std::uint32_t c = 0; c <= CodePoints::kLast; ++c) {
    const char* const category = utf8proc_category_string(static_cast<utf8proc_int32_t>(c));
    if (!in_category(category, wanted)) continue;
    if (!ranges.empty() && ranges.back().last + 1 == c) {
      ranges.back().last = c;
    } else {
      ranges.push_back({c, c});
    }
  }
  return CodePoints(std::move(ranges));
}

}  // namespace orkestra
