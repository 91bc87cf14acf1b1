// The sandbox: runs a program nobody vouches for and gives back what it printed. The policy is
// ours and lives in three places: here (time, output), the launcher program `orkestra-sandbox`
// (namespaces, mounts, limits) and its system call filter (core/sandbox_filter.cpp). Plain
// functions, any thread, any number at once.
//
// In the full tier the program sees: read-only /usr/bin, /usr/lib* and what the policy adds; /work,
// a folder in memory that is the only place it can write; /dev/null, zero and urandom. It has no
// network, no other process, no /proc or /sys, no capability, and about 170 system calls. It ends
// with its deadline, with everything it has started.
#pragma once

#include <orkestra/core/limits.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra {

// What stands between the program and this machine, weakest first.
enum class SandboxTier {
  kNone,        // nothing: never used to run a program
  kProcess,     // system call filter, resource limits: no network, no new processes, but the files
                // this user (as root: nobody) may read and write are open to it
  kNamespaces,  // all of it, as described above
};
std::string_view name(SandboxTier tier);

struct SandboxPolicy {
  // Nothing runs below this tier; kProcess takes the full one when it is to be had.
  SandboxTier minimum = SandboxTier::kNamespaces;
  std::chrono::milliseconds wall_time{10'000};
  std::chrono::seconds cpu_time{10};                   // of each process
  std::size_t memory_bytes = std::size_t{512} << 20U;  // address space of each process; resident
                                                       // memory of all, looked at every 20 ms
  std::size_t work_bytes = std::size_t{32} << 20U;     // of /work, and of each file in it
  std::size_t work_files = 1024;                       // in /work
  std::size_t output_bytes = std::size_t{256} << 10U;  // kept of stdout, and of stderr
  int processes = 16;                                  // and threads
  int open_files = 64;
  std::vector<std::filesystem::path> read_only{};  // folders or files shown besides, same place
  std::filesystem::path launcher{};                // "" = find_helper_program
};

struct SandboxedFile {
  std::string name;  // [A-Za-z0-9_.-]{1,64}, does not begin with "."
  std::string bytes;
};

struct SandboxedProgram {
  std::vector<std::string> argv{};     // argv[0]: absolute path inside
  std::string input{};                 // its stdin
  std::vector<SandboxedFile> files{};  // put into /work, where it starts
};

struct SandboxResult {
  SandboxTier tier = SandboxTier::kNone;
  int exit_status = -1;  // 128 + the signal that ended it
  bool killed_by_deadline = false;
  bool killed_for_memory = false;
  std::string out, err;
  bool truncated = false;  // more was printed than output_bytes
};

// Runs to its end, policy.wall_time or limits.deadline. Throws Error: {kUnavailable} what is
// missing for policy.minimum and what to do; {kInvalid} a request that can't be carried out;
// {kNotFound} no such program inside; {kCancelled} limits.stop. Whatever the program does is data.
SandboxResult run_sandboxed(const SandboxedProgram& program, const SandboxPolicy& policy,
                            const Limits& limits);

// What this machine gives, found out by trying.
struct SandboxReport {
  SandboxTier tier = SandboxTier::kNone;
  std::vector<std::string> reasons{};  // why it isn't a better one; what is left open
};
SandboxReport probe_sandbox();

}  // namespace orkestra
