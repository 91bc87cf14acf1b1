#include <orkestra/core/child_process.h>

#include <orkestra/core/error.h>

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <limits>

// The C library's own name of clone(2): a sanitizer takes the other one for a fork and changes its
// state in the child, which here is the parent's.
extern "C" int __clone(int (*run)(void*), void* stack, int flags, void* argument, ...);

namespace orkestra {
namespace {

constexpr std::size_t kStackBytes = std::size_t{64} << 10U;

// What the child reads while it still shares our memory, and where it leaves its error.
struct Launch {
  const char* path;
  char* const* argv;
  char* const* environment;
  const char* folder;
  const int* descriptors;
  int count;
  int* scratch;  // [count]
  pid_t parent;
  int error = 0;
};

// Runs in the child on its own stack and our memory: no allocation, no locks, and the kernel asked
// directly, because sanitizers keep books in the C library's functions, and the books are ours.
int become(void* argument) {
  Launch& launch = *static_cast<Launch*>(argument);
  constexpr std::size_t kMaskBytes = 8;  // of the kernel's signal sets
  const auto failed = [&] {
    launch.error = errno;
    ::syscall(SYS_exit, 127);
  };
  const unsigned long default_action[8] = {};  // all zero: SIG_DFL, nothing blocked, no flags
  for (int signal = 1; signal < NSIG; ++signal) {
    ::syscall(SYS_rt_sigaction, signal, default_action, nullptr, kMaskBytes);
  }
  ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::syscall(SYS_getppid) != launch.parent) ::syscall(SYS_exit, 127);
  ::syscall(SYS_setsid);
  // First out of the way of 0 .. count - 1, then into place.
  for (int i = 0; i < launch.count; ++i) {
    launch.scratch[i] =
        static_cast<int>(::syscall(SYS_fcntl, launch.descriptors[i], F_DUPFD, launch.count));
    if (launch.scratch[i] < 0) failed();
  }
  for (int i = 0; i < launch.count; ++i) {
    if (::syscall(SYS_dup3, launch.scratch[i], i, 0) < 0) failed();
  }
  if (::syscall(SYS_close_range, launch.count, ~0U, CLOSE_RANGE_CLOEXEC) != 0) failed();
  if (::syscall(SYS_chdir, launch.folder) != 0) failed();
  const unsigned long no_signals = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, nullptr, kMaskBytes);
  ::syscall(SYS_execve, launch.path, launch.argv, launch.environment);
  failed();
  return 127;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

Error cannot_start(const std::string& program, int error) {
  const ErrorCode code = error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound
                         : error == EACCES || error == EPERM ? ErrorCode::kDenied
                         : error == E2BIG                    ? ErrorCode::kInvalid
                                                             : ErrorCode::kUnavailable;
  return {code, program + " can't be started: " + std::strerror(error)};
}

int decoded(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

ChildProcess ChildProcess::start(const ChildProgram& program) {
  const std::vector<char*> argv = pointers(program.argv);
  const std::vector<char*> environment = pointers(program.environment);
  std::vector<int> scratch(program.descriptors.size());
  Launch launch{.path = argv[0],
                .argv = argv.data(),
                .environment = environment.data(),
                .folder = program.folder.c_str(),
                .descriptors = program.descriptors.data(),
                .count = static_cast<int>(program.descriptors.size()),
                .scratch = scratch.data(),
                .parent = ::getpid()};
  void* stack = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) throw cannot_start(program.argv[0], errno);
  // No handler of ours may run in the child: it would run on our memory.
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);
  const pid_t pid = ::__clone(become, static_cast<char*>(stack) + kStackBytes,
                              CLONE_VM | CLONE_VFORK | SIGCHLD, &launch);
  const int error = pid < 0 ? errno : launch.error;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::munmap(stack, kStackBytes);
  if (pid < 0) throw cannot_start(program.argv[0], error);
  ChildProcess child(pid, Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))));
  if (error != 0) throw cannot_start(program.argv[0], error);  // reaped by the destructor
  if (!child.handle_) throw cannot_start(program.argv[0], errno);
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      handle_(std::move(other.handle_)),
      status_(other.status_) {}

ChildProcess::~ChildProcess() {
  if (pid_ < 0 || status_) return;
  kill();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::optional<int> ChildProcess::wait(SteadyTime deadline) {
  while (!status_) {
    pollfd ended{handle_.get(), POLLIN, 0};
    const int ready = ::poll(&ended, 1, poll_timeout_ms(deadline));
    if (ready < 0 && errno != EINTR) break;
    if (ready > 0) {
      int status = 0;
      ::kill(-pid_, SIGKILL);  // while it is not reaped, its group's number is nobody else's
      const pid_t reaped = ::waitpid(pid_, &status, 0);
      // A program that ignores SIGCHLD takes the status away from us.
      if (reaped == pid_ || errno == ECHILD) status_ = reaped == pid_ ? decoded(status) : 128;
    } else if (ready == 0 && std::chrono::steady_clock::now() >= deadline) {
      break;
    }
  }
  return status_;
}

void ChildProcess::kill() {
  if (pid_ < 0 || status_) return;
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
}

DescriptorPair make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw Error(ErrorCode::kExhausted, std::string("no pipe can be made: ") + std::strerror(errno));
  }
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

DescriptorPair make_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw Error(ErrorCode::kExhausted,
                std::string("no socket can be made: ") + std::strerror(errno));
  }
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

int poll_timeout_ms(SteadyTime deadline) {
  constexpr std::int64_t kMinute = 60'000;
  const auto now = std::chrono::steady_clock::now();
  if (deadline <= now) return 0;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::min<std::chrono::steady_clock::duration>(deadline - now, std::chrono::minutes(1)));
  return static_cast<int>(std::min(left.count() + 1, kMinute));
}

}  // namespace orkestra
