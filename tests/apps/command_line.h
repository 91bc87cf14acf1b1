// Runs the built `orkestra` program, as a person at a shell would.
#pragma once

#include <sys/wait.h>
#include <array>
#include <cstdio>
#include <string>

namespace orkestra {

struct CommandResult {
  int status = -1;
  std::string output;  // stdout and stderr
};

inline CommandResult shell_command(const std::string& command) {
  CommandResult result;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> buffer{};
  std::size_t got = 0;
  while ((got = fread(buffer.data(), 1, buffer.size(), pipe)) > 0) {
    result.output.append(buffer.data(), got);
  }
  const int status = pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return result;
}

// `arguments` are shell words; quote what needs it.
inline CommandResult orkestra_command(const std::string& arguments) {
  return shell_command(ORKESTRA_BINARY_DIR "/bin/orkestra " + arguments);
}

}  // namespace orkestra
