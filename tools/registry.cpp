#include <orkestra/core/nearest.h>
#include <orkestra/tools/bounded_run.h>
#include <orkestra/tools/tool.h>

#include <algorithm>

namespace orkestra::tools {
namespace {

constexpr std::size_t kMaxNameBytes = 64;

bool valid_name(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  };
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), allowed);
}

std::shared_ptr<const JsonSchema> compile_parameters(const ToolSpec& spec) {
  const Error wrong(ErrorCode::kInvalid, "the parameters of the tool " + spec.name +
                                             " must be a JSON Schema with \"type\": \"object\"");
  if (!spec.parameters.is_object() || spec.parameters.value("type", Json()) != "object")
    throw wrong;
  try {
    return JsonSchema::compile(spec.parameters);
  } catch (const Error& e) {
    throw Error(ErrorCode::kInvalid,
                "the parameters of the tool " + spec.name + ": " + e.message());
  }
}

std::string unknown_tool(const std::string& name, const std::vector<std::string>& names) {
  std::string message = "there is no tool named " + dump_json(name);
  const std::vector<std::string> near = nearest(name, names);
  const std::vector<std::string>& shown = near.empty() ? names : near;
  if (shown.empty()) return message + "; no tools are offered";
  message += near.empty() ? "; the tools are" : "; did you mean";
  for (std::size_t i = 0; i < shown.size(); ++i) message += (i ? ", " : " ") + dump_json(shown[i]);
  return message + (near.empty() ? "" : "?");
}

}  // namespace

void ToolRegistry::add(std::unique_ptr<Tool> tool) {
  const ToolSpec& spec = tool->spec();
  if (!valid_name(spec.name)) {
    throw Error(ErrorCode::kInvalid,
                "the tool name " + dump_json(spec.name) + " must be 1 to 64 of A-Z a-z 0-9 _ . -");
  }
  if (spec.description.empty()) {
    throw Error(ErrorCode::kInvalid, "the tool " + spec.name + " has no description");
  }
  if (find(spec.name)) {
    throw Error(ErrorCode::kConflict,
                "there are two tools named " + spec.name + "; rename one of them");
  }
  auto schema = compile_parameters(spec);
  entries_.push_back({std::move(tool), std::move(schema)});
}

std::vector<ToolSpec> ToolRegistry::specs() const {
  std::vector<ToolSpec> out;
  out.reserve(entries_.size());
  for (const Entry& entry : entries_) out.push_back(entry.tool->spec());
  return out;
}

const ToolSpec* ToolRegistry::find(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.tool->spec().name == name) return &entry.tool->spec();
  }
  return nullptr;
}

ToolResult ToolRegistry::call(const ToolCall& call, const Limits& limits) const {
  const auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& candidate) {
    return candidate.tool->spec().name == call.name;
  });
  if (entry == entries_.end()) {
    std::vector<std::string> names;
    for (const Entry& one : entries_) names.push_back(one.tool->spec().name);
    return ToolResult::failure(ErrorCode::kNotFound, unknown_tool(call.name, names));
  }
  const auto violations = entry->parameters->validate(call.arguments);
  if (!violations.empty()) {
    return ToolResult::failure(ErrorCode::kInvalid,
                               "invalid arguments for " + call.name + ": " + to_text(violations));
  }
  ToolResult result = run_bounded(entry->tool, call, limits, grace_);
  if (result.ok) truncate(result, limits.max_output_bytes);
  return result;
}

}  // namespace orkestra::tools
