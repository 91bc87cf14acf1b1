// Evidence: a quote, where it came from, and how far it may be trusted and shown.
// Plain values; a quote's hash is taken when the evidence is made and never changes.
#pragma once

#include <orkestra/core/json.h>

#include <string>
#include <vector>

namespace orkestra {

enum class Integrity { kTrusted, kUntrusted };
enum class Confidentiality { kPublic, kPrivate };

// Joins on combination: untrusted and private win.
struct Label {
  Integrity integrity = Integrity::kTrusted;
  Confidentiality confidentiality = Confidentiality::kPrivate;
  friend bool operator==(const Label&, const Label&) = default;
};
Label join(const Label& a, const Label& b);

// Where a quote can be found again.
struct Origin {
  enum class Kind { kDocument, kUrl, kSql, kTool, kUser };
  Kind kind = Kind::kTool;
  std::string locator;  // document path, URL, database path, tool name, or "task"
  // kSql: {"sql": text, "params": {name: value}}; kTool: {"arguments": {...}};
  // kDocument: {"begin": byte offset, "end": byte offset}.
  Json detail = Json::object();
};

struct Evidence {
  std::string id;           // "1": cited in an answer as [1]
  std::string quote;        // the exact text the model was shown
  Json value = nullptr;     // the same as data, when the origin returned data
  std::string description;  // what the origin says it is ("Get the balance of a customer.")
  Origin origin;
  std::string hash;  // sha256_hex(quote)
  Label label;

  bool is_text() const { return value.is_string() && value == quote; }  // else data
};

Json to_json(const Label& label);
Json to_json(const Origin& origin);
Json to_json(const Evidence& evidence);
// Throw Error{kCorrupt} when a member is missing or of the wrong type.
Label label_from_json(const Json& json);
Origin origin_from_json(const Json& json);
Evidence evidence_from_json(const Json& json);

}  // namespace orkestra
