#include <orkestra/core/error.h>
#include <orkestra/service/body_json.h>

#include <algorithm>
#include <utility>

namespace orkestra::service {
namespace {

Error invalid(const std::string& what) { return {ErrorCode::kInvalid, what}; }

const Json* find(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member == object.end() || member->is_null() ? nullptr : &*member;
}

bool is_json(std::string_view type) {
  constexpr std::string_view kJson = "application/json";
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return std::equal(type.begin(), type.end(), kJson.begin(), kJson.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

}  // namespace

Json body_object(const Request& request, int max_depth, bool may_be_empty) {
  if (request.body.empty() && may_be_empty) return Json::object();
  const std::string* type = find_header(request.headers, "content-type");
  if (type == nullptr || !is_json(*type)) {
    throw invalid("the body must be JSON: send it with \"Content-Type: application/json\"");
  }
  Json body = parse_json(request.body, "the body",
                         {.max_bytes = request.body.size(), .max_depth = max_depth});
  if (!body.is_object()) throw invalid("the body must be a JSON object");
  return body;
}

void refuse_unknown(const Json& object, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string names;
    for (const std::string_view each : known)
      names += (names.empty() ? "" : ", ") + std::string(each);
    throw invalid("unknown member \"" + name + "\"; there are: " + names);
  }
}

std::optional<std::string> text_member(const Json& object, const char* name) {
  const Json* member = find(object, name);
  if (member == nullptr) return std::nullopt;
  if (!member->is_string()) throw invalid(std::string(name) + " must be a string");
  return member->get<std::string>();
}

std::optional<bool> bool_member(const Json& object, const char* name) {
  const Json* member = find(object, name);
  if (member == nullptr) return std::nullopt;
  if (!member->is_boolean()) throw invalid(std::string(name) + " must be true or false");
  return member->get<bool>();
}

std::optional<double> number_member(const Json& object, const char* name, double min, double max) {
  const Json* member = find(object, name);
  if (member == nullptr) return std::nullopt;
  const double value = member->is_number() ? member->get<double>() : max + 1;
  if (!(value >= min && value <= max)) {
    throw invalid(std::string(name) + " must be a number from " + dump_json(min) + " to " +
                  dump_json(max));
  }
  return value;
}

std::optional<std::int64_t> integer_member(const Json& object, const char* name, std::int64_t min,
                                           std::int64_t max) {
  const Json* member = find(object, name);
  if (member == nullptr) return std::nullopt;
  const bool in_range = member->is_number_unsigned()
                            ? std::cmp_greater_equal(member->get<std::uint64_t>(), min) &&
                                  std::cmp_less_equal(member->get<std::uint64_t>(), max)
                            : member->is_number_integer() && member->get<std::int64_t>() >= min &&
                                  member->get<std::int64_t>() <= max;
  if (!in_range) {
    throw invalid(std::string(name) + " must be a whole number from " + std::to_string(min) +
                  " to " + std::to_string(max));
  }
  return member->get<std::int64_t>();
}

std::vector<std::string> texts_member(const Json& object, const char* name, std::size_t max_count) {
  const Json* member = find(object, name);
  if (member == nullptr) return {};
  const bool texts = member->is_array() && std::all_of(member->begin(), member->end(),
                                                       [](const Json& e) { return e.is_string(); });
  if (!texts || member->size() > max_count) {
    throw invalid(std::string(name) + " must be a list of at most " + std::to_string(max_count) +
                  " strings");
  }
  return member->get<std::vector<std::string>>();
}

}  // namespace orkestra::service
