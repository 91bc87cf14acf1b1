// What this machine sees of a program in the sandbox while it runs, by /proc: nothing here rests on
// what the program says of itself.
#include <orkestra/tests/core/sandbox_fixture.h>

#include <fcntl.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

using namespace orkestra;
using namespace orkestra::tests;
namespace fs = std::filesystem;

namespace {

// Empty when the process went before its file of /proc was read.
std::string bytes_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << stream.rdbuf();
  return bytes.str();
}

// Where a link of /proc leads; empty when the process is gone.
std::string target_of(const fs::path& link) {
  std::error_code gone;
  return fs::read_symlink(link, gone).string();
}

// The words after `name` in a file of lines "name value"; empty when there is none.
std::string value_in(const fs::path& path, const std::string& name) {
  std::istringstream lines(bytes_of(path));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name)) continue;
    const std::size_t begin = line.find_first_not_of(": \t", name.size());
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

// A program that waits in the sandbox, with a second thread and a child whose parent is gone, until
// it is ended or this object goes.
class WaitingProgram {
 public:
  WaitingProgram() {
    thread_ = std::jthread([this](const std::stop_token& stop) {
      Limits limits;
      limits.stop = stop;
      SandboxPolicy policy;
      policy.wall_time = std::chrono::hours(1);  // ended by us
      try {
        run_sandboxed(python_program("import os, threading, time\n"
                                     "if os.fork() == 0:\n"
                                     "  if os.fork() != 0: os._exit(0)\n"
                                     "  os.setsid()\n"
                                     "  time.sleep(60)\n"
                                     "os.wait()\n"
                                     "threading.Thread(target=time.sleep, args=[60]).start()\n"
                                     "time.sleep(60)\n",
                                     marker_),
                      policy, limits);
      } catch (const Error& error) {
        stopped_ = error.code() == ErrorCode::kCancelled;
      }
      ended_ = true;
    });
    // The thread begins last: then the program is as it stays.
    while (!ended_) {
      for (const fs::path& process : processes()) {
        if (value_in(process / "status", "Threads") == "2") return;
      }
      std::this_thread::yield();
    }
  }

  // Folders in /proc of the program and of the orphan.
  std::vector<fs::path> processes() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const std::string id = entry.path().filename();
      if (id.find_first_not_of("0123456789") != std::string::npos) continue;
      const std::string words = bytes_of(entry.path() / "cmdline");
      if (words.starts_with("/usr/bin/python3") && words.find(marker_) != std::string::npos) {
        found.push_back(entry.path());
      }
    }
    return found;
  }

  // True when it ran until now, and nothing of it is left.
  bool end() {
    thread_.request_stop();
    thread_.join();
    return stopped_ && processes_with(marker_) == 0;
  }

 private:
  const std::string marker_ = new_marker();
  std::atomic<bool> stopped_{false};
  std::atomic<bool> ended_{false};
  std::jthread thread_;
};

void check_rights(const fs::path& process) {
  const fs::path status = process / "status";
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    CAPTURE(set);
    CHECK(value_in(status, set) == "0000000000000000");
  }
  CHECK(value_in(status, "NoNewPrivs") == "1");
  CHECK(value_in(status, "Seccomp") == "2");  // a filter
  CHECK_FALSE(value_in(status, "Uid").starts_with("0"));
  CHECK_FALSE(value_in(status, "Gid").starts_with("0"));
  for (const char* kind : {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"}) {
    CAPTURE(kind);
    const std::string inside = target_of(process / "ns" / kind);
    CHECK_FALSE(inside.empty());
    CHECK(inside != target_of(fs::path("/proc/self/ns") / kind));
  }
}

void check_limits(const fs::path& process) {
  const SandboxPolicy policy;
  const auto soft = [&](const std::string& name) {
    return std::stoull(value_in(process / "limits", name));
  };
  CHECK(soft("Max address space") == policy.memory_bytes);
  CHECK(soft("Max file size") == policy.work_bytes);
  CHECK(soft("Max open files") == static_cast<unsigned>(policy.open_files));
  CHECK(soft("Max cpu time") == static_cast<unsigned long long>(policy.cpu_time.count()));
  CHECK(soft("Max processes") == static_cast<unsigned>(policy.processes) + 1);  // and its init
  CHECK(soft("Max core file size") == 0);
  CHECK(soft("Max locked memory") == 0);
  CHECK(soft("Max msgqueue size") == 0);
}

// /proc/PID/mountinfo: "id parent major:minor root place options ...".
void check_mounts(const fs::path& process) {
  std::istringstream lines(bytes_of(process / "mountinfo"));
  std::set<std::string> writable, places;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string skipped, place, options;
    words >> skipped >> skipped >> skipped >> skipped >> place >> options;
    CAPTURE(line);
    places.insert(place);
    if (options.starts_with("rw")) writable.insert(place);
    CHECK(options.find("nosuid") != std::string::npos);
    // What can be written can't be run; what can be run holds no devices.
    if (!place.starts_with("/usr/")) CHECK(options.find("noexec") != std::string::npos);
    if (!place.starts_with("/dev/")) CHECK(options.find("nodev") != std::string::npos);
  }
  CHECK(writable == std::set<std::string>{"/work"});
  CHECK(places.contains("/"));
  for (const char* place : {"/proc", "/sys", "/tmp", "/etc", "/dev", "/home", "/root", "/var"}) {
    CAPTURE(place);
    CHECK_FALSE(places.contains(place));
  }
}

}  // namespace

TEST_CASE("seen from this machine, a running program has nothing of ours and no rights") {
  if (!sandbox_here()) return;
  const HostFolder host;
  const auto secret = host.write("secret", "s");
  const int leak = ::open(secret.c_str(), O_RDWR);  // without O_CLOEXEC, as careless code does
  ::setenv("ORKESTRA_TEST_SECRET", "hunter2", 1);
  WaitingProgram program;
  ::unsetenv("ORKESTRA_TEST_SECRET");
  ::close(leak);
  const std::vector<fs::path> processes = program.processes();
  REQUIRE(processes.size() == 2);
  for (const fs::path& process : processes) {
    using namespace std::string_literals;
    CHECK(bytes_of(process / "environ") ==
          "PATH=/usr/bin:/bin\0HOME=/work\0TMPDIR=/work\0LANG=C.UTF-8\0TZ=UTC\0"s);
    std::set<std::string> descriptors;
    for (const auto& entry : fs::directory_iterator(process / "fd")) {
      descriptors.insert(entry.path().filename().string());
      CHECK_FALSE(target_of(entry.path()).starts_with(host.path.string()));
    }
    CHECK(descriptors == std::set<std::string>{"0", "1", "2"});
    check_rights(process);
    check_limits(process);
    check_mounts(process);
    // One network interface: its own loopback, two lines below the heading.
    const std::string network = bytes_of(process / "net/dev");
    CHECK(std::count(network.begin(), network.end(), '\n') == 3);
    CHECK(network.find("lo:") != std::string::npos);
  }
  CHECK(program.end());
}
