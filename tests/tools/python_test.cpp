#include <orkestra/tests/catch.h>
#include <orkestra/tests/core/sandbox_fixture.h>
#include <orkestra/tools/python.h>

using namespace orkestra;
using namespace std::chrono_literals;

namespace {

ToolResult run(const Json& arguments, tools::PythonOptions options = {}) {
  tools::ToolRegistry registry;
  registry.add(tools::make_python_tool(std::move(options)));
  return registry.call({"c", "run_python", arguments}, Limits::within(20s));
}

bool mentions(const ToolResult& result, const std::string& text) {
  return result.message.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a program's output is the result, and its code the origin") {
  if (!tests::sandbox_here()) return;
  const Json arguments = {{"code", "print(sum(range(101)))"}};
  const ToolResult result = run(arguments);
  REQUIRE(result.ok);
  CHECK(result.value == Json::parse(R"({"stdout":"5050\n","exit_status":0})"));
  CHECK(result.origin.kind == Origin::Kind::kTool);
  CHECK(result.origin.locator == "run_python");
  CHECK(result.origin.detail == Json{{"arguments", arguments}});
  CHECK(result.label == Label{Integrity::kTrusted, Confidentiality::kPrivate});
  const auto tool = tools::make_python_tool();
  CHECK(tool->spec().traits.safe_to_repeat);
  CHECK_FALSE(tool->spec().traits.side_effects);
  CHECK_FALSE(tool->spec().traits.reaches_out);
}

TEST_CASE("stdin is given, stderr told only when there is some") {
  if (!tests::sandbox_here()) return;
  const ToolResult result =
      run({{"code", "import sys\nprint(sys.stdin.read().upper())\nprint('e', file=sys.stderr)"},
           {"stdin", "grüße"}});
  CHECK(result.value.at("stdout") == "GRÜSSE\n");
  CHECK(result.value.at("stderr") == "e\n");
}

TEST_CASE("a program that fails tells the model why") {
  if (!tests::sandbox_here()) return;
  const ToolResult raised = run({{"code", "def f(x):\n  return 1 / x\nf(0)\n"}});
  CHECK(raised.code == ErrorCode::kInvalid);
  CHECK(mentions(raised, "exit status 1"));
  CHECK(mentions(raised, "line 2"));
  CHECK(mentions(raised, "ZeroDivisionError: division by zero"));
  CHECK(mentions(run({{"code", "print('a' b)"}}), "SyntaxError"));
  CHECK(mentions(run({{"code", "import sys; sys.exit(3)"}}), "exit status 3; it printed nothing"));
  const ToolResult deep = run({{"code",
                                "import sys\nfor i in range(9999): print(i, file=sys.stderr)\n"
                                "raise ValueError('the end')"}});
  CHECK(mentions(deep, "ValueError: the end"));
  CHECK(deep.message.size() < 2000);
  const ToolResult crash = run({{"code", "import ctypes; ctypes.string_at(0)"}});
  CHECK(mentions(crash, "exit status 139"));
}

TEST_CASE("bytes that are no text come back as text") {
  if (!tests::sandbox_here()) return;
  const ToolResult result = run({{"code", "import sys; sys.stdout.buffer.write(b'a\\xff\\x00b')"}});
  REQUIRE(result.ok);
  CHECK(result.value.at("stdout") == std::string("a\xEF\xBF\xBD\0b", 6));
  CHECK(parse_json(dump_json(result.value)) == result.value);
}

TEST_CASE("time, memory and output are bounded") {
  if (!tests::sandbox_here()) return;
  tools::PythonOptions options;
  options.policy.wall_time = 200ms;
  const ToolResult late = run({{"code", "print('x', flush=True)\nwhile True: pass"}}, options);
  CHECK(late.code == ErrorCode::kDeadline);
  options = {};
  options.policy.memory_bytes = std::size_t{64} << 20U;
  CHECK(mentions(run({{"code", "'x' * (1 << 30)"}}, options), "MemoryError"));
  options = {};
  options.policy.output_bytes = 10;
  const ToolResult cut = run({{"code", "print('x' * 1000)"}}, options);
  CHECK(cut.ok);
  CHECK(cut.truncated);
  CHECK(cut.value.at("stdout") == "xxxxxxxxxx");
  CHECK(run({{"code", std::string(300 << 10, '#')}}).code == ErrorCode::kInvalid);
}

TEST_CASE("a machine without an interpreter is told so") {
  if (!tests::sandbox_here()) return;
  tools::PythonOptions options;
  options.interpreter = "/usr/bin/no-python";
  const ToolResult result = run({{"code", "print(1)"}}, options);
  CHECK(result.code == ErrorCode::kNotFound);
  CHECK(mentions(result, "/usr/bin/no-python"));
}
