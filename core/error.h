// Error: the world refused. The one exception type that crosses Orkestra's library boundaries.
//
// Three kinds of failure never mix (docs/ARCHITECTURE.md):
//   our bug                     -> assertion
//   the world (files, network)  -> Error{code, message}
//   the model or a tool erred   -> data in the Run, fed back to the model
// A message names the thing that failed and says what to do about it.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace orkestra {

enum class ErrorCode {
  kInvalid,         // the request or file makes no sense as given
  kNotFound,        // the named thing does not exist
  kCorrupt,         // stored bytes fail their checks
  kUnsupported,     // well formed, but not something this build can do
  kDenied,          // policy or permission forbids it
  kConflict,        // another writer or a newer version won
  kExhausted,       // a limit of size, memory or budget was reached
  kDeadline,        // time ran out
  kCancelled,       // the caller asked to stop
  kUnavailable,     // a needed service or device does not answer
  kOutcomeUnknown,  // an effect was started and nobody knows whether it happened
  kInternal,        // a broken promise inside Orkestra
};

// The row of the one table that maps a code to what each face shows.
struct ErrorCodeInfo {
  std::string_view name;         // "not_found"
  int exit_status;               // of the command line
  int http_status;               // of the service
  std::string_view openai_type;  // "error.type" of OpenAI-compatible replies
};

const ErrorCodeInfo& info(ErrorCode code);

// The code whose name is `name`; kInternal when there is none.
ErrorCode error_code_from_name(std::string_view name);

class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  ErrorCode code_;
  std::string message_;
};

}  // namespace orkestra
