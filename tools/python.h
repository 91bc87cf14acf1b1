// The tool "run_python": lets a model compute by writing Python. The program runs in the sandbox
// (core/sandbox.h) with the standard library and nothing else: no network, no files of this
// machine, no packages. So it computes only from what it was given.
#pragma once

#include <orkestra/core/sandbox.h>
#include <orkestra/tools/tool.h>

#include <filesystem>
#include <memory>

namespace orkestra::tools {

struct PythonOptions {
  SandboxPolicy policy{};
  std::filesystem::path interpreter = "/usr/bin/python3";
};

// {"code", "stdin"?} -> {"stdout", "stderr"?, "exit_status"}. A program that ends badly is a failed
// result with the end of what it said; kUnavailable when the machine gives no sandbox.
std::unique_ptr<Tool> make_python_tool(PythonOptions options = {});

}  // namespace orkestra::tools
