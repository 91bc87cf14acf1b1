// Plugins: shared libraries that add tools, each in a process of its own (orkestra_plugin.h). The
// tools of one plugin share its process and own it together; they may be called from any thread,
// one call at a time is in the plugin.
//
// Whatever the process does, a call ends by its deadline in a result or a clean failure, and the
// next call finds a new process where the old one is no longer to be relied on.
#pragma once

#include <orkestra/tools/tool.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace orkestra::plugins {

struct PluginOptions {
  std::filesystem::path host{};  // "" = find_helper_program("orkestra-plugin-host")
  std::chrono::milliseconds handshake_time{5'000};
  std::chrono::milliseconds call_time{30'000};  // when the caller's deadline is later, or none
  std::size_t max_reply_bytes = std::size_t{1} << 20U;
  int max_failures = 20;  // processes lost in a row; then the plugin is not started again
  // All it is given: nothing of our environment is inherited.
  std::vector<std::string> environment{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"};
};

// Starts the plugin and returns its tools. Throws Error: {kNotFound} no such file, {kInvalid} what
// is wrong with it, {kDeadline} it does not answer, {kUnavailable} it ends at once, or there is no
// host program.
std::vector<std::unique_ptr<tools::Tool>> load_plugin(const std::filesystem::path& library,
                                                      const PluginOptions& options = {});

}  // namespace orkestra::plugins
