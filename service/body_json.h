// Reading a request's JSON body: bounded, of the right media type, every member of the right type
// and none unknown. Pure functions; all throw Error{kInvalid} that names the member.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/service/http_message.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::service {

// The body as an object. An empty body is an empty object when `may_be_empty`. Throws
// Error{kInvalid}; a body that is not declared as JSON is refused, since pages of any origin can
// send the other types without asking.
Json body_object(const Request& request, int max_depth, bool may_be_empty = false);

void refuse_unknown(const Json& object, std::initializer_list<std::string_view> known);

// Absent or null = nothing.
std::optional<std::string> text_member(const Json& object, const char* name);
std::optional<bool> bool_member(const Json& object, const char* name);
std::optional<double> number_member(const Json& object, const char* name, double min, double max);
std::optional<std::int64_t> integer_member(const Json& object, const char* name, std::int64_t min,
                                           std::int64_t max);
std::vector<std::string> texts_member(const Json& object, const char* name, std::size_t max_count);

}  // namespace orkestra::service
