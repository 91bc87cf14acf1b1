#include <orkestra/core/sandbox_filter.h>

#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>

namespace orkestra {
namespace {

using Names = std::initializer_list<const char*>;

// What changes nothing but the process itself, its files in /work and its pipes.
constexpr Names kAllowed = {
    // files
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2",
    "pwritev2", "open", "openat", "openat2", "creat", "close", "close_range", "lseek", "_llseek",
    "stat", "fstat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2",
    "readlink", "readlinkat", "getdents", "getdents64", "getcwd", "chdir", "fchdir", "mkdir",
    "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat",
    "symlink", "symlinkat", "truncate", "ftruncate", "fallocate", "fsync", "fdatasync", "flock",
    "fcntl", "dup", "dup2", "dup3", "pipe", "pipe2", "chmod", "fchmod", "fchmodat", "utime",
    "utimes", "utimensat", "futimesat", "umask", "statfs", "fstatfs", "copy_file_range", "sendfile",
    "fadvise64", "readahead",
    // memory
    "mmap", "mprotect", "munmap", "mremap", "madvise", "brk", "msync", "mincore", "membarrier",
    // itself
    "execve", "exit", "exit_group", "wait4", "waitid", "getpid", "getppid", "gettid", "getpgid",
    "getpgrp", "getsid", "setsid", "setpgid", "kill", "tkill", "tgkill", "getuid", "geteuid",
    "getgid", "getegid", "getresuid", "getresgid", "getgroups", "capget", "arch_prctl",
    "set_tid_address", "set_robust_list", "get_robust_list", "rseq", "futex", "sched_yield",
    "sched_getaffinity", "sched_setaffinity", "sched_getparam", "sched_getscheduler",
    "sched_get_priority_max", "sched_get_priority_min", "getpriority", "setpriority", "prlimit64",
    "getrlimit", "setrlimit", "getrusage", "times", "uname", "sysinfo", "getcpu", "getrandom",
    "restart_syscall",
    // signals and time
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend",
    "rt_sigtimedwait", "sigaltstack", "signalfd", "signalfd4", "pause", "alarm", "getitimer",
    "setitimer", "nanosleep", "clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday",
    "time", "timerfd_create", "timerfd_settime", "timerfd_gettime",
    // waiting, and a pair of sockets with itself (event loops wake themselves by one)
    "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl",
    "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2", "sendto", "recvfrom",
    "shutdown", "getsockname", "getpeername", "getsockopt"};

// Refused by name, so that a program is told the truth: it is not permitted. Every other call
// fails as if this kernel did not have it, which is what the C library falls back from.
constexpr Names kRefused = {
    // other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_open",
    "pidfd_getfd", "pidfd_send_signal", "kcmp", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
    // mounts and namespaces
    "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig",
    "fsmount", "fspick", "mount_setattr", "setns", "unshare", "sethostname", "setdomainname",
    // the kernel and its programmable parts
    "bpf", "perf_event_open", "io_uring_setup", "io_uring_enter", "io_uring_register", "io_setup",
    "io_submit", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module",
    "userfaultfd", "seccomp", "reboot", "swapon", "swapoff", "acct", "quotactl", "syslog", "iopl",
    "ioperm", "modify_ldt", "personality", "lookup_dcookie", "vhangup", "settimeofday",
    "clock_settime", "clock_adjtime", "adjtimex",
    // keys
    "add_key", "request_key", "keyctl",
    // memory that no limit counts
    "memfd_create", "memfd_secret", "shmget", "shmat", "shmctl", "shmdt", "msgget", "semget",
    "mq_open", "mlock", "mlock2", "mlockall", "mbind", "set_mempolicy", "migrate_pages",
    "move_pages", "vmsplice", "splice", "tee", "timer_create",
    // network: there is none, and some families (vsock) do not care for namespaces
    "socket", "connect", "bind", "listen", "accept", "accept4", "sendmsg", "recvmsg", "sendmmsg",
    "recvmmsg", "setsockopt",
    // identity and files that are more than files
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid",
    "setgroups", "capset", "chown", "fchown", "lchown", "fchownat", "mknod", "mknodat",
    "name_to_handle_at", "open_by_handle_at", "fanotify_init", "inotify_init", "inotify_init1",
    "execveat", "sched_setscheduler", "sched_setparam", "sched_setattr", "ioprio_set"};

constexpr Names kNoAttributes = {"setxattr",   "lsetxattr",   "fsetxattr",    "getxattr",
                                 "lgetxattr",  "fgetxattr",   "listxattr",    "llistxattr",
                                 "flistxattr", "removexattr", "lremovexattr", "fremovexattr"};

constexpr unsigned long kNamespaceFlags = CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID |
                                          CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                                          CLONE_NEWCGROUP;

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)), seccomp_release) {
    if (!context_) throw std::runtime_error("no memory for the system call filter");
    // A program of another architecture (32-bit, x32) would get around the numbers.
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));
  }

  template <typename... Conditions>
  void add(std::uint32_t action, const char* name, Conditions... conditions) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number < 0) return;  // not a call of this architecture
    check(seccomp_rule_add(context_.get(), action, number, sizeof...(conditions), conditions...));
  }

  void add_all(std::uint32_t action, Names names) {
    for (const char* name : names) add(action, name);
  }

  void load() { check(seccomp_load(context_.get())); }

 private:
  static void check(int result) {
    if (result < 0) {
      throw std::runtime_error(std::string("the system call filter can't be installed: ") +
                               std::strerror(-result));
    }
  }
  std::unique_ptr<void, decltype(&seccomp_release)> context_;
};

void allow_new_processes(Filter& filter) {
  filter.add(SCMP_ACT_ALLOW, "clone", SCMP_A0_64(SCMP_CMP_MASKED_EQ, kNamespaceFlags, 0));
  filter.add_all(SCMP_ACT_ALLOW, {"fork", "vfork"});
}

void allow_threads(Filter& filter) {
  constexpr unsigned long kLooked = kNamespaceFlags | CLONE_THREAD;
  filter.add(SCMP_ACT_ALLOW, "clone", SCMP_A0_64(SCMP_CMP_MASKED_EQ, kLooked, CLONE_THREAD));
  filter.add(SCMP_ACT_ERRNO(EPERM), "clone", SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
  filter.add_all(SCMP_ACT_ERRNO(EPERM), {"fork", "vfork"});
}

}  // namespace

void install_system_call_filter(NewProcesses processes) {
  Filter filter;
  filter.add_all(SCMP_ACT_ALLOW, kAllowed);
  filter.add_all(SCMP_ACT_ERRNO(EPERM), kRefused);
  filter.add_all(SCMP_ACT_ERRNO(ENOTSUP), kNoAttributes);
  for (const unsigned long flag : {CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET,
                                   CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP}) {
    filter.add(SCMP_ACT_ERRNO(EPERM), "clone", SCMP_A0_64(SCMP_CMP_MASKED_EQ, flag, flag));
  }
  // clone3 hides its flags behind a pointer: it stays unknown, and the C library takes clone.
  if (processes == NewProcesses::kAllowed) {
    allow_new_processes(filter);
  } else {
    allow_threads(filter);
  }
  filter.add(SCMP_ACT_ALLOW, "socketpair", SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
  for (const unsigned long request : {FIOCLEX, FIONCLEX, FIONBIO, FIONREAD, TCGETS}) {
    filter.add(SCMP_ACT_ALLOW, "ioctl", SCMP_A1_32(SCMP_CMP_EQ, request));
  }
  for (const int option : {PR_SET_NAME, PR_GET_NAME, PR_SET_PDEATHSIG, PR_GET_PDEATHSIG,
                           PR_GET_DUMPABLE, PR_CAPBSET_READ}) {
    filter.add(SCMP_ACT_ALLOW, "prctl", SCMP_A0_32(SCMP_CMP_EQ, static_cast<unsigned>(option)));
  }
  filter.load();
}

}  // namespace orkestra
