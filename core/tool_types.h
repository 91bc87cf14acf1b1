// ToolSpec, ToolCall, ToolResult: an action as data. What the model is shown, what it asked for,
// what came of it. A tool's failure is data, not an exception: it is fed back to the model.
#pragma once

#include <orkestra/core/error.h>
#include <orkestra/core/evidence.h>
#include <orkestra/core/json.h>

#include <string>
#include <vector>

namespace orkestra {

// What a tool may do to the world; policy and recovery decide by these.
struct ToolTraits {
  bool reads_private = false;
  bool reads_untrusted = false;
  bool side_effects = false;
  bool reaches_out = false;
  bool safe_to_repeat = true;  // running it twice is the same as once
};

struct ToolSpec {
  std::string name;  // [A-Za-z0-9_.-]{1,64}, unique in a registry
  std::string description;
  // JSON Schema of the arguments, an object schema. Two annotations steer decoding:
  //   "x-copy": true        a string or number that must be copied out of the user's request
  //   "x-domain": [values]  the values that exist; decoding and validation allow no other
  Json parameters = Json::object();
  ToolTraits traits{};
  // How an answer that reads this tool's result is phrased, "" = freely. {name} of an argument is
  // filled in from the call; {name} of a result field is a hole the model fills with a span of
  // the result: "The balance of the customer {customer} is {balance}."
  std::string answer_form{};
};

struct ToolCall {
  std::string id;  // unique within its run; also the idempotency key handed to the tool
  std::string name;
  Json arguments = Json::object();
};

// A piece of a result that is cited by itself: a passage of a document, a page.
struct ResultPart {
  std::string text;         // verbatim at its origin
  std::string description;  // what it is a piece of: title, heading
  Origin origin;
  Label label;
};

struct ToolResult {
  bool ok = false;
  Json value = nullptr;                   // ok: what the tool returned
  std::vector<ResultPart> parts;          // ok: if any, each becomes Evidence of its own
  ErrorCode code = ErrorCode::kInternal;  // !ok
  std::string message;                    // !ok: what went wrong, phrased for the model
  Origin origin;                          // ok: where the value can be found again
  Label label;
  bool truncated = false;  // value was cut at Limits::max_output_bytes

  static ToolResult success(Json value, Origin origin, Label label = {});
  static ToolResult failure(ErrorCode code, std::string message);
};

Json to_json(const ToolTraits& traits);
Json to_json(const ToolSpec& spec);
Json to_json(const ToolCall& call);
Json to_json(const ResultPart& part);
Json to_json(const ToolResult& result);
// Throw Error{kCorrupt} when a member is missing or of the wrong type.
ToolSpec tool_spec_from_json(const Json& json);
ToolCall tool_call_from_json(const Json& json);
ResultPart result_part_from_json(const Json& json);
ToolResult tool_result_from_json(const Json& json);

}  // namespace orkestra
