#include <orkestra/core/error.h>
#include <orkestra/model/text/constraint/schema_grammar.h>

#include <algorithm>
#include <array>
#include <utility>

namespace orkestra::model {
namespace {

// Lengths up to this are made part of an automaton that has other rules, too.
constexpr std::size_t kMaxLength = 15'000;

#define DATE                                                                                                          \
  R"re(((\d\d\d\d)-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8])))re" \
  R"re(|(\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29))re"
#define TIME R"re(([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))re"
#define OCTET R"re((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))re"
#define LABEL R"re([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)re"
#define HOST "(" LABEL R"re((\.)re" LABEL "){0,3})"

// What models may write for a format: plain members of it, not every exotic one.
constexpr auto kFormats = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"date", "^" DATE "$"},
    {"time", "^" TIME "$"},
    {"date-time", "^" DATE "T" TIME "$"},
    {"duration",
     R"re(^P(\d{1,4}W|(\d{1,4}Y(\d{1,2}M(\d{1,2}D)?)?|\d{1,2}M(\d{1,2}D)?|\d{1,2}D)(T(\d{1,2}H(\d{1,2}M(\d{1,2}S)?)?|\d{1,2}M(\d{1,2}S)?|\d{1,2}S))?|T(\d{1,2}H(\d{1,2}M(\d{1,2}S)?)?|\d{1,2}M(\d{1,2}S)?|\d{1,2}S))$)re"},
    {"email", R"re(^[a-z0-9]+([._+-][a-z0-9]+){0,4}@)re" HOST "$"},
    {"hostname", "^" HOST "$"},
    {"ipv4", "^" OCTET R"re((\.)re" OCTET "){3}$"},
    {"ipv6",
     R"re(^(([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|([0-9a-f]{1,4}:){1,6}:[0-9a-f]{1,4}|::1|::)$)re"},
    {"uri", R"re(^[a-z][a-z0-9+.-]{0,15}://)re" HOST
            R"re((:\d{1,4})?(/[A-Za-z0-9._~-]*)*(\?[A-Za-z0-9._~=&-]*)?(#[A-Za-z0-9._~-]*)?$)re"},
    {"uuid", R"re(^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$)re"},
    {"json-pointer", R"re(^(/([^/~]|~[01])*)*$)re"},
});

#undef DATE
#undef TIME
#undef OCTET
#undef LABEL
#undef HOST

}  // namespace

std::string_view format_pattern(std::string_view name) {
  for (const auto& [format, pattern] : kFormats) {
    if (format == name) return pattern;
  }
  return "";
}

const CharDfa& SchemaGrammar::pattern(const SchemaBranch::Pattern& pattern) {
  const auto known = patterns_.find(pattern.regex);
  if (known != patterns_.end()) return known->second;
  try {
    return patterns_.emplace(pattern.regex, CharDfa::regex(pattern.regex->pattern())).first->second;
  } catch (const Error& e) {
    undecidable(pattern.path, ": " + e.message());
  }
}

const CharDfa* SchemaGrammar::format(const std::string& name) {
  const std::string_view expression = format_pattern(name);
  if (expression.empty()) return nullptr;  // an annotation
  const auto known = formats_.find(name);
  if (known != formats_.end()) return &known->second;
  return &formats_.emplace(name, CharDfa::regex(std::string(expression))).first->second;
}

CharDfa SchemaGrammar::content(const SchemaBranch& branch) {
  CharDfa all = CharDfa::any();
  if (branch.min_length > branch.max_length) return {};
  try {
    for (const SchemaBranch::Pattern& one : branch.patterns) {
      const CharDfa& dfa = pattern(one);
      all = all.intersection(one.positive ? dfa : dfa.complement());
    }
    if (json_.compact()) {
      for (const std::string& name : branch.formats) {
        if (const CharDfa* dfa = format(name)) all = all.intersection(*dfa);
      }
    }
    std::vector<std::string> excluded;
    for (const Json& one : branch.excluded) {
      if (one.is_string()) excluded.push_back(one.get<std::string>());
    }
    if (!excluded.empty()) all = all.intersection(CharDfa::strings(excluded).complement());
    if (branch.min_length > 0 || branch.max_length != SIZE_MAX) {
      // Models need not write more than this.
      const bool far = branch.max_length != SIZE_MAX && branch.max_length > kMaxLength;
      const std::size_t max = far && json_.compact() ? kMaxLength : branch.max_length;
      all = all.intersection(CharDfa::lengths(branch.min_length, max));
    }
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kExhausted) throw;
    const std::string path = branch.patterns.empty() ? "/maxLength" : branch.patterns.front().path;
    undecidable(path, ": " + e.message());
  }
  return all;
}

NodeId SchemaGrammar::string(const SchemaBranch& branch) {
  const bool texts = std::any_of(branch.excluded.begin(), branch.excluded.end(),
                                 [](const Json& one) { return one.is_string(); });
  const bool formats =
      json_.compact() && std::any_of(branch.formats.begin(), branch.formats.end(),
                                     [](const auto& f) { return !format_pattern(f).empty(); });
  const bool bounded = branch.min_length > 0 || branch.max_length != SIZE_MAX;
  if (branch.copied) {
    if (texts || formats || bounded || !branch.patterns.empty()) {
      undecidable(branch.copied->path + "/x-copy", " beside other rules on a string");
    }
    return copied_string();
  }
  if (!branch.patterns.empty() || texts || formats) return json_.string(content(branch));
  if (!bounded) return json_.string();
  if (branch.min_length > branch.max_length || branch.min_length >= kUnlimited) {
    return grammar_.nothing();
  }
  const auto max = std::min<std::size_t>(branch.max_length, kUnlimited);
  return json_.string(static_cast<std::uint32_t>(branch.min_length),
                      static_cast<std::uint32_t>(max));
}

std::vector<CharDfa> SchemaGrammar::contents(Literals literals) {
  std::sort(literals.begin(), literals.end());
  std::vector<CharDfa> out;
  for (const SchemaBranch& branch : expansion_.expand(literals)) {
    if (branch.values) {
      std::vector<std::string> texts;
      for (const Json& value : *branch.values) {
        if (value.is_string() && fits(value, literals)) texts.push_back(value.get<std::string>());
      }
      out.push_back(CharDfa::strings(texts));
      continue;
    }
    if ((branch.types & kTypeString) == 0) continue;
    for (const auto& [types, path] : branch.undecided) {
      if ((types & kTypeString) != 0) undecidable(path);
    }
    out.push_back(content(branch));
  }
  return out;
}

}  // namespace orkestra::model
