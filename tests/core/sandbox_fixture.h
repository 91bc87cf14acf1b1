// For tests that run programs in the sandbox: Python code as a program, and what of it can be seen
// from this side. A machine that gives no full sandbox fails these tests, unless
// ORKESTRA_TESTS_WITHOUT_SANDBOX is set; then they warn and do nothing.
#pragma once

#include <orkestra/core/error.h>
#include <orkestra/core/sandbox.h>
#include <orkestra/tests/catch.h>

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace orkestra::tests {

inline bool sandbox_here() {
  static const SandboxReport report = probe_sandbox();
  if (report.tier == SandboxTier::kNamespaces) return true;
  std::string why = "no full sandbox on this machine";
  for (const std::string& reason : report.reasons) why += "; " + reason;
  if (std::getenv("ORKESTRA_TESTS_WITHOUT_SANDBOX") == nullptr) FAIL(why);
  WARN(why);
  return false;
}

// A word that stands in the argument list of one program only.
inline std::string new_marker() {
  static std::atomic<int> count{0};
  return "orkestra-marker-" + std::to_string(::getpid()) + "-" + std::to_string(count++);
}

// How many processes of this machine have `marker` in their argument list.
inline int processes_with(const std::string& marker) {
  int found = 0;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string id = entry.path().filename();
    if (id.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream stream(entry.path() / "cmdline", std::ios::binary);
    std::string words(std::size_t{1} << 16U, '\0');  // a process may go while it is read
    stream.read(words.data(), static_cast<std::streamsize>(words.size()));
    words.resize(static_cast<std::size_t>(stream.gcount()));
    // The launcher carries the program's words after its own.
    if (words.find(marker) != std::string::npos && words.find("memory-bytes=") == std::string::npos)
      ++found;
  }
  return found;
}

inline SandboxedProgram python_program(const std::string& code, const std::string& marker = "-") {
  return {.argv = {"/usr/bin/python3", "-I", "-S", "-B", "main.py", marker},
          .files = {{"main.py", code}}};
}

inline SandboxResult python(const std::string& code, const SandboxPolicy& policy = {},
                            const Limits& limits = {}) {
  const std::string marker = new_marker();
  SandboxResult result = run_sandboxed(python_program(code, marker), policy, limits);
  UNSCOPED_INFO("stdout: " << result.out.substr(0, 1000));
  UNSCOPED_INFO("stderr: " << result.err.substr(0, 2000));
  CHECK(processes_with(marker) == 0);  // whatever it was: nothing is left
  return result;
}

// A folder of this machine, for what must stay out of reach.
struct HostFolder {
  std::filesystem::path path;
  HostFolder() : path(std::filesystem::temp_directory_path() / new_marker()) {
    std::filesystem::create_directories(path);
  }
  HostFolder(const HostFolder&) = delete;
  HostFolder& operator=(const HostFolder&) = delete;
  ~HostFolder() { std::filesystem::remove_all(path); }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name, std::ios::binary) << text;
    return path / name;
  }
  std::string read(const std::string& name) const {
    std::ifstream stream(path / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
};

}  // namespace orkestra::tests
