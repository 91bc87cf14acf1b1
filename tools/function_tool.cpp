#include <orkestra/core/error.h>
#include <orkestra/tools/function_tool.h>

namespace orkestra::tools::function_tool_detail {
namespace {

class FunctionTool final : public Tool {
 public:
  FunctionTool(ToolSpec spec, Body body) : spec_(std::move(spec)), body_(std::move(body)) {}
  const ToolSpec& spec() const override { return spec_; }
  ToolResult run(const ToolCall& call, const Limits& limits) override {
    return body_(call, limits);
  }

 private:
  ToolSpec spec_;
  Body body_;
};

}  // namespace

std::unique_ptr<Tool> make(const FunctionToolOptions& options,
                           const std::vector<Parameter>& parameters,
                           const std::vector<Json>& schemas, const std::vector<bool>& required,
                           Body body) {
  ToolSpec spec{.name = options.name,
                .description = options.description,
                .traits = options.traits,
                .answer_form = options.answer_form};
  Json properties = Json::object();
  Json needed = Json::array();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& parameter = parameters[i];
    if (parameter.name.empty() || properties.contains(parameter.name)) {
      throw Error(ErrorCode::kInvalid, "the tool " + options.name + ": argument " +
                                           std::to_string(i + 1) + " needs a name of its own");
    }
    Json schema = schemas[i];
    if (!parameter.description.empty()) schema["description"] = parameter.description;
    if (parameter.copied) schema["x-copy"] = true;
    properties[parameter.name] = std::move(schema);
    if (required[i]) needed.push_back(parameter.name);
  }
  spec.parameters = {{"type", "object"},
                     {"properties", std::move(properties)},
                     {"required", std::move(needed)},
                     {"additionalProperties", false}};
  return std::make_unique<FunctionTool>(std::move(spec), std::move(body));
}

}  // namespace orkestra::tools::function_tool_detail
