#include <orkestra/core/sandbox_confine.h>

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace orkestra {
namespace {

[[noreturn]] void refused(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

void limit(__rlimit_resource resource, std::size_t soft, std::size_t hard) {
  rlimit bounds{};
  // An ordinary user may be under a lower limit already; it stays.
  if (::getrlimit(resource, &bounds) != 0) refused("a resource limit can't be read");
  bounds.rlim_max = std::min<rlim_t>(bounds.rlim_max, hard);
  bounds.rlim_cur = std::min<rlim_t>(bounds.rlim_max, soft);
  if (::setrlimit(resource, &bounds) != 0) refused("a resource limit can't be set");
}

}  // namespace

void limit_resources(const LaunchRequest& request) {
  constexpr std::size_t kStack = std::size_t{8} << 20U;
  limit(RLIMIT_AS, request.memory_bytes, request.memory_bytes);
  limit(RLIMIT_CPU, request.cpu_seconds, request.cpu_seconds + 1);
  limit(RLIMIT_FSIZE, request.work_bytes, request.work_bytes);
  limit(RLIMIT_NOFILE, request.open_files, request.open_files);
  limit(RLIMIT_STACK, kStack, kStack);
  for (const auto none : {RLIMIT_CORE, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_RTPRIO}) {
    limit(none, 0, 0);
  }
}

void limit_processes(std::size_t processes, std::size_t others) {
  rlimit before{};
  if (::getrlimit(RLIMIT_NPROC, &before) != 0) refused("a resource limit can't be read");
  const rlimit none{.rlim_cur = 1, .rlim_max = before.rlim_max};
  if (::setrlimit(RLIMIT_NPROC, &none) != 0) refused("the number of processes can't be limited");
  // Tried, not assumed: this process is the one that is allowed, so a second must be refused.
  const pid_t second = ::fork();
  if (second == 0) ::_exit(0);
  if (second > 0) {
    ::waitpid(second, nullptr, 0);
    throw std::runtime_error(
        "this kernel doesn't limit the number of processes of this user (it is root and can't "
        "become another user here): run as an ordinary user");
  }
  limit(RLIMIT_NPROC, processes + others, processes + others);
}

void drop_rights() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) refused("no_new_privs");
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  // Fails for lack of rights where there is nothing to drop.
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct none[2] = {};
  if (::syscall(SYS_capset, &header, none) != 0) refused("capabilities can't be dropped");
  __user_cap_data_struct left[2] = {};
  if (::syscall(SYS_capget, &header, left) != 0) refused("capabilities can't be read");
  for (const auto& word : left) {
    if (word.effective != 0 || word.permitted != 0 || word.inheritable != 0) {
      throw std::runtime_error("capabilities are left after dropping them");
    }
  }
}

}  // namespace orkestra
