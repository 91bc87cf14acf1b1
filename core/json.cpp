#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/core/json_builder.h>

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
  JsonBuilder builder(name, limits.max_depth);
  Json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
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
