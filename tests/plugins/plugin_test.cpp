// Plugins that do their work: the two examples, and what every plugin is given.
#include <orkestra/tests/plugins/plugin_fixture.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

using namespace orkestra;
using namespace orkestra::tests;
using namespace std::chrono_literals;

namespace {

constexpr int kTellDescriptor = 30;

// A zombie that nobody has reaped yet does not run.
bool running(pid_t process) {
  return ::access(("/proc/" + std::to_string(process) + "/exe").c_str(), F_OK) == 0;
}

bool ends_soon(pid_t process) {
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (running(process) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  return !running(process);
}

}  // namespace

TEST_CASE("the example in C counts words") {
  LoadedTools tools("word_count");
  const auto count = [&](const std::string& text) {
    return dump_json(tools.call("word_count", {{"text", text}}).value);
  };
  CHECK(count("") == R"({"words":0,"lines":0,"characters":0})");
  CHECK(count("one two\nthree\n") == R"({"words":3,"lines":2,"characters":14})");
  CHECK(count("\"quoted\" \\ back\tslash") == R"({"words":4,"lines":1,"characters":21})");
  CHECK(count("gr\u00fc\u00dfe \u20ac \U0001F600\x01") ==
        R"({"words":3,"lines":1,"characters":10})");
  const ToolSpec& spec = *tools.registry().find("word_count");
  CHECK_FALSE(spec.traits.side_effects);
  CHECK(spec.traits.safe_to_repeat);
  CHECK(tools.call("word_count", Json::object()).code == ErrorCode::kInvalid);
}

TEST_CASE("the example in C++ converts units") {
  LoadedTools tools("unit_convert");
  const auto convert = [&](double value, const char* from, const char* to) {
    return tools.call("convert_units", {{"value", value}, {"from", from}, {"to", to}});
  };
  CHECK(dump_json(convert(10, "km", "mi").value) == R"({"unit":"mi","value":6.21371192237334})");
  CHECK(convert(212, "F", "C").value.at("value") == 100.0);
  CHECK(convert(1, "kWh", "J").value.at("value") == 3.6e6);
  const ToolResult unknown = convert(1, "parsec", "km");
  CHECK(unknown.code == ErrorCode::kInvalid);
  CHECK(unknown.message.find("there is no unit \"parsec\"; the units are m, km") !=
        std::string::npos);
  CHECK(convert(1, "kg", "km").message.find("one is not the other") != std::string::npos);
}

TEST_CASE("what a plugin returns is untrusted, and says where it came from") {
  LoadedTools tools("word_count");
  const Json arguments = {{"text", "a b"}};
  const ToolResult result = tools.call("word_count", arguments);
  REQUIRE(result.ok);
  CHECK(result.label == Label{Integrity::kUntrusted, Confidentiality::kPrivate});
  CHECK(result.origin.kind == Origin::Kind::kTool);
  CHECK(result.origin.locator == "word_count");
  CHECK(result.origin.detail == Json{{"arguments", arguments},
                                     {"plugin", plugin_file("word_count").string()},
                                     {"version", "1.0"}});
}

TEST_CASE("a trait that is left out is taken to be the dangerous one") {
  LoadedTools tools("misbehaving");
  const ToolTraits traits = tools.registry().find("act_once")->traits;
  CHECK(traits.reads_private);
  CHECK(traits.reads_untrusted);
  CHECK(traits.side_effects);
  CHECK(traits.reaches_out);
  CHECK_FALSE(traits.safe_to_repeat);
  CHECK(tools.registry().find("act")->traits.safe_to_repeat);
}

TEST_CASE("a plugin is given nothing of ours but the call") {
  ::setenv("ORKESTRA_TEST_SECRET", "hunter2", 1);
  const int leak = ::open("/dev/null", O_RDONLY);
  LoadedTools tools("misbehaving");
  const ToolResult result = tools.act("inherited");
  ::close(leak);
  ::unsetenv("ORKESTRA_TEST_SECRET");
  CHECK(dump_json(result.value) ==
        R"({"environment":["PATH=/usr/bin:/bin","LANG=C.UTF-8"],"descriptors":[0,1,2,3],)"
        R"("folder":"/"})");
  CHECK(tools.act("id").value == "call-1");
}

TEST_CASE("state is kept between calls, and calls from many threads take turns") {
  LoadedTools tools("misbehaving");
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 10; ++i) right += tools.act("count").ok ? 1 : 0;
      });
    }
  }
  CHECK(right == 80);
  CHECK(tools.act("count").value == 81);
}

TEST_CASE("the process ends with its tools") {
  pid_t process = 0;
  {
    LoadedTools tools("misbehaving");
    process = tools.act("pid").value.get<pid_t>();
    CHECK(running(process));
  }
  // The thread of the last call may let go of its tool a moment later.
  CHECK(ends_soon(process));
}

// Run by the next test, in a program of its own.
TEST_CASE("loads a plugin, tells its process and is killed", "[.killed]") {
  LoadedTools tools("misbehaving");
  const auto process = tools.act("pid").value.get<pid_t>();
  (void)!::write(kTellDescriptor, &process, sizeof process);
  ::raise(SIGKILL);
}

TEST_CASE("the process ends with the program that loaded it, even when that is killed") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t program = ::fork();
  if (program == 0) {
    ::dup2(ends[1], kTellDescriptor);
    ::execl("/proc/self/exe", "test_plugins", "[.killed]", nullptr);
    ::_exit(1);
  }
  ::close(ends[1]);
  pid_t process = 0;
  const auto got = ::read(ends[0], &process, sizeof process);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(program, &status, 0);
  REQUIRE(got == sizeof process);
  CHECK(WIFSIGNALED(status));
  CHECK(ends_soon(process));
}
