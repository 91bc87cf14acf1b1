// The text of a saved-queries file, taken apart but not yet held against a database. Bounded: a
// file of at most 1 MiB, 256 queries, 16 parameters each.
#pragma once

#include <orkestra/core/error.h>

#include <string>
#include <string_view>
#include <vector>

namespace orkestra::tools {

struct SavedQueryParam {
  std::string name;
  std::string type;        // "string", "number", "integer", "boolean"
  bool copied = false;     // copied from the request
  std::string domain_sql;  // after "one of:"; "" = any value
  int line = 0;
};

struct SavedQuery {
  std::string name;
  std::string description;
  std::vector<SavedQueryParam> params;
  std::string answer;
  std::string sql;  // without its closing semicolon
  int name_line = 0;
  int answer_line = 0;
  int sql_line = 0;
};

// `file` is the name used in messages. Throws Error{kInvalid} "file:line: what is wrong".
std::vector<SavedQuery> parse_saved_queries(std::string_view text, std::string_view file);

// The names in {braces} of an answer form, in order. Throws Error{kInvalid} on a brace without its
// partner or an empty name.
std::vector<std::string> answer_holes(std::string_view answer);

Error error_at(std::string_view file, int line, const std::string& what);

}  // namespace orkestra::tools
