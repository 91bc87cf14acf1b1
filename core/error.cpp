#include <orkestra/core/error.h>

#include <array>
#include <cstddef>

namespace orkestra {
namespace {

constexpr std::array<ErrorCodeInfo, 12> kTable{{
    {"invalid", 2, 400, "invalid_request_error"},
    {"not_found", 1, 404, "not_found_error"},
    {"corrupt", 1, 500, "server_error"},
    {"unsupported", 1, 400, "invalid_request_error"},
    {"denied", 1, 403, "permission_error"},
    {"conflict", 1, 409, "conflict_error"},
    {"exhausted", 5, 429, "insufficient_quota"},
    {"deadline", 5, 504, "timeout_error"},
    {"cancelled", 130, 499, "cancelled_error"},
    {"unavailable", 1, 503, "service_unavailable_error"},
    {"outcome_unknown", 1, 500, "server_error"},
    {"internal", 1, 500, "server_error"},
}};

}  // namespace

const ErrorCodeInfo& info(ErrorCode code) { return kTable.at(static_cast<std::size_t>(code)); }

ErrorCode error_code_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (kTable[i].name == name) return static_cast<ErrorCode>(i);
  }
  return ErrorCode::kInternal;
}

}  // namespace orkestra
