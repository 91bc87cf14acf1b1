#include <orkestra/core/text.h>
#include <orkestra/tools/python.h>

#include <utility>

namespace orkestra::tools {
namespace {

constexpr std::size_t kMaxCodeBytes = std::size_t{256} << 10U;
constexpr std::size_t kMaxInputBytes = std::size_t{4} << 20U;
constexpr std::size_t kMaxTailBytes = 1500;  // of stderr, in a failure

// Bytes that are not UTF-8 become U+FFFD: what is shown and hashed is what is stored.
std::string as_text(std::string bytes) {
  if (valid_utf8(bytes)) return bytes;
  return parse_json(dump_json(Json(bytes))).get<std::string>();
}

// The last lines, as many as fit: where a traceback says what is wrong.
std::string tail(const std::string& text) {
  if (text.size() <= kMaxTailBytes) return text;
  const std::size_t begin = text.size() - kMaxTailBytes;
  const std::size_t line = text.find('\n', begin);
  return "...\n" + text.substr(line + 1 < text.size() ? line + 1 : begin);
}

std::string said(const SandboxResult& result) {
  const std::string end = as_text(tail(result.err));
  return end.empty() ? "; it printed nothing to stderr" : ":\n" + end;
}

class PythonTool final : public Tool {
 public:
  explicit PythonTool(PythonOptions options) : options_(std::move(options)) {
    spec_.name = "run_python";
    spec_.description =
        "Run a Python 3 program and get what it prints. Standard library only; no network, no "
        "files. Print the result.";
    spec_.parameters = Json{
        {"type", "object"},
        {"properties",
         {{"code", {{"type", "string"}, {"description", "The program. It prints its result."}}},
          {"stdin", {{"type", "string"}, {"description", "What it can read from stdin."}}}}},
        {"required", Json::array({"code"})},
        {"additionalProperties", false}};
  }

  const ToolSpec& spec() const override { return spec_; }

  ToolResult run(const ToolCall& call, const Limits& limits) override {
    SandboxedProgram program{.argv = {options_.interpreter.string(), "-I", "-S", "-B", "main.py"},
                             .input = call.arguments.value("stdin", ""),
                             .files = {{"main.py", call.arguments.at("code").get<std::string>()}}};
    if (program.files[0].bytes.size() > kMaxCodeBytes || program.input.size() > kMaxInputBytes) {
      return ToolResult::failure(
          ErrorCode::kInvalid,
          "the program or its stdin is too long: " + std::to_string(kMaxCodeBytes) +
              " bytes of code and " + std::to_string(kMaxInputBytes) + " of stdin are allowed");
    }
    SandboxResult result = run_sandboxed(program, options_.policy, limits);
    if (result.killed_by_deadline) {
      return ToolResult::failure(
          ErrorCode::kDeadline,
          "the program did not end within its time and was stopped" + said(result));
    }
    if (result.killed_for_memory) {
      return ToolResult::failure(ErrorCode::kExhausted,
                                 "the program needed more than " +
                                     std::to_string(options_.policy.memory_bytes >> 20U) +
                                     " MiB of memory");
    }
    if (result.exit_status != 0) {
      return ToolResult::failure(ErrorCode::kInvalid, "the program failed with exit status " +
                                                          std::to_string(result.exit_status) +
                                                          said(result));
    }
    Json value{{"stdout", as_text(std::move(result.out))}};
    if (!result.err.empty()) value["stderr"] = as_text(std::move(result.err));
    value["exit_status"] = result.exit_status;
    ToolResult answer = ToolResult::success(std::move(value),
                                            {.kind = Origin::Kind::kTool,
                                             .locator = spec_.name,
                                             .detail = Json{{"arguments", call.arguments}}},
                                            {Integrity::kTrusted, Confidentiality::kPrivate});
    answer.truncated = result.truncated;
    return answer;
  }

 private:
  PythonOptions options_;
  ToolSpec spec_;
};

}  // namespace

std::unique_ptr<Tool> make_python_tool(PythonOptions options) {
  return std::make_unique<PythonTool>(std::move(options));
}

}  // namespace orkestra::tools
