// Requirement: what the answer must meet, and the check in code that decides it.
//
// Written on the command line as TEXT: a kind and its value, or free text:
//   "max-words: 50"  "min-words: 5"  "regex: ^The"  "mention: warranty"  "cite"  "schema: FILE"
// Free text has no check in code; it stays undecided (and so unverified) unless a judge decides.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/planner/verify/verifier.h>

#include <string>
#include <string_view>
#include <vector>

namespace orkestra::planner {

struct Requirement {
  enum class Kind { kMaxWords, kMinWords, kRegex, kMention, kCite, kSchema, kFreeText };
  std::string name;         // "mention: warranty"
  std::string description;  // for people and models
  bool mandatory = true;
  Kind kind = Kind::kFreeText;
  Json value = nullptr;  // the number, pattern, text or schema
};

// Throws Error{kInvalid} with the kinds there are.
Requirement parse_requirement(std::string_view text);

struct RequirementResult {
  Requirement requirement;
  enum class Status { kMet, kNotMet, kUndecided } status = Status::kUndecided;
  std::string reason;  // "the answer has 61 words, at most 50 are allowed"
};

RequirementResult check(const Requirement& requirement, std::string_view answer,
                        const std::vector<CheckedClaim>& claims);

Json to_json(const Requirement& requirement);
Requirement requirement_from_json(const Json& json);
Json to_json(const RequirementResult& result);

}  // namespace orkestra::planner
