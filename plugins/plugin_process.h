// PluginProcess: one plugin host, from its start to its end. Used by one thread at a time. A thread
// of its own starts the process, keeps the end of what it says on stderr, and reaps it: the process
// dies when that thread does, so it must not be a thread that comes and goes with calls.
#pragma once

#include <orkestra/core/child_process.h>
#include <orkestra/core/limits.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace orkestra::plugins {

class PluginProcess {
 public:
  struct Start {
    std::filesystem::path host;
    std::filesystem::path plugin;
    std::vector<std::string> environment;
    std::size_t max_reply_bytes = 0;
  };

  // Throws Error when the process can't be started.
  explicit PluginProcess(const Start& start);
  ~PluginProcess();  // lets it end in good order, for a moment; then kills it
  void kill();       // no more patience: it hangs or talks nonsense

  // As in plugins/frame.h. A process that has ended is Error{kUnavailable} telling how.
  void send(std::string_view frame, const Limits& limits);
  std::string receive(std::size_t max_bytes, const Limits& limits);

  // The end of what it said on stderr so far, at most a few lines.
  std::string last_words() const;

 private:
  void keep(const Start& start, const std::stop_token& stop);
  void read_messages();
  Error ended(const Error& cause);

  Descriptor socket_, host_socket_;  // ours; the process's, until it is started
  DescriptorPair messages_;          // its stdout and stderr
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool started_ = false;          // guarded by mutex_, as are those below
  std::optional<Error> refused_;  // why it couldn't be started
  std::optional<int> status_;     // how it ended
  std::string words_;
  std::atomic<bool> impatient_ = false;
  std::jthread keeper_;
};

}  // namespace orkestra::plugins
