// Plugins that crash, hang or answer nonsense: the call fails cleanly, the next one is served.
#include <orkestra/tests/plugins/plugin_fixture.h>

#include <unistd.h>

#include <fstream>
#include <random>
#include <thread>

using namespace orkestra;
using namespace orkestra::tests;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

struct Fault {
  const char* what;
  ErrorCode code;
  const char* message;  // part of it
};

const std::vector<Fault>& faults() {
  static const std::vector<Fault> all{
      {"segfault", ErrorCode::kUnavailable, "Segmentation fault"},
      {"abort", ErrorCode::kUnavailable, "Aborted"},
      {"stack", ErrorCode::kUnavailable, "Segmentation fault"},
      {"kill", ErrorCode::kUnavailable, "Killed"},
      {"exit", ErrorCode::kUnavailable, "exit status 0"},
      {"exit_said", ErrorCode::kUnavailable, "it said: cannot find my data"},
      {"close_socket", ErrorCode::kUnavailable, "misbehaving.so"},
      {"hang", ErrorCode::kDeadline, "no answer"},
      {"spin", ErrorCode::kDeadline, "no answer"},
      {"fork_and_hang", ErrorCode::kDeadline, "no answer"},
      {"garbage", ErrorCode::kCorrupt, "not JSON"},
      {"empty", ErrorCode::kCorrupt, "not JSON"},
      {"binary", ErrorCode::kCorrupt, "not JSON"},
      {"deep", ErrorCode::kCorrupt, "not JSON"},
      {"status", ErrorCode::kInternal, "unknown status 4711"},
      {"no_bytes", ErrorCode::kInternal, "no bytes"},
      {"huge", ErrorCode::kExhausted, "at most 1048576"},
      {"huge_message", ErrorCode::kInvalid, "xxx"},
      {"endless_length", ErrorCode::kCorrupt, "4294967295 bytes"},
      {"wild_frame", ErrorCode::kCorrupt, "no reply"},
      {"other_reply", ErrorCode::kCorrupt, "no reply"},
      {"half_frame", ErrorCode::kUnavailable, "exit status 1"},
      {"throw", ErrorCode::kInternal, "thrown out of the plugin"},
      {"throw_other", ErrorCode::kInternal, "threw an exception"},
      {"refuse", ErrorCode::kNotFound, "there is no such thing"}};
  return all;
}

bool hangs(const Fault& fault) { return fault.code == ErrorCode::kDeadline; }

void check_fault(LoadedTools& tools, const Fault& fault) {
  INFO(fault.what);
  const ToolResult result =
      tools.act(fault.what, hangs(fault) ? Limits::within(60ms) : Limits::within(20s));
  REQUIRE_FALSE(result.ok);
  INFO(result.message);
  CHECK(result.message.size() < 4000);
  // A registry tells a hang by its own words when it is first.
  if (!hangs(fault)) CHECK(result.message.find(fault.message) != std::string::npos);
  CHECK(result.code == fault.code);
}

struct Folder {
  fs::path path = fs::temp_directory_path() / ("orkestra_plugins_" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

}  // namespace

TEST_CASE("each fault is a clean failure that names the plugin and the cause") {
  LoadedTools tools("misbehaving");
  for (const Fault& fault : faults()) {
    check_fault(tools, fault);
    const ToolResult next = tools.act("nothing");
    INFO("after " << fault.what << ": " << next.message);
    CHECK(next.value == "well");
  }
}

TEST_CASE("a hundred faults in a row, mixed, are a hundred clean failures") {
  plugins::PluginOptions options;
  options.max_failures = 1000;
  LoadedTools tools("misbehaving", options);
  std::mt19937 random(20240501);
  for (int i = 0; i < 100; ++i) {
    const Fault& fault = faults()[random() % faults().size()];
    check_fault(tools, fault);
  }
  CHECK(tools.act("nothing").value == "well");
}

TEST_CASE("noise on its stdout disturbs nothing") {
  LoadedTools tools("misbehaving");
  CHECK(tools.act("noise").value == "well");
}

TEST_CASE("a lost effect of a tool not safe to repeat is said to be unknown") {
  LoadedTools tools("misbehaving");
  const ToolResult crashed = tools.call("act_once", {{"do", "segfault"}}, Limits::within(20s));
  CHECK(crashed.code == ErrorCode::kOutcomeUnknown);
  // The plugin is up again before the next call's time runs: what was never sent is no lost effect.
  CHECK(tools.act("nothing").value == "well");
  CHECK(tools.call("act_once", {{"do", "hang"}}, Limits::within(500ms)).code ==
        ErrorCode::kOutcomeUnknown);
  // What the plugin itself answers is known.
  CHECK(tools.call("act_once", {{"do", "refuse"}}, {}).code == ErrorCode::kNotFound);
}

TEST_CASE("a stop request ends a call that hangs") {
  LoadedTools tools("misbehaving");
  std::stop_source stop;
  Limits limits;
  limits.stop = stop.get_token();
  const auto process = tools.act("pid").value.get<pid_t>();
  const Folder folder;
  const fs::path begun = folder.path / "begun";
  std::jthread stopper([&] {
    while (!fs::exists(begun)) std::this_thread::yield();
    stop.request_stop();
  });
  const Json arguments = {{"do", "hang"}, {"mark", begun.string()}};
  CHECK(tools.call("act", arguments, limits).code == ErrorCode::kCancelled);
  stopper.join();
  CHECK(tools.act("pid").value != process);
}

TEST_CASE("a plugin that fails every time is not started for ever") {
  plugins::PluginOptions options;
  options.max_failures = 3;
  LoadedTools tools("misbehaving", options);
  for (int i = 0; i < 3; ++i) CHECK(tools.act("exit").code == ErrorCode::kUnavailable);
  const ToolResult refused = tools.act("nothing");
  CHECK(refused.code == ErrorCode::kUnavailable);
  CHECK(refused.message.find("3 times in a row") != std::string::npos);
}

TEST_CASE("a plugin that can't be loaded is told with its file and the reason") {
  struct Case {
    const char* name;
    ErrorCode code;
    const char* message;
  };
  const std::vector<Case> cases{{"null", ErrorCode::kInvalid, "does not speak this version"},
                                {"crash", ErrorCode::kUnavailable, "Aborted"},
                                {"exit", ErrorCode::kUnavailable, "exit status 0"},
                                {"hang", ErrorCode::kDeadline, "no answer"},
                                {"flood", ErrorCode::kCorrupt, "bytes"},
                                {"short", ErrorCode::kInvalid, "shorter than version 1"},
                                {"newer", ErrorCode::kInvalid, "version 2"},
                                {"no_call", ErrorCode::kInvalid, "no function to call"},
                                {"refuses", ErrorCode::kInvalid, "status 5"},
                                {"no_bytes", ErrorCode::kInvalid, "no bytes"},
                                {"no_json", ErrorCode::kInvalid, "its tools"},
                                {"no_tools", ErrorCode::kInvalid, "array of 1 to"},
                                {"no_array", ErrorCode::kInvalid, "array of 1 to"},
                                {"no_name", ErrorCode::kInvalid, "\"name\""},
                                {"no_description", ErrorCode::kInvalid, "\"description\""},
                                {"bad_schema", ErrorCode::kInvalid, "the tool \"t\""},
                                {"bad_trait", ErrorCode::kInvalid, "side_effects"},
                                {"deep", ErrorCode::kInvalid, "its tools"},
                                {"huge", ErrorCode::kInvalid, "at most"}};
  const Folder folder;
  plugins::PluginOptions options;
  for (const Case& one : cases) {
    const fs::path file = folder.path / (std::string(one.name) + ".so");
    fs::copy_file(plugin_file("bad_handshake"), file);
    options.handshake_time = one.code == ErrorCode::kDeadline ? 200ms : 10'000ms;
    const Error error = load_error(file, options);
    INFO(one.name << ": " << error.message());
    CHECK(error.code() == one.code);
    CHECK(error.message().starts_with(file.string() + ": "));
    CHECK(error.message().find(one.message) != std::string::npos);
  }
}

TEST_CASE("a file that is no plugin is refused, and so is a missing host") {
  const Folder folder;
  CHECK(load_error(folder.path / "none.so").code() == ErrorCode::kNotFound);
  CHECK(load_error(folder.path).code() == ErrorCode::kNotFound);
  const fs::path text = folder.path / "text.so";
  std::ofstream(text) << "no library";
  CHECK(load_error(text).message().find("can't be loaded") != std::string::npos);
  // A library, but not of ours.
  fs::path library;
  for (const char* name :
       {"/usr/lib/x86_64-linux-gnu/libm.so.6", "/usr/lib/aarch64-linux-gnu/libm.so.6"}) {
    if (fs::exists(name)) library = name;
  }
  if (!library.empty()) {
    CHECK(load_error(library).message().find("no orkestra_plugin_entry") != std::string::npos);
  }
  plugins::PluginOptions options;
  options.host = "/no/such/host";
  CHECK(load_error(plugin_file("word_count"), options).code() == ErrorCode::kNotFound);
  options.host = "/usr/bin/true";
  CHECK(load_error(plugin_file("word_count"), options).code() == ErrorCode::kUnavailable);
}
