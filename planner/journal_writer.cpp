#include <orkestra/planner/journal_writer.h>

#include <utility>

namespace orkestra::planner {

JournalWriter::JournalWriter(Database database)
    : database_(std::move(database)), thread_([this] { work(); }) {}

JournalWriter::~JournalWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void JournalWriter::write(Change change) {
  std::promise<void> promise;
  std::future<void> done = promise.get_future();
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back({std::move(change), std::move(promise)});
  }
  wake_.notify_one();
  done.get();
}

std::size_t JournalWriter::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

std::int64_t JournalWriter::commits() const {
  const std::lock_guard lock(mutex_);
  return commits_;
}

void JournalWriter::work() {
  while (true) {
    std::vector<Waiting> batch;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      std::swap(batch, queue_);
    }
    commit(batch);
  }
}

void JournalWriter::commit(std::span<Waiting> batch) {
  try {
    commit_together(batch);
    return;
  } catch (const Error& error) {
    // One change may be too big for the disk while the others fit: each gets its own try. When
    // somebody else holds the file, trying again would only wait again.
    if (batch.size() == 1 || error.code() == ErrorCode::kConflict) {
      for (Waiting& waiting : batch) waiting.done.set_exception(std::current_exception());
      return;
    }
  } catch (...) {
    for (Waiting& waiting : batch) waiting.done.set_exception(std::current_exception());
    return;
  }
  for (std::size_t i = 0; i < batch.size(); ++i) commit(batch.subspan(i, 1));
}

void JournalWriter::commit_together(std::span<Waiting> batch) {
  std::vector<std::optional<Error>> refusals(batch.size());
  database_.transaction([&] {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      refusals[i] = batch[i].change.apply(database_);
    }
  });
  {
    const std::lock_guard lock(mutex_);
    ++commits_;
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    try {
      if (refusals[i]) throw Error(*refusals[i]);
      batch[i].change.committed(database_);
      batch[i].done.set_value();
    } catch (...) {
      batch[i].done.set_exception(std::current_exception());
    }
  }
}

}  // namespace orkestra::planner
