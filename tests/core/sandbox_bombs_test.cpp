// Programs that try to take more than they are given: processes, memory, disk, output, time.
#include <orkestra/tests/core/sandbox_fixture.h>

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <thread>

using namespace orkestra;
using namespace orkestra::tests;
using namespace std::chrono_literals;

namespace {

// Not what ends a program, however busy this machine is.
constexpr auto kLong = 600s;
// What programs here sleep that are not ended.
constexpr auto kSleep = 60s;

// Seen from here while the program runs.
class ProcessCount {
 public:
  explicit ProcessCount(std::string marker)
      : thread_([this, marker = std::move(marker)](const std::stop_token& stop) {
          while (!stop.stop_requested()) most_ = std::max(most_.load(), processes_with(marker));
        }) {}
  int most() {
    thread_.request_stop();
    thread_.join();
    return most_;
  }

 private:
  std::atomic<int> most_{0};
  std::jthread thread_;
};

// The largest resident size any child so far has had beyond what this test has: until a child is
// started it counts as having our memory.
long largest_child_bytes() {
  rusage own{}, children{};
  ::getrusage(RUSAGE_SELF, &own);
  ::getrusage(RUSAGE_CHILDREN, &children);
  return (children.ru_maxrss - own.ru_maxrss) * 1024;
}

std::chrono::milliseconds elapsed_since(SteadyTime start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               start);
}

}  // namespace

TEST_CASE("a fork bomb stays within its number of processes and ends with its deadline") {
  if (!sandbox_here()) return;
  const std::string marker = new_marker();
  SandboxPolicy policy;
  policy.processes = 12;
  policy.wall_time = 600ms;
  ProcessCount count(marker);
  const SandboxResult result = run_sandboxed(python_program("import os\n"
                                                            "while True:\n"
                                                            "  try: os.fork()\n"
                                                            "  except OSError: pass\n",
                                                            marker),
                                             policy, Limits{});
  const int most = count.most();
  CHECK(result.killed_by_deadline);
  CHECK(most > 2);    // it did fork
  CHECK(most <= 13);  // and its init
  CHECK(processes_with(marker) == 0);
}

TEST_CASE("threads count as processes") {
  if (!sandbox_here()) return;
  SandboxPolicy policy;
  policy.processes = 6;
  const SandboxResult result = python(
      "import threading\n"
      "stop = threading.Event()\n"
      "started = 0\n"
      "try:\n"
      "  for i in range(100):\n"
      "    threading.Thread(target=stop.wait, daemon=True).start(); started += 1\n"
      "except RuntimeError: pass\n"
      "print(started)\n",
      policy);
  CHECK(result.out == "5\n");
}

TEST_CASE("one process can't have more memory than its share") {
  if (!sandbox_here()) return;
  SandboxPolicy policy;
  policy.memory_bytes = std::size_t{128} << 20U;
  const SandboxResult result = python("b = []\nwhile True: b.append(bytearray(1 << 20))\n", policy);
  CHECK(result.exit_status == 1);
  CHECK(result.err.find("MemoryError") != std::string::npos);
  CHECK(largest_child_bytes() < (std::int64_t{160} << 20U));
}

TEST_CASE("many processes together can't have more memory than their share") {
  if (!sandbox_here()) return;
  SandboxPolicy policy;
  policy.memory_bytes = std::size_t{96} << 20U;
  policy.wall_time = kLong;
  const SandboxResult result = python(
      "import os, time\n"
      "for i in range(8):\n"
      "  if os.fork() == 0:\n"
      "    b = bytearray(60 << 20)\n"
      "    time.sleep(60)\n"
      "time.sleep(60)\n",
      policy);
  CHECK(result.killed_for_memory);
  CHECK_FALSE(result.killed_by_deadline);
  CHECK(result.exit_status == 128 + SIGKILL);
}

TEST_CASE("memory of a grandchild whose parent is gone counts, too") {
  if (!sandbox_here()) return;
  SandboxPolicy policy;
  policy.memory_bytes = std::size_t{400} << 20U;
  policy.wall_time = kLong;
  const SandboxResult result = python(
      "import os, threading, time\n"
      "def hide():\n"  // forked by a thread, orphaned twice
      "  if os.fork() == 0:\n"
      "    if os.fork() != 0: os._exit(0)\n"
      "    b = bytearray(150 << 20); time.sleep(60)\n"
      "for i in range(4): threading.Thread(target=hide).start()\n"
      "time.sleep(60)\n",
      policy);
  CHECK(result.killed_for_memory);
}

TEST_CASE("the work folder has a size, in bytes and in files") {
  if (!sandbox_here()) return;
  SandboxPolicy policy;
  policy.work_bytes = std::size_t{4} << 20U;
  policy.work_files = 50;
  const SandboxResult bytes = python(
      "import errno\n"
      "n = 0\n"
      "try:\n"
      "  for i in range(20):\n"
      "    with open(f'f{i}', 'wb', 0) as f:\n"
      "      for j in range(1024): n += f.write(bytes(1024))\n"
      "except OSError as e: print(n, errno.errorcode[e.errno])\n",
      policy);
  CHECK(bytes.out.ends_with(" ENOSPC\n"));
  CHECK(std::stol(bytes.out) > (3 << 20));
  CHECK(std::stol(bytes.out) <= (4 << 20));
  const SandboxResult files = python(
      "import errno\n"
      "n = 0\n"
      "try:\n"
      "  while True: open(f'f{n}', 'w').close(); n += 1\n"
      "except OSError as e: print(n, errno.errorcode[e.errno])\n",
      policy);
  CHECK(files.out.ends_with(" ENOSPC\n"));
  CHECK(std::stol(files.out) < 50);
}

TEST_CASE("one file can't be larger than the folder, not even a sparse one") {
  if (!sandbox_here()) return;
  const SandboxResult result = python(
      "import signal\n"
      "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
      "try: open('f', 'wb').truncate(1 << 40)\n"
      "except OSError as e: print(e.errno == 27)\n");
  CHECK(result.out == "True\n");
}

TEST_CASE("a flood of output is cut and changes nothing else") {
  if (!sandbox_here()) return;
  SandboxPolicy policy;
  policy.output_bytes = 1000;
  const SandboxResult result = python(
      "import sys\n"
      "for i in range(3000): print('o' * 10000); print('e' * 10000, file=sys.stderr)\n"
      "sys.exit(7)\n",
      policy);
  CHECK(result.out == std::string(1000, 'o'));
  CHECK(result.err == std::string(1000, 'e'));
  CHECK(result.truncated);
  CHECK(result.exit_status == 7);
}

TEST_CASE("spinning ends with the processor time, sleeping with the wall time") {
  if (!sandbox_here()) return;
  SandboxPolicy policy;
  policy.cpu_time = 1s;
  policy.wall_time = kLong;
  const SandboxResult spun = python("while True: pass\n", policy);
  CHECK(spun.exit_status == 128 + SIGXCPU);
  CHECK_FALSE(spun.killed_by_deadline);

  policy.wall_time = 200ms;
  const auto start = std::chrono::steady_clock::now();
  const SandboxResult slept =
      python("import time; print('a', flush=True); time.sleep(60)\n", policy);
  CHECK(slept.killed_by_deadline);
  CHECK(slept.out == "a\n");
  CHECK(elapsed_since(start) < kSleep);
}

TEST_CASE("ignoring every signal buys no time") {
  if (!sandbox_here()) return;
  SandboxPolicy policy;
  policy.wall_time = 300ms;
  const auto start = std::chrono::steady_clock::now();
  const SandboxResult result = python(
      "import signal, time\n"
      "for s in range(1, 65):\n"
      "  try: signal.signal(s, signal.SIG_IGN)\n"
      "  except (OSError, ValueError): pass\n"
      "while True: time.sleep(60)\n",
      policy);
  CHECK(result.killed_by_deadline);
  CHECK(result.exit_status == 128 + SIGKILL);
  CHECK(elapsed_since(start) < kSleep);
}

TEST_CASE("the caller's deadline and stop request end it") {
  if (!sandbox_here()) return;
  CHECK(python("import time; time.sleep(60)", {}, Limits::within(200ms)).killed_by_deadline);
  std::stop_source stop;
  Limits limits;
  limits.stop = stop.get_token();
  const std::string marker = new_marker();
  std::jthread stopper([&] {
    while (processes_with(marker) == 0) std::this_thread::yield();
    stop.request_stop();
  });
  try {
    run_sandboxed(python_program("import time; time.sleep(60)", marker), {}, limits);
    FAIL("was not stopped");
  } catch (const Error& e) {
    CHECK(e.code() == ErrorCode::kCancelled);
  }
  CHECK(processes_with(marker) == 0);
}

TEST_CASE("what is left in the background ends with the program") {
  if (!sandbox_here()) return;
  const auto start = std::chrono::steady_clock::now();
  const SandboxResult result = python(
      "import os, time\n"
      "if os.fork() == 0:\n"
      "  os.setsid()\n"
      "  if os.fork() == 0: time.sleep(60)\n"
      "  os._exit(0)\n"
      "os.wait(); print('done')\n");
  CHECK(result.out == "done\n");
  CHECK(result.exit_status == 0);
  CHECK(elapsed_since(start) < kSleep);
}

TEST_CASE("descriptors are bounded, and no uncounted memory is to be had") {
  if (!sandbox_here()) return;
  const SandboxResult files = python(
      "n = 0\nheld = []\n"
      "try:\n"
      "  while True: held.append(open('/dev/null')); n += 1\n"
      "except OSError: print(n)\n");
  CHECK(std::stoi(files.out) <= 61);
  const SandboxResult memory = python(
      "import os\n"
      "try: os.memfd_create('x')\n"
      "except OSError as e: print(e.errno)\n");
  CHECK(memory.out == "1\n");
}

TEST_CASE("more argument bytes than a program can be given are refused") {
  if (!sandbox_here()) return;
  SandboxedProgram program = python_program("print(1)");
  program.argv.emplace_back(std::size_t{4} << 20U, 'x');
  try {
    run_sandboxed(program, {}, Limits{});
    FAIL("was started");
  } catch (const Error& e) {
    CHECK(e.code() == ErrorCode::kInvalid);
  }
}
