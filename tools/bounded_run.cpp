#include <orkestra/tools/bounded_run.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

namespace orkestra::tools {
namespace {

// What the caller and the tool's thread share; whoever lets go last destroys it.
struct SharedRun {
  std::shared_ptr<Tool> tool;
  ToolCall call;
  Limits limits;  // with `stop` of our own
  std::stop_source stop;
  std::mutex mutex;
  std::condition_variable_any changed;
  std::optional<ToolResult> result;  // guarded by mutex
};

ToolResult run_caught(SharedRun& run) {
  const std::string subject = "the tool " + run.call.name + " failed: ";
  try {
    return run.tool->run(run.call, run.limits);
  } catch (const Error& e) {
    return ToolResult::failure(e.code(), e.message());
  } catch (const std::bad_alloc&) {
    return ToolResult::failure(ErrorCode::kExhausted, subject + "out of memory");
  } catch (const std::exception& e) {
    return ToolResult::failure(ErrorCode::kInternal, subject + e.what());
  } catch (...) {
    return ToolResult::failure(ErrorCode::kInternal, subject + "unknown exception");
  }
}

std::string overrun_text(const SharedRun& run, bool cancelled) {
  return "the tool " + run.call.name +
         (cancelled ? " was stopped" : " did not finish within its time limit");
}

ToolResult overrun(const SharedRun& run, bool cancelled) {
  const std::string text = overrun_text(run, cancelled);
  if (!run.tool->spec().traits.safe_to_repeat) {
    return ToolResult::failure(ErrorCode::kOutcomeUnknown,
                               text + "; whether it had its effect is unknown");
  }
  return ToolResult::failure(cancelled ? ErrorCode::kCancelled : ErrorCode::kDeadline, text);
}

// The longest head of `text` whose JSON takes at most `bytes` and that splits no UTF-8 character.
std::string head(const std::string& text, std::size_t bytes) {
  const auto prefix = [&](std::size_t size) {
    while (size > 0 && size < text.size() &&
           (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) {
      --size;
    }
    return text.substr(0, size);
  };
  // Escapes make JSON longer than the text, so the length is searched for.
  std::size_t fits = 0, too_long = std::min(text.size(), bytes) + 1;
  while (too_long - fits > 1) {
    const std::size_t middle = fits + (too_long - fits) / 2;
    (dump_json(Json(prefix(middle))).size() <= bytes ? fits : too_long) = middle;
  }
  return prefix(fits);
}

}  // namespace

ToolResult run_bounded(const std::shared_ptr<Tool>& tool, const ToolCall& call,
                       const Limits& limits, std::chrono::milliseconds grace) {
  const auto run = std::make_shared<SharedRun>();
  run->tool = tool;
  run->call = call;
  run->limits = limits;
  run->limits.stop = run->stop.get_token();
  if (limits.stop.stop_requested() || limits.expired()) {
    // Nothing was started, so the outcome is known.
    const bool cancelled = limits.stop.stop_requested();
    return ToolResult::failure(cancelled ? ErrorCode::kCancelled : ErrorCode::kDeadline,
                               "the tool " + call.name + " was not started: " +
                                   (cancelled ? "the run was stopped" : "no time is left"));
  }
  try {
    std::thread([run] {
      ToolResult result = run_caught(*run);
      const std::lock_guard lock(run->mutex);
      run->result = std::move(result);
      run->changed.notify_all();
    }).detach();
  } catch (const std::system_error& e) {
    return ToolResult::failure(ErrorCode::kExhausted,
                               "the tool " + call.name + " was not started: " + e.what());
  }

  std::unique_lock lock(run->mutex);
  const auto done = [&] { return run->result.has_value(); };
  if (limits.deadline == SteadyTime::max()) {
    run->changed.wait(lock, limits.stop, done);
  } else {
    run->changed.wait_until(lock, limits.stop, limits.deadline, done);
  }
  if (!done()) {
    const bool cancelled = limits.stop.stop_requested();
    // Callbacks registered on the token run inside request_stop: not under the lock.
    lock.unlock();
    run->stop.request_stop();
    lock.lock();
    if (!run->changed.wait_for(lock, grace, done)) return overrun(*run, cancelled);
    // The tool saw a stop request; the caller knows it as the deadline.
    ToolResult& result = *run->result;
    if (!cancelled && !result.ok && result.code == ErrorCode::kCancelled) {
      result = ToolResult::failure(ErrorCode::kDeadline, overrun_text(*run, false));
    }
  }
  return std::move(*run->result);
}

void truncate(ToolResult& result, std::size_t max_bytes) {
  const std::string text = dump_json(result.value);
  if (text.size() <= max_bytes) return;
  result.truncated = true;
  if (result.value.is_array()) {
    Json kept = Json::array();
    std::size_t bytes = 1;  // brackets, and a comma less than elements
    for (Json& element : result.value) {
      bytes += dump_json(element).size() + 1;
      if (bytes > max_bytes) break;
      kept.push_back(std::move(element));
    }
    result.value = std::move(kept);
    return;
  }
  result.value = head(result.value.is_string() ? result.value.get<std::string>() : text, max_bytes);
}

}  // namespace orkestra::tools
