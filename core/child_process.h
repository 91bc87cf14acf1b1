// ChildProcess: another program, started with nothing of ours but what is named: no environment,
// no descriptors, no signal settings, no terminal. Owned by one thread at a time; the destructor
// kills and reaps. Starting costs the same however large this process is: memory is shared until
// the program is there (as vfork does), not copied.
//
// The child leads a session and process group of its own; what it leaves in that group ends with
// it. It gets SIGKILL when the thread that started it ends. So that thread stays until the child is
// done; a child that is to live longer needs a thread of its own.
#pragma once

#include <orkestra/core/descriptor.h>
#include <orkestra/core/limits.h>

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace orkestra {

struct ChildProgram {
  std::vector<std::string> argv{};         // argv[0]: absolute path
  std::vector<std::string> environment{};  // "NAME=value"
  std::vector<int> descriptors{};          // become 0, 1, 2, ... there; all others are closed
  std::string folder = "/";                // where it starts
};

class ChildProcess {
 public:
  // Throws Error{kNotFound} when there is no such program, {kUnavailable} when it can't be started.
  static ChildProcess start(const ChildProgram& program);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  // Its exit status, 128 + the signal that ended it, once it has ended. Waits until `deadline`.
  std::optional<int> wait(SteadyTime deadline);
  void kill();  // SIGKILL to it and its group; does nothing when it has ended
  pid_t pid() const { return pid_; }
  int handle() const { return handle_.get(); }  // a pidfd: readable when it has ended

 private:
  ChildProcess(pid_t pid, Descriptor handle) : pid_(pid), handle_(std::move(handle)) {}
  pid_t pid_ = -1;
  Descriptor handle_;
  std::optional<int> status_;
};

// Descriptors that close on exec, as everything of ours does. Throw Error{kExhausted}.
struct DescriptorPair {
  Descriptor first;   // pipe: reads
  Descriptor second;  // pipe: writes
};
DescriptorPair make_pipe();
DescriptorPair make_socket_pair();

// Milliseconds from now to `deadline` for poll(2), rounded up, at most a minute.
int poll_timeout_ms(SteadyTime deadline);

}  // namespace orkestra
