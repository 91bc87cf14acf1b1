#include <orkestra/tests/catch.h>
#include <orkestra/tools/bounded_run.h>
#include <orkestra/tools/tool.h>

#include <condition_variable>
#include <mutex>
#include <thread>

using namespace orkestra;
using tools::Tool;
using tools::ToolRegistry;

namespace {

const Json kTextParameters =
    Json::parse(R"({"type":"object","properties":{"text":{"type":"string"}},
    "required":["text"],"additionalProperties":false})");

// A tool whose behaviour is a function.
class TestTool final : public Tool {
 public:
  using Run = std::function<ToolResult(const ToolCall&, const Limits&)>;
  TestTool(std::string name, Run run, Json parameters = kTextParameters) : run_(std::move(run)) {
    spec_.name = std::move(name);
    spec_.description = "A tool for tests.";
    spec_.parameters = std::move(parameters);
  }
  ToolSpec& mutable_spec() { return spec_; }
  const ToolSpec& spec() const override { return spec_; }
  ToolResult run(const ToolCall& call, const Limits& limits) override { return run_(call, limits); }

 private:
  ToolSpec spec_;
  Run run_;
};

ToolResult echo(const ToolCall& call, const Limits&) {
  return ToolResult::success(call.arguments.at("text"), {});
}

std::unique_ptr<Tool> tool(const std::string& name, TestTool::Run run = echo) {
  return std::make_unique<TestTool>(name, std::move(run));
}

ToolCall call_of(const std::string& name, Json arguments = Json{{"text", "hi"}}) {
  return {"c1", name, std::move(arguments)};
}

Limits in_ms(int ms) { return Limits::within(std::chrono::milliseconds(ms)); }

// Opens once, for any number of waiters.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

ErrorCode add_code(ToolRegistry& registry, std::unique_ptr<Tool> added) {
  try {
    registry.add(std::move(added));
  } catch (const Error& e) {
    return e.code();
  }
  FAIL("was added");
  return ErrorCode::kInternal;
}

}  // namespace

TEST_CASE("a registry lists its tools in order and finds them by name") {
  ToolRegistry registry;
  registry.add(tool("b"));
  registry.add(tool("a"));
  REQUIRE(registry.specs().size() == 2);
  CHECK(registry.specs()[0].name == "b");
  CHECK(registry.find("a")->name == "a");
  CHECK(registry.find("c") == nullptr);
}

TEST_CASE("a spec that can't be used is refused") {
  ToolRegistry registry;
  registry.add(tool("taken"));
  CHECK(add_code(registry, tool("taken")) == ErrorCode::kConflict);
  for (const char* name : {"", "with space", "sl/ash", "caf\xC3\xA9", "quote\""}) {
    CHECK(add_code(registry, tool(name)) == ErrorCode::kInvalid);
  }
  CHECK(add_code(registry, tool(std::string(65, 'x'))) == ErrorCode::kInvalid);
  for (const char* schema :
       {"[]", "{}", "true", R"({"type":"string"})", R"({"type":["object"]})",
        R"({"type":"object","if":5})", R"({"type":"object","properties":[]})"}) {
    INFO(schema);
    CHECK(add_code(registry, std::make_unique<TestTool>("t", echo, Json::parse(schema))) ==
          ErrorCode::kInvalid);
  }
  auto silent = std::make_unique<TestTool>("silent", echo);
  silent->mutable_spec().description = "";
  CHECK(add_code(registry, std::move(silent)) == ErrorCode::kInvalid);
  CHECK(registry.specs().size() == 1);
}

TEST_CASE("a call runs the tool with its arguments") {
  ToolRegistry registry;
  registry.add(tool("echo"));
  const ToolResult result = registry.call(call_of("echo", {{"text", "hello"}}), {});
  REQUIRE(result.ok);
  CHECK(result.value == "hello");
  CHECK_FALSE(result.truncated);
}

TEST_CASE("an unknown tool is a failure that names the nearest ones") {
  ToolRegistry registry;
  CHECK(registry.call(call_of("x"), {}).message ==
        "there is no tool named \"x\"; no tools are offered");
  registry.add(tool("get_balance"));
  registry.add(tool("get_price"));
  const ToolResult near = registry.call(call_of("get_balanse"), {});
  CHECK(near.code == ErrorCode::kNotFound);
  CHECK(near.message == "there is no tool named \"get_balanse\"; did you mean \"get_balance\"?");
  CHECK(registry.call(call_of("weather"), {}).message ==
        "there is no tool named \"weather\"; the tools are \"get_balance\", \"get_price\"");
}

TEST_CASE("invalid arguments never reach the tool") {
  ToolRegistry registry;
  bool ran = false;
  registry.add(tool("echo", [&](const ToolCall& c, const Limits& l) {
    ran = true;
    return echo(c, l);
  }));
  for (const char* arguments : {"{}", "[]", "null", R"({"text":1})", R"({"text":"a","more":1})"}) {
    const ToolResult result = registry.call(call_of("echo", Json::parse(arguments)), {});
    CHECK_FALSE(result.ok);
    CHECK(result.code == ErrorCode::kInvalid);
  }
  CHECK(registry.call(call_of("echo", Json::object()), {}).message ==
        "invalid arguments for echo: /text is required but missing");
  CHECK_FALSE(ran);
}

TEST_CASE("an exception of a tool becomes a failed result") {
  ToolRegistry registry;
  registry.add(tool("error", [](const ToolCall&, const Limits&) -> ToolResult {
    throw Error(ErrorCode::kDenied, "not for you");
  }));
  registry.add(tool("standard", [](const ToolCall&, const Limits&) -> ToolResult {
    throw std::runtime_error("broken");
  }));
  registry.add(tool("odd", [](const ToolCall&, const Limits&) -> ToolResult { throw 42; }));
  const ToolResult error = registry.call(call_of("error"), {});
  CHECK(error.code == ErrorCode::kDenied);
  CHECK(error.message == "not for you");
  CHECK(registry.call(call_of("standard"), {}).message == "the tool standard failed: broken");
  CHECK(registry.call(call_of("odd"), {}).code == ErrorCode::kInternal);
}

TEST_CASE("a tool that waits on its stop token is stopped at the deadline") {
  // The grace never runs out: only the stop request can end the call.
  ToolRegistry registry(std::chrono::hours(1));
  registry.add(tool("patient", [](const ToolCall&, const Limits& limits) {
    Gate gate;
    const std::stop_callback on_stop(limits.stop, [&] { gate.open(); });
    gate.wait();
    return ToolResult::failure(ErrorCode::kDeadline, "stopped in time");
  }));
  CHECK(registry.call(call_of("patient"), in_ms(10)).message == "stopped in time");
}

TEST_CASE("what a tool reports as a stop is the deadline when that was its cause") {
  ToolRegistry registry(std::chrono::hours(1));
  registry.add(tool("patient", [](const ToolCall&, const Limits& limits) {
    Gate gate;
    const std::stop_callback on_stop(limits.stop, [&] { gate.open(); });
    gate.wait();
    return ToolResult::failure(ErrorCode::kCancelled, "stopped");
  }));
  CHECK(registry.call(call_of("patient"), in_ms(10)).code == ErrorCode::kDeadline);
}

TEST_CASE("a stop request of the caller reaches the tool") {
  ToolRegistry registry(std::chrono::hours(1));
  std::stop_source stop;
  registry.add(tool("patient", [&](const ToolCall&, const Limits& limits) {
    Gate gate;
    const std::stop_callback on_stop(limits.stop, [&] { gate.open(); });
    stop.request_stop();
    gate.wait();
    return ToolResult::failure(ErrorCode::kCancelled, "stopped on request");
  }));
  Limits limits;
  limits.stop = stop.get_token();
  CHECK(registry.call(call_of("patient"), limits).message == "stopped on request");
  // Now it is not even started.
  const ToolResult late = registry.call(call_of("patient"), limits);
  CHECK(late.code == ErrorCode::kCancelled);
  CHECK(late.message.find("not started") != std::string::npos);
}

TEST_CASE("a tool that hangs is left behind, alive, after the registry is gone") {
  auto gate = std::make_shared<Gate>();
  auto ended = std::make_shared<Gate>();
  std::weak_ptr<int> held;
  {
    auto registry = std::make_unique<ToolRegistry>(std::chrono::milliseconds(5));
    auto resource = std::make_shared<int>(7);
    held = resource;
    registry->add(tool("hang", [=](const ToolCall& call, const Limits&) {
      gate->wait();
      // Still there: the call, and what the tool holds.
      const bool intact = call.arguments.at("text") == "hi" && *resource == 7;
      if (intact) ended->open();
      return ToolResult::success("too late", {});
    }));
    const ToolResult result = registry->call(call_of("hang"), in_ms(5));
    CHECK_FALSE(result.ok);
    CHECK(result.code == ErrorCode::kDeadline);
    CHECK(result.message == "the tool hang did not finish within its time limit");
  }
  CHECK_FALSE(held.expired());
  gate->open();
  ended->wait();
}

TEST_CASE("an overrun of a tool that is not safe to repeat has an unknown outcome") {
  auto gate = std::make_shared<Gate>();
  ToolRegistry registry(std::chrono::milliseconds(1));
  auto send = std::make_unique<TestTool>("send", [gate](const ToolCall&, const Limits&) {
    gate->wait();
    return ToolResult::success("sent", {});
  });
  send->mutable_spec().traits.safe_to_repeat = false;
  registry.add(std::move(send));
  CHECK(registry.call(call_of("send"), in_ms(5)).code == ErrorCode::kOutcomeUnknown);
  // Past its deadline it is not started, so nothing is unknown.
  CHECK(registry.call(call_of("send"), in_ms(-1)).code == ErrorCode::kDeadline);
  gate->open();
}

TEST_CASE("a result is cut at the output limit and marked") {
  const auto cut = [](Json value, std::size_t bytes) {
    ToolResult result = ToolResult::success(std::move(value), {});
    tools::truncate(result, bytes);
    CHECK(dump_json(result.value).size() <= std::max<std::size_t>(bytes, 2));
    return result;
  };
  CHECK_FALSE(cut("abc", 5).truncated);
  CHECK(cut("abc", 4).value == "ab");
  CHECK(cut("abc", 4).truncated);
  CHECK(cut(Json::array({1, 2, 3}), 5).value == Json::array({1, 2}));
  CHECK(cut(Json::array({"long element"}), 5).value == Json::array());
  CHECK(cut(Json{{"a", "bcdef"}}, 9).value.is_string());
  // Never in the middle of a character, never past the limit because of escapes.
  CHECK(cut("\xC3\xA4\xC3\xA4", 5).value == "\xC3\xA4");
  CHECK(cut(std::string(100, '"'), 50).value == std::string(24, '"'));
  CHECK(cut("abc", 0).value == "");

  ToolRegistry registry;
  registry.add(tool("echo"));
  Limits limits;
  limits.max_output_bytes = 10;
  const ToolResult result =
      registry.call(call_of("echo", {{"text", std::string(1000, 'x')}}), limits);
  CHECK(result.ok);
  CHECK(result.truncated);
  CHECK(result.value == std::string(8, 'x'));
}

TEST_CASE("many threads may call at once") {
  ToolRegistry registry;
  registry.add(tool("echo"));
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const std::string text = std::to_string(t) + "/" + std::to_string(i);
        right += registry.call(call_of("echo", {{"text", text}}), {}).value == text ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 400);
}
