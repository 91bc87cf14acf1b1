#include <orkestra/core/sandbox.h>

#include <orkestra/core/child_process.h>
#include <orkestra/core/error.h>
#include <orkestra/core/helper_program.h>
#include <orkestra/core/sandbox_request.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <system_error>

namespace orkestra {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kGrace{5};  // for the kernel to end what was killed
constexpr std::size_t kMaxFiles = 64;
constexpr std::size_t kMaxControlBytes = 4096;

Error invalid(const std::string& what) { return {ErrorCode::kInvalid, "the sandbox: " + what}; }

bool valid_file_name(const std::string& name) {
  const auto allowed = [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) || c == '_' || c == '.' || c == '-');
  };
  return !name.empty() && name.size() <= 64 && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), allowed);
}

void check(const SandboxedProgram& program, const SandboxPolicy& policy) {
  if (program.argv.empty() || !program.argv[0].starts_with('/')) {
    throw invalid("the program must be named by an absolute path");
  }
  for (const std::string& word : program.argv) {
    if (word.find('\0') != std::string::npos) throw invalid("an argument contains a NUL byte");
  }
  if (program.files.size() > kMaxFiles) {
    throw invalid("more than " + std::to_string(kMaxFiles) + " files");
  }
  std::size_t bytes = 0;
  for (const SandboxedFile& file : program.files) {
    bytes += file.bytes.size();
    if (!valid_file_name(file.name)) {
      throw invalid("the file name \"" + file.name +
                    "\" must be 1 to 64 of A-Z a-z 0-9 _ . - and "
                    "not begin with a dot");
    }
  }
  if (bytes > policy.work_bytes) {
    throw invalid("the files have " + std::to_string(bytes) + " bytes, more than the " +
                  std::to_string(policy.work_bytes) + " of its folder");
  }
  for (const fs::path& path : policy.read_only) {
    const fs::path below = path.is_absolute() ? path.relative_path() : fs::path();
    const fs::path first = below.empty() ? fs::path() : *below.begin();
    if (path != path.lexically_normal() || first.empty() || first == "work" || first == "proc" ||
        first == "dev" || first == "sys") {
      throw invalid("\"" + path.string() +
                    "\" can't be shown inside: name an absolute path, not "
                    "in /work, /proc, /dev or /sys");
    }
  }
}

// The bytes as a file nobody can change.
Descriptor sealed_file(std::string_view bytes) {
  Descriptor file(::memfd_create("orkestra", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const auto failed = [] {
    throw Error(ErrorCode::kExhausted,
                std::string("no memory for the sandbox: ") + std::strerror(errno));
  };
  if (!file) failed();
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) failed();
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) !=
      0) {
    failed();
  }
  return file;
}

// A new empty folder, removed with all that is in it.
class OwnFolder {
 public:
  OwnFolder() : path_((fs::temp_directory_path() / "orkestra-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) {
      throw Error(ErrorCode::kUnavailable, path_ + ": " + std::strerror(errno));
    }
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  ~OwnFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::vector<std::string> launcher_arguments(const SandboxedProgram& program,
                                            const SandboxPolicy& policy,
                                            const std::string& folder) {
  const auto number = [](const char* name, auto value) {
    return std::string(name) + "=" + std::to_string(value);
  };
  std::vector<std::string> out{policy.launcher.empty()
                                   ? find_helper_program("orkestra-sandbox").string()
                                   : policy.launcher.string(),
                               number("memory-bytes", policy.memory_bytes),
                               number("work-bytes", policy.work_bytes),
                               number("work-files", policy.work_files),
                               number("cpu-seconds", policy.cpu_time.count()),
                               number("processes", policy.processes),
                               number("open-files", policy.open_files)};
  if (!folder.empty()) out.push_back("folder=" + folder);
  for (const fs::path& path : policy.read_only) out.push_back("read-only=" + path.string());
  for (const SandboxedFile& file : program.files) out.push_back("file=" + file.name);
  out.emplace_back("--");
  out.insert(out.end(), program.argv.begin(), program.argv.end());
  return out;
}

// Reads what is there; false at the end. Keeps at most `room` bytes in all.
bool drain(int from, std::string& into, std::size_t room, bool& truncated) {
  std::array<char, 65536> buffer;
  const ssize_t got = ::read(from, buffer.data(), buffer.size());
  if (got == 0) return false;
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  const std::size_t kept = std::min(static_cast<std::size_t>(got), room - into.size());
  into.append(buffer.data(), kept);
  truncated = truncated || kept < static_cast<std::size_t>(got);
  return true;
}

// What the launcher said on its socket, see sandbox_request.h.
struct Outcome {
  SandboxResult result;
  std::string refused;     // the tier is not to be had: why
  std::string no_program;  // the program could not be started: why
};

void read_control(const std::string& lines, Outcome& outcome) {
  for (std::size_t begin = 0; begin < lines.size();) {
    const std::size_t end = std::min(lines.find('\n', begin), lines.size());
    const std::string_view line = std::string_view(lines).substr(begin, end - begin);
    const std::string_view word = line.substr(0, line.find(' '));
    const std::string_view rest = line.substr(std::min(line.size(), word.size() + 1));
    if (word == "exit") {
      std::from_chars(rest.data(), rest.data() + rest.size(), outcome.result.exit_status);
    } else if (word == "memory") {
      outcome.result.killed_for_memory = true;
    } else if (word == "refused" && outcome.refused.empty()) {
      outcome.refused = rest;
    } else if (word == "program") {
      outcome.no_program = rest;
    }
    begin = end + 1;
  }
}

class Execution {
 public:
  Execution(const SandboxedProgram& program, const SandboxPolicy& policy, const std::string& folder)
      : policy_(policy), out_(make_pipe()), err_(make_pipe()), control_(make_socket_pair()) {
    const Descriptor input = sealed_file(program.input);
    std::vector<Descriptor> files;
    ChildProgram launcher{
        .argv = launcher_arguments(program, policy, folder),
        .descriptors = {input.get(), out_.second.get(), err_.second.get(), control_.second.get()}};
    for (const SandboxedFile& file : program.files) {
      files.push_back(sealed_file(file.bytes));
      launcher.descriptors.push_back(files.back().get());
    }
    child_.emplace(ChildProcess::start(launcher));
    out_.second.reset();
    err_.second.reset();
    control_.second.reset();
  }

  // Ends when nothing of the program is left: all that was started holds these descriptors.
  Outcome finish(SteadyTime deadline, const std::stop_token& stop) {
    const Descriptor woken(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const std::stop_callback on_stop(stop, [&] { ::eventfd_write(woken.get(), 1); });
    std::array<pollfd, 4> events{{{out_.first.get(), POLLIN, 0},
                                  {err_.first.get(), POLLIN, 0},
                                  {control_.first.get(), POLLIN, 0},
                                  {woken.get(), POLLIN, 0}}};
    Outcome outcome;
    std::string control;
    bool ignored = false, ending = false;
    const std::array<std::string*, 3> into{&outcome.result.out, &outcome.result.err, &control};
    while (std::any_of(events.begin(), events.begin() + 3, [](auto& e) { return e.fd >= 0; })) {
      ::poll(events.data(), events.size(), poll_timeout_ms(deadline));
      for (std::size_t i = 0; i < 3; ++i) {
        if (events[i].fd < 0 || events[i].revents == 0) continue;
        const std::size_t room = i < 2 ? policy_.output_bytes : kMaxControlBytes;
        const bool more =
            drain(events[i].fd, *into[i], room, i < 2 ? outcome.result.truncated : ignored);
        if (!more) events[i].fd = -1;
      }
      const bool stopped = stop.stop_requested();
      const bool late = std::chrono::steady_clock::now() >= deadline;
      if (ending && late) {
        child_->kill();  // the launcher itself hangs; what it started dies with it
        break;
      }
      if (!ending && (stopped || late)) {
        ending = true;
        outcome.result.killed_by_deadline = !stopped;
        events[3].fd = -1;
        deadline = std::chrono::steady_clock::now() + kGrace;
        ::shutdown(control_.first.get(), SHUT_WR);
      }
    }
    read_control(control, outcome);
    return outcome;
  }

 private:
  const SandboxPolicy& policy_;
  DescriptorPair out_, err_, control_;
  std::optional<ChildProcess> child_;
};

Outcome execute(const SandboxedProgram& program, const SandboxPolicy& policy, const Limits& limits,
                const std::string& folder) {
  const SteadyTime own = std::chrono::steady_clock::now() + policy.wall_time;
  return Execution(program, policy, folder).finish(std::min(own, limits.deadline), limits.stop);
}

}  // namespace

std::string_view name(SandboxTier tier) {
  constexpr std::array<std::string_view, 3> kNames{"none", "process", "namespaces"};
  return kNames.at(static_cast<std::size_t>(tier));
}

SandboxResult run_sandboxed(const SandboxedProgram& program, const SandboxPolicy& policy,
                            const Limits& limits) {
  check(program, policy);
  Outcome outcome = execute(program, policy, limits, "");
  outcome.result.tier = SandboxTier::kNamespaces;
  std::string refused = outcome.refused;
  if (!refused.empty() && policy.minimum < SandboxTier::kNamespaces) {
    const OwnFolder folder;
    outcome = execute(program, policy, limits, folder.path());
    outcome.result.tier = SandboxTier::kProcess;
    if (!outcome.refused.empty()) refused += "; " + outcome.refused;
  }
  if (limits.stop.stop_requested()) {
    throw Error(ErrorCode::kCancelled, "the sandbox: the program was stopped");
  }
  if (!outcome.refused.empty()) {
    throw Error(ErrorCode::kUnavailable,
                "this machine gives no sandbox, so nothing was run: " + refused);
  }
  if (!outcome.no_program.empty()) {
    throw Error(ErrorCode::kNotFound, "in the sandbox: " + outcome.no_program);
  }
  return outcome.result;
}

SandboxReport probe_sandbox() {
  const SandboxedProgram nothing{.argv = {"/usr/bin/true"}};
  SandboxReport report;
  for (const SandboxTier tier : {SandboxTier::kNamespaces, SandboxTier::kProcess}) {
    try {
      const OwnFolder folder;
      const Outcome outcome = execute(nothing, SandboxPolicy{}, Limits{},
                                      tier == SandboxTier::kProcess ? folder.path() : "");
      if (outcome.refused.empty() && outcome.no_program.empty()) {
        report.tier = tier;
        break;
      }
      report.reasons.push_back("no tier \"" + std::string(name(tier)) + "\": " + outcome.refused +
                               outcome.no_program);
    } catch (const Error& e) {
      report.reasons.push_back(e.message());
      break;
    }
  }
  // Without it the launcher can't find the processes of a program.
  if (!fs::exists("/proc/thread-self/children")) {
    report.reasons.emplace_back(
        "this kernel does not list child processes: memory is bounded for each process, not for "
        "all of a program together");
  }
  return report;
}

}  // namespace orkestra
