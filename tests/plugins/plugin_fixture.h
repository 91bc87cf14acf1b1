// For tests of plugins: loads one of the build and calls its tools.
#pragma once

#include <orkestra/core/error.h>
#include <orkestra/plugins/plugin.h>
#include <orkestra/tests/catch.h>

#include <string>

namespace orkestra::tests {

inline std::filesystem::path plugin_file(const std::string& name) {
  return std::filesystem::path(ORKESTRA_BINARY_DIR) / "plugins" / (name + ".so");
}

class LoadedTools {
 public:
  explicit LoadedTools(const std::string& name, const plugins::PluginOptions& options = {}) {
    for (auto& tool : plugins::load_plugin(plugin_file(name), options)) {
      registry_.add(std::move(tool));
    }
  }
  ToolResult call(const std::string& tool, const Json& arguments, const Limits& limits = {}) {
    return registry_.call({"call-1", tool, arguments}, limits);
  }
  // Of the misbehaving plugin.
  ToolResult act(const std::string& what, const Limits& limits = {}) {
    return call("act", {{"do", what}}, limits);
  }
  const tools::ToolRegistry& registry() const { return registry_; }

 private:
  tools::ToolRegistry registry_{std::chrono::seconds(5)};
};

inline Error load_error(const std::filesystem::path& file, plugins::PluginOptions options = {}) {
  try {
    plugins::load_plugin(file, options);
  } catch (const Error& e) {
    return e;
  }
  FAIL(file.string() << " was loaded");
  return {ErrorCode::kInternal, ""};
}

}  // namespace orkestra::tests
