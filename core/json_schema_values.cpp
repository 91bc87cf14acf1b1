#include <orkestra/core/json_schema_node.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace orkestra {
namespace {

std::string canonical_number(double value) {
  // Whole and within int64: the same text as the integer.
  if (value == std::floor(value) && value >= -0x1p63 && value < 0x1p63) {
    return std::to_string(static_cast<std::int64_t>(value));
  }
  std::array<char, 40> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.17g", value);
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace

std::string canonical_text(const Json& value) {
  switch (value.type()) {
    case Json::value_t::number_float:
      return canonical_number(value.get<double>());
    case Json::value_t::array: {
      std::string out = "[";
      for (const Json& element : value) out += canonical_text(element) + ",";
      return out + "]";
    }
    case Json::value_t::object: {
      std::vector<std::string> members;
      for (const auto& [key, member] : value.items()) {
        members.push_back(dump_json(Json(key)) + ":" + canonical_text(member) + ",");
      }
      std::sort(members.begin(), members.end());
      std::string out = "{";
      for (const std::string& member : members) out += member;
      return out + "}";
    }
    default:
      return dump_json(value);
  }
}

std::string describe_value(const Json& value) {
  constexpr std::size_t kShown = 60;
  switch (value.type()) {
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "an array";
    case Json::value_t::string: {
      std::string text = value.get_ref<const std::string&>();
      if (text.size() > kShown) {
        std::size_t end = kShown;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
        text = text.substr(0, end) + "...";
      }
      return "the string " + dump_json(text);
    }
    case Json::value_t::null:
    case Json::value_t::boolean:
      return dump_json(value);
    default:
      return "the number " + dump_json(value);
  }
}

std::string pointer_token(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::string to_text(const std::vector<SchemaViolation>& violations) {
  std::string out;
  for (const SchemaViolation& violation : violations) {
    if (!out.empty()) out += "\n";
    out += violation.message;
  }
  return out;
}

}  // namespace orkestra
