// orkestra-sandbox: the launcher of sandboxed programs; started by core/sandbox.cpp, not by people.
// A program of its own, so that nothing of the process that asks (its memory, its descriptors, its
// rights) is ever shared with what runs inside.
//
//   launcher (this machine)  ->  init (pid 1 of the new namespaces)  ->  program
//
// The launcher watches time and memory from outside; when init goes, the kernel ends all else.
#include <orkestra/core/descriptor.h>
#include <orkestra/core/sandbox_confine.h>
#include <orkestra/core/sandbox_filter.h>
#include <orkestra/core/sandbox_request.h>
#include <orkestra/core/sandbox_root.h>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string_view>

namespace orkestra {
namespace {

constexpr int kWatchMs = 20;
constexpr int kCannotExec = 127;

void tell(const std::string& line) {
  const std::string text = line + "\n";
  (void)!::send(kControlDescriptor, text.data(), text.size(), MSG_NOSIGNAL);
}

[[noreturn]] void refused(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

LaunchRequest parse(int argc, char** argv) {
  LaunchRequest request;
  const std::map<std::string_view, std::size_t*> numbers{
      {"memory-bytes", &request.memory_bytes}, {"work-bytes", &request.work_bytes},
      {"work-files", &request.work_files},     {"cpu-seconds", &request.cpu_seconds},
      {"processes", &request.processes},       {"open-files", &request.open_files}};
  int i = 1;
  for (; i < argc && std::string_view(argv[i]) != "--"; ++i) {
    const std::string_view word = argv[i];
    const std::string_view key = word.substr(0, word.find('='));
    const std::string_view value = word.substr(std::min(word.size(), key.size() + 1));
    if (const auto number = numbers.find(key); number != numbers.end()) {
      const auto read = std::from_chars(value.data(), value.data() + value.size(), *number->second);
      if (read.ec != std::errc() || *number->second == 0) {
        throw std::runtime_error(std::string(word) + " is not a number above 0");
      }
    } else if (key == "folder") {
      request.namespaces = false;
      request.folder = value;
    } else if (key == "read-only") {
      request.read_only.emplace_back(value);
    } else if (key == "file") {
      request.files.emplace_back(value);
    } else {
      throw std::runtime_error(std::string(word) + " is not understood");
    }
  }
  for (++i; i < argc; ++i) request.argv.emplace_back(argv[i]);
  if (request.argv.empty()) throw std::runtime_error("no program is named");
  return request;
}

void write_file(const std::string& path, const std::string& text, const std::string& what) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    refused(what);
  }
}

// Two ends through which parent and child wait for each other; a dead end reads as an error.
class Rendezvous {
 public:
  Rendezvous() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) refused("a socket");
    parent_ = Descriptor(ends[0]);
    child_ = Descriptor(ends[1]);
  }
  void i_am_parent() { child_.reset(); }
  void i_am_child() { parent_.reset(); }
  bool signal() { return ::send(mine(), "x", 1, MSG_NOSIGNAL) == 1; }
  bool await() {
    char byte;
    return ::recv(mine(), &byte, 1, 0) == 1;
  }

 private:
  int mine() const { return parent_ ? parent_.get() : child_.get(); }
  Descriptor parent_, child_;
};

[[noreturn]] void exec_program(const LaunchRequest& request) {
  std::vector<char*> argv;
  for (const std::string& word : request.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::array<std::string, 5> fixed{"PATH=/usr/bin:/bin", "HOME=/work", "TMPDIR=/work",
                                   "LANG=C.UTF-8", "TZ=UTC"};
  if (!request.namespaces) {
    fixed[1] = "HOME=" + request.folder;
    fixed[2] = "TMPDIR=" + request.folder;
  }
  std::vector<char*> environment;
  for (std::string& entry : fixed) environment.push_back(entry.data());
  environment.push_back(nullptr);
  ::execve(argv[0], argv.data(), environment.data());
  const int error = errno;
  tell("program " + request.argv[0] + ": " + std::strerror(error));
  ::_exit(kCannotExec);
}

// In the child that becomes the program. The control socket closes with the exec.
[[noreturn]] void run_program(const LaunchRequest& request) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::fcntl(kControlDescriptor, F_SETFD, FD_CLOEXEC);
  ::syscall(SYS_close_range, kControlDescriptor + 1, ~0U, 0);
  exec_program(request);
}

int exit_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Pid 1 inside: reaps whatever is left to it and ends when the program has ended.
[[noreturn]] void run_init(const LaunchRequest& request, Rendezvous& rendezvous) {
  try {
    rendezvous.i_am_child();
    if (!rendezvous.await()) ::_exit(kCannotExec);  // the ids are mapped
    if (::setresgid(kInnerId, kInnerId, kInnerId) != 0 ||
        ::setresuid(kInnerId, kInnerId, kInnerId) != 0) {
      refused("the user inside can't be set");
    }
    // Changing the user clears this, so it is set after; and only then may the launcher go on.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!rendezvous.signal() || !rendezvous.await()) ::_exit(kCannotExec);
    if (::sethostname("sandbox", 7) != 0) refused("the host name can't be set");
    enter_sandbox_root(request);
    place_files(request);
    limit_resources(request);
    limit_processes(request.processes, 1);
    drop_rights();
    install_system_call_filter(NewProcesses::kAllowed);
  } catch (const std::exception& e) {
    tell(std::string("refused ") + e.what());
    ::_exit(kCannotExec);
  }
  const pid_t program = ::fork();
  if (program == 0) run_program(request);
  if (program < 0) {
    tell(std::string("refused no process can be started: ") + std::strerror(errno));
    ::_exit(kCannotExec);
  }
  for (;;) {
    int status = 0;
    const pid_t ended = ::wait4(-1, &status, 0, nullptr);
    if (ended == program) {
      tell("exit " + std::to_string(exit_status(status)));
      ::_exit(0);
    }
  }
}

std::string advice(int error) {
  const std::string what = std::string("new namespaces are refused: ") + std::strerror(error);
  if (error == ENOSPC || error == EUSERS) {
    return what + "; raise the sysctl user.max_user_namespaces";
  }
  if (error != EPERM && error != EACCES) return what;
  return what +
         "; allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, or "
         "kernel.apparmor_restrict_unprivileged_userns=0), and in a container start it with a "
         "seccomp profile that lets unshare and mount through";
}

// As root the program is nobody outside, too: root is held to no number of processes. Where that
// can't be (root of a container with few ids), and for ordinary users, it is who we are.
void map_ids(pid_t init) {
  const std::string process = "/proc/" + std::to_string(init);
  const std::string inner = std::to_string(kInnerId) + " ";
  const auto map = [&](unsigned user, unsigned group) {
    write_file(process + "/uid_map", inner + std::to_string(user) + " 1\n",
               "the user inside can't be mapped (uid_map; root of a container without rights can't "
               "be: run as an ordinary user)");
    write_file(process + "/gid_map", inner + std::to_string(group) + " 1\n",
               "the group inside can't be mapped (gid_map)");
  };
  write_file(process + "/setgroups", "deny", "groups can't be shut off (/proc is needed)");
  if (::geteuid() == 0) {
    try {
      return map(kNobodyId, kNobodyId);
    } catch (const std::runtime_error&) {
      // Only when nothing was mapped yet can the second try succeed.
    }
  }
  map(::geteuid(), ::getegid());
}

pid_t start_in_namespaces(const LaunchRequest& request) {
  Rendezvous rendezvous;
  constexpr int kFlags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                         CLONE_NEWUTS | CLONE_NEWCGROUP | SIGCHLD;
  const auto init = static_cast<pid_t>(::syscall(SYS_clone, kFlags, nullptr, nullptr, nullptr, 0));
  if (init == 0) run_init(request, rendezvous);
  if (init < 0) throw std::runtime_error(advice(errno));
  try {
    rendezvous.i_am_parent();
    map_ids(init);
    // When memory is short, the kernel takes it from here first. Not every container lets us say.
    std::ofstream("/proc/" + std::to_string(init) + "/oom_score_adj") << 1000;
    if (rendezvous.signal() && rendezvous.await()) rendezvous.signal();
  } catch (...) {
    ::kill(init, SIGKILL);
    throw;
  }
  return init;
}

pid_t start_in_folder(const LaunchRequest& request) {
  const pid_t program = ::fork();
  if (program < 0) refused("no process can be started");
  if (program > 0) return program;
  try {
    if (::chdir(request.folder.c_str()) != 0) refused(request.folder);
    if (::geteuid() == 0) {
      if (::fchownat(AT_FDCWD, ".", kNobodyId, kNobodyId, 0) != 0 ||
          ::setresgid(kNobodyId, kNobodyId, kNobodyId) != 0 ||
          ::setresuid(kNobodyId, kNobodyId, kNobodyId) != 0) {
        refused("root can't become another user");
      }
    }
    place_files(request);
    limit_resources(request);
    drop_rights();
    install_system_call_filter(NewProcesses::kDenied);
  } catch (const std::exception& e) {
    tell(std::string("refused ") + e.what());
    ::_exit(kCannotExec);
  }
  run_program(request);
}

// Resident bytes of a process and all its descendants; pages shared by two count for both.
std::size_t resident_bytes(pid_t process, int depth = 0) {
  constexpr int kMaxDepth = 64;
  if (depth == kMaxDepth) return 0;
  const std::string folder = "/proc/" + std::to_string(process);
  std::size_t size = 0, resident = 0;
  std::ifstream(folder + "/statm") >> size >> resident;
  std::size_t bytes = resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::error_code gone;
  using Folders = std::filesystem::directory_iterator;
  for (auto thread = Folders(folder + "/task", gone); !gone && thread != Folders();
       thread.increment(gone)) {
    std::ifstream children(thread->path() / "children");
    for (pid_t child = 0; children >> child;) bytes += resident_bytes(child, depth + 1);
  }
  return bytes;
}

// Until the process has ended. Ends it when who asked is gone or has had enough, or when it takes
// too much memory.
void watch(pid_t process, const LaunchRequest& request) {
  const Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  if (!handle) refused("the program can't be watched");
  std::array<pollfd, 2> events{
      {{handle.get(), POLLIN, 0}, {kControlDescriptor, POLLIN | POLLRDHUP, 0}}};
  bool killed = false;
  while (true) {
    const int ready = ::poll(events.data(), killed ? 1 : 2, kWatchMs);
    if (events[0].revents != 0) break;
    const bool asked = !killed && events[1].revents != 0;
    const bool greedy = ready == 0 && !killed && resident_bytes(process) > request.memory_bytes;
    if (greedy) tell("memory");
    if (asked || greedy) {
      killed = true;
      ::kill(process, SIGKILL);
    }
  }
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  // In the full tier init has said how the program ended; unless it was ended itself.
  if (!request.namespaces || WIFSIGNALED(status)) {
    tell("exit " + std::to_string(exit_status(status)));
  }
}

int launch(int argc, char** argv) {
  try {
    ::umask(S_IWGRP | S_IWOTH);
    const LaunchRequest request = parse(argc, argv);
    // What root may besides, by its groups, ends here; others can't give theirs up.
    if (::geteuid() == 0) ::setgroups(0, nullptr);
    const pid_t process =
        request.namespaces ? start_in_namespaces(request) : start_in_folder(request);
    watch(process, request);
    return 0;
  } catch (const std::exception& e) {
    tell(std::string("refused ") + e.what());
    return 1;
  }
}

}  // namespace
}  // namespace orkestra

int main(int argc, char** argv) { return orkestra::launch(argc, argv); }
