#include <orkestra/agent/tool_box.h>
#include <orkestra/apps/agent_flags.h>
#include <orkestra/apps/tool_commands.h>
#include <orkestra/tools/tool.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace orkestra::apps {
namespace {

constexpr std::chrono::seconds kCallTime{60};
constexpr std::size_t kShownDomain = 8;

struct ToolFlags {
  agent::AgentOptions options;
  std::string name;
  std::string arguments = "{}";
  bool json = false;
};

// What a run with the same flags would be offered.
tools::ToolRegistry registry_of(const ToolFlags& flags) {
  const agent::AgentOptions& options = flags.options;
  tools::ToolRegistry registry;
  agent::ToolBox box =
      agent::open_tools(options, options.store.empty() ? agent::default_store() : options.store);
  for (auto& tool : box.tools) registry.add(std::move(tool));
  return registry;
}

// "customer: string (24 values: \"Byl Jubraix\", ...)".
std::string describe_parameter(const std::string& name, const Json& schema) {
  std::string out = name + ": " + schema.value("type", "any");
  if (!schema.contains("x-domain")) return out;
  const Json& values = schema["x-domain"];
  out += " (" + std::to_string(values.size()) + " values: ";
  for (std::size_t i = 0; i < values.size() && i < kShownDomain; ++i) {
    out += (i ? ", " : "") + dump_json(values[i]);
  }
  return out + (values.size() > kShownDomain ? ", ...)" : ")");
}

void list(const ToolFlags& flags) {
  Json specs = Json::array();
  for (const ToolSpec& spec : registry_of(flags).specs()) {
    specs.push_back(to_json(spec));
    if (flags.json) continue;
    std::cout << spec.name << "  " << spec.description << "\n";
    for (const auto& [name, schema] : spec.parameters.at("properties").items()) {
      std::cout << "    " << describe_parameter(name, schema) << "\n";
    }
  }
  if (flags.json) std::cout << specs.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

void call(const ToolFlags& flags) {
  const Json arguments = parse_json(flags.arguments, "the arguments");
  const tools::ToolRegistry registry = registry_of(flags);
  const ToolResult result = registry.call({.id = "cli", .name = flags.name, .arguments = arguments},
                                          Limits::within(kCallTime));
  std::cout << to_json(result).dump(flags.json ? -1 : 2, ' ', false, Json::error_handler_t::replace)
            << std::endl;
  // A tool's failure is a failed command whatever its kind, never a wrong usage.
  if (!result.ok) throw Error(ErrorCode::kUnavailable, result.message);
}

}  // namespace

void add_tool_commands(CLI::App& app) {
  auto flags = std::make_shared<ToolFlags>();
  CLI::App* tool = app.add_subcommand("tool", "List tools and call one by hand");
  tool->require_subcommand(1);

  CLI::App* listing = tool->add_subcommand("list", "The tools a run would be offered");
  add_source_flags(*listing, flags->options);
  listing->add_flag("--json", flags->json, "Print the specs as JSON");
  listing->callback([flags] { list(*flags); });

  CLI::App* calling = tool->add_subcommand("call", "Call one tool and print its result as JSON");
  calling->add_option("NAME", flags->name, "The tool's name")->required();
  calling->add_option("JSON", flags->arguments, "Its arguments as a JSON object");
  add_source_flags(*calling, flags->options);
  calling->add_flag("--json", flags->json, "Print the result on one line");
  calling->callback([flags] { call(*flags); });
}

}  // namespace orkestra::apps
