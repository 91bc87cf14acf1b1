// Every failure leaves the service in one shape, that of OpenAI-compatible servers:
//   {"error": {"message": "...", "type": "not_found_error", "code": "not_found"}}
// Errors of the library map to statuses by the one table in core/error.cpp; refusals that only
// HTTP knows (405, 413, ...) have theirs here. Pure functions.
#pragma once

#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/service/http_message.h>

#include <string>

namespace orkestra::service {

Json error_json(const Error& error);
Response error_response(const Error& error);

// `status` 400 to 599.
Response refusal(int status, const std::string& message);

Response json_response(int status, const Json& body);

}  // namespace orkestra::service
