// RunEvents: the events of runs as clients follow them. One RunFeed per run that somebody watches
// holds its events as they are sent; streams read from it at their own pace. Any thread, except
// that a RunEventStream belongs to its connection.
#pragma once

#include <orkestra/core/error.h>
#include <orkestra/planner/journal.h>
#include <orkestra/service/http_message.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace orkestra::service {

// The event as clients see it.
Json event_json(const planner::Event& event);

class RunFeed {
 public:
  // Takes the event up if it is the next one; false when there is a gap before it.
  bool add(const planner::Event& event);
  // The one who worked on the run gave up; the streams say so and end.
  void interrupt(const Error& error);
  // Somebody goes on with it.
  void go_on();
  std::size_t size();

 private:
  friend class RunEventStream;

  std::mutex mutex_;  // guards all of it
  std::vector<std::string> frames_;
  bool finished_ = false;  // the last frame is run_finished
  std::optional<Error> interruption_;
  std::map<int, std::function<void()>> watchers_;
  int next_watcher_ = 0;
};

class RunEvents {
 public:
  explicit RunEvents(planner::Journal& journal) : journal_(journal) {}

  // The feed of `run`, up to date. Reads the journal. Throws kNotFound.
  std::shared_ptr<RunFeed> open(const std::string& run);
  // An event that has just become durable.
  void publish(const planner::Event& event);
  void interrupt(const std::string& run, const Error& error);
  void go_on(const std::string& run);
  // Looks for events that something else appended. Reads the journal if the run is watched.
  void refresh(const std::string& run);
  std::vector<std::string> watched();

 private:
  std::shared_ptr<RunFeed> find(const std::string& run);
  void read_into(RunFeed& feed, const std::string& run);

  planner::Journal& journal_;
  std::mutex mutex_;  // guards feeds_
  std::map<std::string, std::weak_ptr<RunFeed>> feeds_;
};

// Every event after `after`, then each new one; ends after run_finished. While the run waits for
// an approval the stream stays open: the answer comes as an event, too.
class RunEventStream final : public Stream {
 public:
  // `keep` lives as long as the stream: its place among those that may be open.
  RunEventStream(std::shared_ptr<RunFeed> feed, std::int64_t after, std::shared_ptr<void> keep);
  ~RunEventStream() override;
  RunEventStream(const RunEventStream&) = delete;
  RunEventStream& operator=(const RunEventStream&) = delete;

  Piece next() override;
  void when_ready(std::function<void()> wake) override;
  std::string heartbeat() override;
  // Whether nothing will ever come.
  bool exhausted();

 private:
  std::shared_ptr<RunFeed> feed_;
  std::size_t sent_;
  std::shared_ptr<void> keep_;
  std::optional<int> watcher_;
};

}  // namespace orkestra::service
