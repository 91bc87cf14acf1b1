// What the sandbox promises its caller: bad requests, missing programs, weaker tiers; and the same
// tests again as an ordinary user.
#include <orkestra/core/child_process.h>
#include <orkestra/core/helper_program.h>
#include <orkestra/tests/core/sandbox_fixture.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <functional>
#include <thread>

using namespace orkestra;
using namespace orkestra::tests;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

Error error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& e) {
    return e;
  }
  FAIL("nothing was thrown");
  return {ErrorCode::kInternal, ""};
}

// Words before a command that make root an ordinary user.
const std::vector<std::string> kAsNobody{"/usr/bin/setpriv", "--reuid=65534", "--regid=65534",
                                         "--clear-groups"};

// A copy of this test and the launcher where any user can start them.
class OpenCopy {
 public:
  OpenCopy() {
    ::chmod(folder_.path.c_str(), 0755);
    fs::copy_file(fs::read_symlink("/proc/self/exe"), folder_.path / "test");
    fs::copy_file(find_helper_program("orkestra-sandbox"), folder_.path / "orkestra-sandbox");
    for (const char* name : {"test", "orkestra-sandbox"}) {
      ::chmod((folder_.path / name).c_str(), 0755);
    }
  }
  // Runs `words` with the path of the copy in place of "TEST"; its exit status, its output shown.
  int run(std::vector<std::string> words) const {
    for (std::string& word : words) {
      for (std::size_t at = 0; (at = word.find("TEST", at)) != std::string::npos; ++at) {
        word.replace(at, 4, (folder_.path / "test").string());
      }
    }
    std::vector<std::string> environment{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    if (std::getenv("ORKESTRA_TESTS_WITHOUT_SANDBOX") != nullptr) {
      environment.emplace_back("ORKESTRA_TESTS_WITHOUT_SANDBOX=1");
    }
    auto child =
        ChildProcess::start({.argv = words, .environment = environment, .descriptors = {0, 1, 2}});
    return child.wait(std::chrono::steady_clock::now() + 5min).value_or(-1);
  }
  int run_as_nobody(std::vector<std::string> words) const {
    words.insert(words.begin(), kAsNobody.begin(), kAsNobody.end());
    return run(std::move(words));
  }
  bool can_be_nobody() const { return run_as_nobody({"/bin/true"}) == 0; }

 private:
  HostFolder folder_;
};

}  // namespace

TEST_CASE("bad requests are refused before anything starts") {
  const auto code = [](const SandboxedProgram& program, const SandboxPolicy& policy = {}) {
    return error_of([&] { run_sandboxed(program, policy, Limits{}); }).code();
  };
  CHECK(code({}) == ErrorCode::kInvalid);
  CHECK(code({.argv = {"python3"}}) == ErrorCode::kInvalid);
  CHECK(code({.argv = {"/usr/bin/true", std::string("a\0b", 3)}}) == ErrorCode::kInvalid);
  for (const char* name : {"", "../x", "/x", ".x", "a/b", "a b", "\xff"}) {
    INFO(name);
    CHECK(code({.argv = {"/usr/bin/true"}, .files = {{name, ""}}}) == ErrorCode::kInvalid);
  }
  SandboxPolicy small;
  small.work_bytes = 10;
  CHECK(code({.argv = {"/usr/bin/true"}, .files = {{"x", "12345678901"}}}, small) ==
        ErrorCode::kInvalid);
  for (const char* path : {"/", "/proc", "/dev/shm", "usr", "/usr/../etc", "/work/x", "/sys"}) {
    INFO(path);
    SandboxPolicy policy;
    policy.read_only = {path};
    CHECK(code({.argv = {"/usr/bin/true"}}, policy) == ErrorCode::kInvalid);
  }
}

TEST_CASE("what is missing is named") {
  if (!sandbox_here()) return;
  const Error program =
      error_of([] { run_sandboxed({.argv = {"/usr/bin/no-such-program"}}, {}, Limits{}); });
  CHECK(program.code() == ErrorCode::kNotFound);
  CHECK(program.message().find("/usr/bin/no-such-program") != std::string::npos);
  SandboxPolicy policy;
  policy.read_only = {"/no-such-folder"};
  const Error folder =
      error_of([&] { run_sandboxed({.argv = {"/usr/bin/true"}}, policy, Limits{}); });
  CHECK(folder.message().find("/no-such-folder") != std::string::npos);
  policy.read_only = {};
  policy.launcher = "/no-such-launcher";
  CHECK(error_of([&] { run_sandboxed({.argv = {"/usr/bin/true"}}, policy, Limits{}); }).code() ==
        ErrorCode::kNotFound);
}

TEST_CASE("many sandboxes at once don't disturb each other") {
  if (!sandbox_here()) return;
  std::vector<std::jthread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([t, &right] {
      for (int i = 0; i < 3; ++i) {
        SandboxedProgram program = python_program("open('x', 'x').write('y')\nprint(input())\n");
        program.input = std::to_string(t * 10 + i);
        const SandboxResult result = run_sandboxed(program, {}, Limits{});
        if (result.out == program.input + "\n" && result.exit_status == 0) ++right;
      }
    });
  }
  threads.clear();
  CHECK(right == 24);
}

TEST_CASE("all of it again as an ordinary user") {
  if (!sandbox_here() || ::geteuid() != 0) return;
  const OpenCopy copy;
  if (!copy.can_be_nobody()) {
    WARN("root of this container is an ordinary user already");
    return;
  }
  CHECK(copy.run_as_nobody({"/bin/sh", "-c", "exec TEST '~[.refused]~all of it again*'"}) == 0);
}

// Run by the next test, on a system that refuses namespaces.
TEST_CASE("fails closed below the full tier, runs in the process tier", "[.refused]") {
  const Error error = error_of([] { run_sandboxed({.argv = {"/usr/bin/true"}}, {}, Limits{}); });
  CHECK(error.code() == ErrorCode::kUnavailable);
  CHECK(error.message().find("user.max_user_namespaces") != std::string::npos);
  const SandboxReport report = probe_sandbox();
  CHECK(report.tier == SandboxTier::kProcess);
  CHECK_FALSE(report.reasons.empty());

  SandboxPolicy policy;
  policy.minimum = SandboxTier::kProcess;
  policy.wall_time = 5s;
  SandboxedProgram program = python_program(
      "import os, socket, threading\n"
      "threading.Thread(target=lambda: None).start()\n"
      "print(open('data').read())\n"
      "for f in [os.fork, socket.socket, lambda: os.posix_spawn('/usr/bin/true', ['true'], {})]:\n"
      "  try: f(); print('done')\n"
      "  except OSError as e: print(e.errno)\n"
      "print('SECRET' in os.environ, os.getcwd() == os.environ['HOME'])\n");
  program.files.push_back({"data", "bytes"});
  const SandboxResult result = run_sandboxed(program, policy, Limits{});
  UNSCOPED_INFO(result.err);
  CHECK(result.out == "bytes\n1\n1\n1\nFalse True\n");
  CHECK(result.tier == SandboxTier::kProcess);
  const std::string before = result.out;
  policy.wall_time = 200ms;
  CHECK(run_sandboxed(python_program("import time; time.sleep(60)"), policy, Limits{})
            .killed_by_deadline);
  policy.memory_bytes = std::size_t{64} << 20U;
  CHECK(run_sandboxed(python_program("bytearray(1 << 30)"), policy, Limits{}).exit_status == 1);
  for (const auto& entry : fs::directory_iterator(fs::temp_directory_path())) {
    CHECK(entry.path().filename().string().find("orkestra-XXXX") == std::string::npos);
  }
}

TEST_CASE("a system that refuses namespaces gets no full sandbox") {
  if (!sandbox_here()) return;
  // In a user namespace of its own, a user may forbid itself further ones. It keeps its id, and its
  // rights over the namespace for that one write.
  const OpenCopy copy;
  const std::string forbid =
      "echo 0 > /proc/sys/user/max_user_namespaces && exec /usr/bin/setpriv --ambient-caps=-all "
      "--inh-caps=-all TEST '[.refused]'";
  const std::vector<std::string> in_namespace{
      "/usr/bin/unshare", "--user", "--map-current-user", "--keep-caps", "/bin/sh", "-c", forbid};
  if (::geteuid() != 0) {
    CHECK(copy.run(in_namespace) == 0);
  } else if (copy.can_be_nobody()) {
    CHECK(copy.run_as_nobody(in_namespace) == 0);
  }
}
