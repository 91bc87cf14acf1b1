#include <orkestra/service/error_response.h>
#include <orkestra/service/run_events.h>
#include <orkestra/service/stream_buffer.h>

#include <algorithm>
#include <utility>

namespace orkestra::service {

Json event_json(const planner::Event& event) {
  return {{"run", event.run},     {"seq", event.seq},
          {"epoch", event.epoch}, {"branch", event.branch},
          {"kind", event.kind},   {"version", event.version},
          {"at_ms", event.at_ms}, {"label", to_json(event.label)},
          {"body", event.body},   {"prev_hash", event.prev_hash},
          {"hash", event.hash}};
}

bool RunFeed::add(const planner::Event& event) {
  const std::lock_guard lock(mutex_);
  if (std::cmp_less_equal(event.seq, frames_.size())) return true;
  if (std::cmp_greater(event.seq, frames_.size() + 1)) return false;
  frames_.push_back(server_event(dump_json(event_json(event)), std::to_string(event.seq)));
  finished_ = event.kind == "run_finished";
  interruption_.reset();
  for (const auto& [number, wake] : watchers_) wake();
  return true;
}

void RunFeed::interrupt(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  interruption_ = error;
  for (const auto& [number, wake] : watchers_) wake();
}

void RunFeed::go_on() {
  const std::lock_guard lock(mutex_);
  interruption_.reset();
}

std::size_t RunFeed::size() {
  const std::lock_guard lock(mutex_);
  return frames_.size();
}

std::shared_ptr<RunFeed> RunEvents::open(const std::string& run) {
  std::shared_ptr<RunFeed> feed;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(feeds_, [](const auto& entry) { return entry.second.expired(); });
    feed = feeds_[run].lock();
    if (!feed) {
      feed = std::make_shared<RunFeed>();
      feeds_[run] = feed;
    }
  }
  // In the table first, so that what is published while this reads is not lost.
  read_into(*feed, run);
  return feed;
}

void RunEvents::publish(const planner::Event& event) {
  const auto feed = find(event.run);
  if (feed && !feed->add(event)) read_into(*feed, event.run);
}

void RunEvents::interrupt(const std::string& run, const Error& error) {
  if (const auto feed = find(run)) feed->interrupt(error);
}

void RunEvents::go_on(const std::string& run) {
  if (const auto feed = find(run)) feed->go_on();
}

void RunEvents::refresh(const std::string& run) {
  if (const auto feed = find(run)) read_into(*feed, run);
}

std::vector<std::string> RunEvents::watched() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> runs;
  for (const auto& [run, feed] : feeds_) {
    if (!feed.expired()) runs.push_back(run);
  }
  return runs;
}

std::shared_ptr<RunFeed> RunEvents::find(const std::string& run) {
  const std::lock_guard lock(mutex_);
  const auto found = feeds_.find(run);
  return found == feeds_.end() ? nullptr : found->second.lock();
}

void RunEvents::read_into(RunFeed& feed, const std::string& run) {
  for (const planner::Event& event : journal_.read(run)) feed.add(event);
}

RunEventStream::RunEventStream(std::shared_ptr<RunFeed> feed, std::int64_t after,
                               std::shared_ptr<void> keep)
    : feed_(std::move(feed)),
      sent_(static_cast<std::size_t>(std::max<std::int64_t>(after, 0))),
      keep_(std::move(keep)) {}

RunEventStream::~RunEventStream() {
  const std::lock_guard lock(feed_->mutex_);
  if (watcher_) feed_->watchers_.erase(*watcher_);
}

Stream::Piece RunEventStream::next() {
  constexpr std::size_t kPieceBytes = std::size_t{64} << 10U;
  const std::lock_guard lock(feed_->mutex_);
  const std::vector<std::string>& frames = feed_->frames_;
  Piece piece;
  while (sent_ < frames.size() && piece.bytes.size() < kPieceBytes) piece.bytes += frames[sent_++];
  if (sent_ < frames.size()) return piece;
  piece.last = feed_->finished_;
  if (feed_->interruption_) {
    piece.bytes += server_event(dump_json(error_json(*feed_->interruption_)), "", "interrupted");
    piece.last = true;
  }
  return piece;
}

void RunEventStream::when_ready(std::function<void()> wake) {
  const std::lock_guard lock(feed_->mutex_);
  if (!watcher_) watcher_ = feed_->next_watcher_++;
  feed_->watchers_[*watcher_] = std::move(wake);
}

std::string RunEventStream::heartbeat() { return std::string(kHeartbeat); }

bool RunEventStream::exhausted() {
  const std::lock_guard lock(feed_->mutex_);
  return feed_->finished_ && sent_ >= feed_->frames_.size();
}

}  // namespace orkestra::service
