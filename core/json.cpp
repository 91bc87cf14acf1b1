#include <orkestra/core/error.h>
#include <orkestra/core/json.h>

namespace orkestra {

Json parse_json(std::string_view text, std::string_view what, const JsonLimits& limits) {
  const std::string name(what);
  if (text.size() > limits.max_bytes) {
    throw Error(ErrorCode::kInvalid, name + ": " + std::to_string(text.size()) +
                                         " bytes of JSON, the limit is " +
                                         std::to_string(limits.max_bytes));
  }
  // The parser would take a NUL for the end of the text.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    throw Error(ErrorCode::kInvalid,
                name + ": not valid JSON: a NUL byte at byte " + std::to_string(nul));
  }
  const auto bounded = [&](int depth, Json::parse_event_t event, Json&) {
    const bool opens =
        event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    if (opens && depth >= limits.max_depth) {
      throw Error(ErrorCode::kInvalid, name + ": JSON nested deeper than " +
                                           std::to_string(limits.max_depth) + " levels");
    }
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), bounded);
  } catch (const nlohmann::json::exception& e) {
    throw Error(ErrorCode::kInvalid, name + ": not valid JSON: " + e.what());
  }
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string dump_json_spaced(const Json& value) {
  std::string out;
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      out += (out.empty() ? "" : ", ") + dump_json(Json(key)) + ": " + dump_json_spaced(member);
    }
    return "{" + out + "}";
  }
  if (value.is_array()) {
    for (const auto& element : value) out += (out.empty() ? "" : ", ") + dump_json_spaced(element);
    return "[" + out + "]";
  }
  return dump_json(value);
}

}  // namespace orkestra
