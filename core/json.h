// Json: the one JSON value type; object keys keep the order in which they were written.
// parse_json is the only door for JSON from outside: bounded in size and depth.
#pragma once

#include <orkestra/core/error.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace orkestra {

using Json = nlohmann::ordered_json;

struct JsonLimits {
  std::size_t max_bytes = std::size_t{16} << 20;
  int max_depth = 64;
};

// Parses one JSON document. Throws Error{kInvalid} naming `what`, the place and the cause.
Json parse_json(std::string_view text, std::string_view what = "JSON",
                const JsonLimits& limits = {});

// Compact text; invalid UTF-8 becomes U+FFFD, so this never throws.
std::string dump_json(const Json& value);

// As dump_json, with ", " and ": " between parts: the form in which results are shown to models.
std::string dump_json_spaced(const Json& value);

// Runs `read`, which takes stored JSON apart; a missing member or a wrong type becomes
// Error{kCorrupt} naming `what`.
template <typename Read>
auto reading_json(std::string_view what, Read read) {
  try {
    return read();
  } catch (const nlohmann::json::exception& e) {
    throw Error(ErrorCode::kCorrupt, std::string(what) + ": " + e.what());
  }
}

}  // namespace orkestra
