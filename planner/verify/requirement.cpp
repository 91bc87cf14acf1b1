#include <orkestra/core/error.h>
#include <orkestra/core/json_schema.h>
#include <orkestra/core/text.h>
#include <orkestra/core/words.h>
#include <orkestra/planner/verify/document_file.h>
#include <orkestra/planner/verify/requirement.h>

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace orkestra::planner {
namespace {

using Kind = Requirement::Kind;
using Status = RequirementResult::Status;

struct KindName {
  Kind kind;
  std::string_view name;
};
constexpr auto kKinds = std::to_array<KindName>({{Kind::kMaxWords, "max-words"},
                                                 {Kind::kMinWords, "min-words"},
                                                 {Kind::kRegex, "regex"},
                                                 {Kind::kMention, "mention"},
                                                 {Kind::kCite, "cite"},
                                                 {Kind::kSchema, "schema"},
                                                 {Kind::kFreeText, "text"}});
constexpr std::string_view kUsage =
    "a requirement is \"max-words: N\", \"min-words: N\", \"regex: PATTERN\", \"mention: WORDS\", "
    "\"cite\", \"schema: FILE\" or free text";

std::string_view trimmed(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw Error(ErrorCode::kInvalid,
              "requirement \"" + std::string(text) + "\": " + why + "; " + std::string(kUsage));
}

std::unique_ptr<RE2> compiled(const std::string& pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(std::int64_t{4} << 20U);
  return std::make_unique<RE2>(pattern, options);
}

std::size_t count_words(std::string_view answer) {
  // Words as a reader counts them: what stands between spaces. Citations don't count.
  std::size_t count = 0;
  bool inside = false;
  for (std::size_t i = 0; i < answer.size();) {
    const CodePoint c = code_point_at(answer, i);
    if (c.value == '[') {
      const std::size_t close = answer.find(']', i);
      const bool citation = close != std::string_view::npos && close > i + 1 &&
                            answer.substr(i + 1, close - i - 1).find_first_not_of("0123456789, ") ==
                                std::string_view::npos;
      if (citation) {
        i = close + 1;
        continue;
      }
    }
    const bool space = is_space(c.value);
    count += !space && !inside && (is_letter(c.value) || (c.value >= '0' && c.value <= '9'));
    inside = !space && (inside || is_letter(c.value) || (c.value >= '0' && c.value <= '9'));
    i += c.size;
  }
  return count;
}

bool stands_in(const std::string& phrase, std::string_view text) {
  auto keys = [](std::string_view part) {
    std::vector<std::string> out;
    for (const auto& word : words_only(part))
      out.push_back(word.kind == Word::Kind::kWord ? stem(word.key) : word.key);
    return out;
  };
  const auto wanted = keys(phrase);
  const auto there = keys(text);
  return !wanted.empty() &&
         std::search(there.begin(), there.end(), wanted.begin(), wanted.end()) != there.end();
}

bool supported(const CheckedClaim& claim) { return claim.verdict.kind == VerdictKind::kSupported; }

RequirementResult result(const Requirement& requirement, bool met, std::string reason) {
  return {requirement, met ? Status::kMet : Status::kNotMet, std::move(reason)};
}

RequirementResult check_words(const Requirement& requirement, std::string_view answer) {
  const std::size_t count = count_words(answer);
  const auto bound = requirement.value.get<std::size_t>();
  const bool most = requirement.kind == Kind::kMaxWords;
  return result(requirement, most ? count <= bound : count >= bound,
                "the answer has " + std::to_string(count) + (count == 1 ? " word, " : " words, ") +
                    (most ? "at most " : "at least ") + std::to_string(bound) +
                    (most ? " are allowed" : " are required"));
}

RequirementResult check_mention(const Requirement& requirement, std::string_view answer,
                                const std::vector<CheckedClaim>& claims) {
  const auto phrase = requirement.value.get<std::string>();
  for (const auto& claim : claims) {
    if (supported(claim) && stands_in(phrase, claim.claim.text)) {
      return result(requirement, true, "a supported statement mentions \"" + phrase + "\"");
    }
  }
  return result(requirement, false,
                stands_in(phrase, answer)
                    ? "\"" + phrase + "\" is mentioned, but in no supported statement"
                    : "the answer does not mention \"" + phrase + "\"");
}

RequirementResult check_citations(const Requirement& requirement,
                                  const std::vector<CheckedClaim>& claims) {
  if (claims.empty()) return result(requirement, false, "the answer states nothing to cite");
  for (const auto& claim : claims) {
    if (claim.claim.cited.empty())
      return result(requirement, false, "\"" + claim.claim.text + "\" cites nothing");
    if (!supported(claim)) {
      return result(requirement, false,
                    "\"" + claim.claim.text + "\" is not supported by what it cites");
    }
  }
  return result(requirement, true, "every statement is supported by what it cites");
}

// The answer, or its first ``` block, as JSON.
RequirementResult check_schema(const Requirement& requirement, std::string_view answer) {
  std::string_view body = trimmed(answer);
  const std::size_t fence = body.find("```");
  if (fence != std::string_view::npos) {
    const std::size_t line = body.find('\n', fence);
    const std::size_t close = line == std::string_view::npos ? line : body.find("```", line);
    if (close != std::string_view::npos) body = body.substr(line + 1, close - line - 1);
  }
  Json instance;
  try {
    instance = parse_json(body, "the answer");
  } catch (const Error& e) {
    return result(requirement, false, e.message());
  }
  const auto violations = JsonSchema::compile(requirement.value)->validate(instance);
  return result(requirement, violations.empty(),
                violations.empty() ? "the answer meets the schema" : to_text(violations));
}

}  // namespace

Requirement parse_requirement(std::string_view text) {
  const std::string_view whole = trimmed(text);
  if (whole.empty()) refuse(text, "it is empty");
  Requirement requirement;
  requirement.name = whole;
  const std::size_t colon = whole.find(':');
  const std::string_view kind = trimmed(whole.substr(0, colon));
  const std::string value(colon == std::string_view::npos ? std::string_view{}
                                                          : trimmed(whole.substr(colon + 1)));
  const auto known =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const KindName& k) { return k.name == kind; });
  requirement.kind = known == kKinds.end() || (colon == std::string_view::npos && kind != "cite")
                         ? Kind::kFreeText
                         : known->kind;
  const auto need_value = [&] {
    if (value.empty()) refuse(text, "a value is missing after the colon");
  };
  switch (requirement.kind) {
    case Kind::kMaxWords:
    case Kind::kMinWords: {
      std::size_t number = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (error != std::errc() || end != value.data() + value.size())
        refuse(text, "\"" + value + "\" is not a whole number");
      requirement.value = number;
      const bool most = requirement.kind == Kind::kMaxWords;
      requirement.description =
          "Use " + std::string(most ? "at most " : "at least ") + value + " words.";
      break;
    }
    case Kind::kRegex: {
      need_value();
      const auto pattern = compiled(value);
      if (!pattern->ok()) refuse(text, "not a regular expression: " + pattern->error());
      requirement.value = value;
      requirement.description = "Match the regular expression " + value + ".";
      break;
    }
    case Kind::kMention:
      need_value();
      requirement.value = value;
      requirement.description = "Mention \"" + value + "\".";
      break;
    case Kind::kCite:
      if (!value.empty()) refuse(text, "\"cite\" takes no value");
      requirement.description = "Cite a source for every statement.";
      break;
    case Kind::kSchema:
      need_value();
      requirement.value = parse_json(read_document(value), value);
      JsonSchema::compile(requirement.value);
      requirement.description = "Be JSON that meets the schema " + value + ".";
      break;
    case Kind::kFreeText:
      requirement.value = std::string(whole);
      requirement.description = whole;
      break;
  }
  return requirement;
}

RequirementResult check(const Requirement& requirement, std::string_view answer,
                        const std::vector<CheckedClaim>& claims) {
  switch (requirement.kind) {
    case Kind::kMaxWords:
    case Kind::kMinWords:
      return check_words(requirement, answer);
    case Kind::kRegex: {
      const auto pattern = compiled(requirement.value.get<std::string>());
      const bool met = pattern->ok() &&
                       RE2::PartialMatch(re2::StringPiece(answer.data(), answer.size()), *pattern);
      return result(requirement, met,
                    met ? "the answer matches" : "the answer does not match " + pattern->pattern());
    }
    case Kind::kMention:
      return check_mention(requirement, answer, claims);
    case Kind::kCite:
      return check_citations(requirement, claims);
    case Kind::kSchema:
      return check_schema(requirement, answer);
    case Kind::kFreeText:
      break;
  }
  return {requirement, Status::kUndecided, "no check in code decides this"};
}

Json to_json(const Requirement& requirement) {
  std::string_view kind = "text";
  for (const auto& known : kKinds) {
    if (known.kind == requirement.kind) kind = known.name;
  }
  return {{"name", requirement.name},
          {"description", requirement.description},
          {"mandatory", requirement.mandatory},
          {"kind", kind},
          {"value", requirement.value}};
}

Requirement requirement_from_json(const Json& json) {
  return reading_json("requirement", [&] {
    Requirement requirement;
    requirement.name = json.at("name").get<std::string>();
    requirement.description = json.at("description").get<std::string>();
    requirement.mandatory = json.at("mandatory").get<bool>();
    requirement.value = json.at("value");
    const auto kind = json.at("kind").get<std::string>();
    for (const auto& known : kKinds) {
      if (known.name != kind) continue;
      requirement.kind = known.kind;
      return requirement;
    }
    throw Error(ErrorCode::kCorrupt, "requirement: unknown kind \"" + kind + "\"");
  });
}

Json to_json(const RequirementResult& checked) {
  const char* status = checked.status == Status::kMet      ? "met"
                       : checked.status == Status::kNotMet ? "not_met"
                                                           : "undecided";
  Json json = to_json(checked.requirement);
  json["status"] = status;
  json["reason"] = checked.reason;
  return json;
}

}  // namespace orkestra::planner
