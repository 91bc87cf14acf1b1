// Programs that try to get out: to files, processes, networks and rights of this machine.
#include <orkestra/tests/core/sandbox_fixture.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <csignal>
#include <cstring>

using namespace orkestra;
using namespace orkestra::tests;
namespace fs = std::filesystem;

namespace {

// A process of this machine that must survive what is tried inside.
class Victim {
 public:
  Victim() : pid_(::fork()) {
    if (pid_ == 0) {
      for (;;) ::pause();
    }
  }
  ~Victim() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  bool alive() const { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }

 private:
  pid_t pid_;
};

// A listening socket of this machine; did anybody come?
class Listener {
 public:
  Listener(int family, int type, const sockaddr* address, socklen_t size)
      : fd_(::socket(family, type | SOCK_CLOEXEC, 0)) {
    REQUIRE(fd_ >= 0);
    REQUIRE(::bind(fd_, address, size) == 0);
    if (type == SOCK_STREAM) REQUIRE(::listen(fd_, 8) == 0);
  }
  ~Listener() { ::close(fd_); }
  bool visited() const {
    pollfd event{fd_, POLLIN, 0};
    return ::poll(&event, 1, 0) > 0;
  }
  int port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }

 private:
  int fd_;
};

Listener internet_listener(int type) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return {AF_INET, type, reinterpret_cast<const sockaddr*>(&address), sizeof address};
}

// `name` beginning with NUL: abstract.
Listener local_listener(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  return {AF_UNIX, SOCK_STREAM, reinterpret_cast<const sockaddr*>(&address),
          static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())};
}

std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

// Python: `call(number, args...)` -> errno or 0, by the C library's syscall.
const std::string kCall =
    "import ctypes, os, sys\n"
    "libc = ctypes.CDLL(None, use_errno=True)\n"
    "def call(n, *a):\n"
    "  r = libc.syscall(ctypes.c_long(n), *[ctypes.c_long(x) if isinstance(x, int) else x for x in "
    "a])\n"
    "  return ctypes.get_errno() if r == -1 else 0\n";

}  // namespace

TEST_CASE("the environment is ours, not the caller's") {
  if (!sandbox_here()) return;
  ::setenv("ORKESTRA_TEST_SECRET", "hunter2", 1);
  const SandboxResult result = python("import os; print(sorted(os.environ.items()))");
  ::unsetenv("ORKESTRA_TEST_SECRET");
  CHECK(result.out ==
        "[('HOME', '/work'), ('LANG', 'C.UTF-8'), ('PATH', '/usr/bin:/bin'), ('TMPDIR', "
        "'/work'), ('TZ', 'UTC')]\n");
}

TEST_CASE("no descriptor is inherited") {
  if (!sandbox_here()) return;
  const HostFolder host;
  const auto file = host.write("secret", "s");
  const int leak = ::open(file.c_str(), O_RDWR);  // without O_CLOEXEC, as careless code does
  const int high = ::fcntl(leak, F_DUPFD, 200);
  REQUIRE(high >= 200);
  const SandboxResult result = python(
      "import os\n"
      "found = []\n"
      "for fd in range(1024):\n"
      "  try: os.fstat(fd); found.append(fd)\n"
      "  except OSError: pass\n"
      "print(found)\n");
  ::close(leak);
  ::close(high);
  CHECK(result.out == "[0, 1, 2]\n");
}

TEST_CASE("no connection reaches this machine") {
  if (!sandbox_here()) return;
  const HostFolder host;
  ::chmod(host.path.c_str(), 0777);
  const Listener tcp = internet_listener(SOCK_STREAM);
  const Listener udp = internet_listener(SOCK_DGRAM);
  const Listener by_path = local_listener((host.path / "socket").string());
  const std::string abstract = new_marker();
  const Listener by_name = local_listener(std::string(1, '\0') + abstract);
  ::chmod((host.path / "socket").c_str(), 0777);
  SandboxPolicy policy;
  policy.read_only = {host.path};  // even when it can be seen
  const SandboxResult result = python(
      "import socket\n"
      "reached = []\n"
      "def attempt(family, type, address):\n"
      "  try:\n"
      "    s = socket.socket(family, type); s.settimeout(1)\n"
      "    s.connect(address); s.send(b'x'); reached.append(address)\n"
      "  except OSError: pass\n"
      "attempt(socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', " +
          std::to_string(tcp.port()) +
          "))\n"
          "attempt(socket.AF_INET, socket.SOCK_DGRAM, ('127.0.0.1', " +
          std::to_string(udp.port()) +
          "))\n"
          "attempt(socket.AF_INET6, socket.SOCK_STREAM, ('::1', 80))\n"
          "attempt(socket.AF_UNIX, socket.SOCK_STREAM, " +
          quoted(host.path / "socket") +
          ")\n"
          "attempt(socket.AF_UNIX, socket.SOCK_STREAM, '\\0" +
          abstract +
          "')\n"
          "for family in range(50):\n"
          "  for type in [1, 2, 3, 5]:\n"
          "    try: socket.socket(family, type); reached.append((family, type))\n"
          "    except OSError: pass\n"
          "print(reached)\n",
      policy);
  CHECK(result.out == "[]\n");
  CHECK_FALSE(tcp.visited());
  CHECK_FALSE(udp.visited());
  CHECK_FALSE(by_path.visited());
  CHECK_FALSE(by_name.visited());
}

TEST_CASE("no process of this machine can be seen, stopped or traced") {
  if (!sandbox_here()) return;
  const Victim victim;
  const SandboxResult result =
      python(kCall +
             "import signal\n"
             "victim, host = " +
             std::to_string(victim.pid()) + ", " + std::to_string(::getpid()) +
             "\n"
             "reached = []\n"
             "for pid in [p for p in [victim, host] if p > 2]:\n"  // 1 and 2 are ours inside
             "  for s in [0, signal.SIGKILL]:\n"
             "    try: os.kill(pid, s); reached.append(pid)\n"
             "    except OSError: pass\n"
             "  if libc.ptrace(16, pid, None, None) != -1: reached.append(('ptrace', pid))\n"
             "print(reached, libc.ptrace(16, 1, None, None), libc.ptrace(0, 0, None, None))\n"
             "for pid in range(3, 70000):\n"
             "  try: os.kill(pid, signal.SIGKILL)\n"
             "  except OSError: pass\n"
             "os.kill(os.getppid(), signal.SIGKILL)\n"
             "os.kill(os.getppid(), signal.SIGSTOP)\n"
             "print('still here', flush=True)\n"
             "os.kill(-1, signal.SIGKILL)\n");
  CHECK(result.out.starts_with("[] -1 -1\nstill here\n"));
  CHECK_FALSE(result.killed_by_deadline);
  CHECK(victim.alive());
}

TEST_CASE("programs with set-user-id give no rights") {
  if (!sandbox_here()) return;
  const HostFolder host;
  fs::copy_file("/usr/bin/id", host.path / "id");
  ::chmod(host.path.c_str(), 0755);
  REQUIRE(::chmod((host.path / "id").c_str(), 06755) == 0);
  SandboxPolicy policy;
  policy.read_only = {host.path};
  SandboxResult result =
      run_sandboxed({.argv = {(host.path / "id").string(), "-u"}}, policy, Limits{});
  CHECK(result.out == "1000\n");
  result = run_sandboxed({.argv = {(host.path / "id").string(), "-g"}}, policy, Limits{});
  CHECK(result.out == "1000\n");
}

TEST_CASE("no rights are left and none can be had") {
  if (!sandbox_here()) return;
  const SandboxResult result = python(
      kCall +
      "class Header(ctypes.Structure): _fields_ = [('v', ctypes.c_uint32), ('p', ctypes.c_int)]\n"
      "data = (ctypes.c_uint32 * 6)()\n"
      "print(libc.capget(ctypes.byref(Header(0x20080522, 0)), data), list(data))\n"
      "print([libc.prctl(23, c, 0, 0, 0) for c in range(41)] == [0] * 41)\n"
      "data[:] = [0xffffffff] * 6\n"
      "print(libc.capset(ctypes.byref(Header(0x20080522, 0)), data))\n"
      "for f in [lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0]),\n"
      "          lambda: os.chown('main.py', 0, 0)]:\n"
      "  try: f(); print('done')\n"
      "  except OSError as e: print(e.errno)\n");
  CHECK(result.out == "0 [0, 0, 0, 0, 0, 0]\nTrue\n-1\n1\n1\n1\n1\n");
}

TEST_CASE("no new namespace can be made, by any of the calls") {
  if (!sandbox_here()) return;
  const SandboxResult result = python(
      kCall +
      "flags = {'user': 0x10000000, 'mount': 0x20000, 'pid': 0x20000000, 'net': 0x40000000,\n"
      "         'ipc': 0x8000000, 'uts': 0x4000000, 'cgroup': 0x2000000}\n"
      "for name, flag in flags.items():\n"
      "  if call(" +
      std::to_string(SYS_unshare) +
      ", flag) == 0: print('unshare', name)\n"
      "  if call(" +
      std::to_string(SYS_clone) +
      ", flag | 17, 0, 0, 0, 0) == 0: print('clone', name)\n"
      "args = (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, 17)\n"
      "print(call(" +
      std::to_string(SYS_clone3) + ", ctypes.byref(args), 88))\n");
  CHECK(result.out == "38\n");
}

TEST_CASE("dangerous system calls fail as not permitted") {
  if (!sandbox_here()) return;
  const std::vector<long> calls{SYS_ptrace,
                                SYS_process_vm_readv,
                                SYS_process_vm_writev,
                                SYS_pidfd_open,
                                SYS_pidfd_getfd,
                                SYS_kcmp,
                                SYS_mount,
                                SYS_umount2,
                                SYS_pivot_root,
                                SYS_chroot,
                                SYS_setns,
                                SYS_unshare,
                                SYS_open_tree,
                                SYS_fsopen,
                                SYS_move_mount,
                                SYS_mount_setattr,
                                SYS_bpf,
                                SYS_perf_event_open,
                                SYS_io_uring_setup,
                                SYS_io_uring_enter,
                                SYS_userfaultfd,
                                SYS_kexec_load,
                                SYS_init_module,
                                SYS_finit_module,
                                SYS_delete_module,
                                SYS_seccomp,
                                SYS_add_key,
                                SYS_request_key,
                                SYS_keyctl,
                                SYS_memfd_create,
                                SYS_shmget,
                                SYS_mq_open,
                                SYS_socket,
                                SYS_connect,
                                SYS_personality,
                                SYS_name_to_handle_at,
                                SYS_open_by_handle_at,
                                SYS_reboot,
                                SYS_swapon,
                                SYS_syslog,
                                SYS_sethostname,
                                SYS_clock_settime,
                                SYS_vmsplice,
                                SYS_execveat};
  std::string list;
  for (const long number : calls) list += std::to_string(number) + ",";
  const SandboxResult result =
      python(kCall + "print([n for n in [" + list + "] if call(n, 0, 0, 0, 0, 0) != 1])\n");
  CHECK(result.out == "[]\n");
}

TEST_CASE("every system call of this kernel leaves the sandbox as it is") {
  if (!sandbox_here()) return;
  // All numbers, with arguments that do nothing where they are let through. None may end init or
  // change what the next attempt sees. Left out: what ends or suspends the caller; 335 and 336 are
  // the kernel's own probes, which pass by every filter and end who calls them without one.
  const SandboxResult result =
      python(kCall +
             "import signal\n"
             "skip = {335, 336, " +
             std::to_string(SYS_exit) + "," + std::to_string(SYS_exit_group) + "," +
             std::to_string(SYS_pause) + "," + std::to_string(SYS_rt_sigreturn) + "," +
             std::to_string(SYS_rt_sigsuspend) + "," + std::to_string(SYS_vfork) + "," +
             std::to_string(SYS_fork) + "," + std::to_string(SYS_clone) + "," +
             std::to_string(SYS_munmap) + "," + std::to_string(SYS_brk) +
             "}\n"
             "refused = 0\n"
             "for n in range(600):\n"
             "  if n not in skip and call(n, -1, -1, -1, -1, -1, -1) in (1, 38): refused += 1\n"
             "print(refused > 250, os.getuid(), os.getpid())\n");
  CHECK(result.out == "True 1000 2\n");
}

#ifdef __x86_64__
TEST_CASE("another architecture's system calls end the program") {
  if (!sandbox_here()) return;
  const std::string machine_code =
      "import ctypes, mmap\n"
      "m = mmap.mmap(-1, 4096, prot=7)\n"
      "def run(code):\n"
      "  m.seek(0); m.write(code)\n"
      "  f = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(m)))\n"
      "  print('before', flush=True); print(f())\n";
  // mov eax, 20 (getpid of i386); int 0x80; ret
  CHECK(python(machine_code + "run(bytes.fromhex('b814000000cd80c3'))\n").exit_status ==
        128 + SIGSYS);
  // mov eax, 0x40000027 (getpid of x32); syscall; ret
  CHECK(python(machine_code + "run(bytes.fromhex('b8270000400f05c3'))\n").exit_status ==
        128 + SIGSYS);
}
#endif

TEST_CASE("a terminal can't be typed into") {
  if (!sandbox_here()) return;
  const SandboxResult result = python(
      "import fcntl\n"
      "for request in [0x5412, 0x541C, 0x5410, 0x4B33]:\n"  // TIOCSTI, TIOCLINUX, TIOCSPGRP, ...
      "  for fd in range(3):\n"
      "    try: fcntl.ioctl(fd, request, b'x'); print('typed')\n"
      "    except OSError: pass\n"
      "print('no')\n");
  CHECK(result.out == "no\n");
}
