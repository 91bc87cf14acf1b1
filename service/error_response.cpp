#include <orkestra/service/error_response.h>

namespace orkestra::service {
namespace {

struct Refusal {
  int status;
  const char* type;
  const char* code;
};

constexpr Refusal kRefusals[] = {
    {400, "invalid_request_error", "invalid"},
    {401, "authentication_error", "unauthenticated"},
    {403, "permission_error", "denied"},
    {404, "not_found_error", "not_found"},
    {405, "invalid_request_error", "method_not_allowed"},
    {408, "timeout_error", "deadline"},
    {413, "invalid_request_error", "body_too_large"},
    {414, "invalid_request_error", "target_too_long"},
    {415, "invalid_request_error", "unsupported_media_type"},
    {417, "invalid_request_error", "expectation_failed"},
    {429, "insufficient_quota", "exhausted"},
    {431, "invalid_request_error", "head_too_large"},
    {501, "invalid_request_error", "unsupported"},
    {503, "service_unavailable_error", "unavailable"},
    {504, "timeout_error", "deadline"},
    {505, "invalid_request_error", "unsupported"},
};

Json shape(const std::string& message, std::string_view type, std::string_view code) {
  return {{"error", {{"message", message}, {"type", type}, {"code", code}}}};
}

}  // namespace

Json error_json(const Error& error) {
  const ErrorCodeInfo& row = info(error.code());
  return shape(error.message(), row.openai_type, row.name);
}

Response error_response(const Error& error) {
  return json_response(info(error.code()).http_status, error_json(error));
}

Response refusal(int status, const std::string& message) {
  for (const Refusal& row : kRefusals) {
    if (row.status == status) return json_response(status, shape(message, row.type, row.code));
  }
  return json_response(status, shape(message, "server_error", "internal"));
}

Response json_response(int status, const Json& body) {
  return {.status = status, .content_type = "application/json", .body = dump_json(body) + "\n"};
}

}  // namespace orkestra::service
