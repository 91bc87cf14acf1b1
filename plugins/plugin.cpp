#include <orkestra/core/helper_program.h>
#include <orkestra/core/text.h>
#include <orkestra/plugins/messages.h>
#include <orkestra/plugins/plugin.h>
#include <orkestra/plugins/plugin_process.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace orkestra::plugins {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxHelloBytes = std::size_t{4} << 20U;

// One loaded plugin: its process, started again when it was lost. Shared by its tools.
class Plugin {
 public:
  Plugin(const fs::path& library, PluginOptions options)
      : options_(std::move(options)), path_(fs::absolute(library)) {
    std::error_code error;
    if (!fs::is_regular_file(path_, error)) {
      throw Error(ErrorCode::kNotFound, library.string() + ": there is no such plugin");
    }
    if (options_.host.empty()) options_.host = find_helper_program("orkestra-plugin-host");
    hello_ = start(Limits{});
  }

  const Hello& hello() const { return hello_; }
  const fs::path& path() const { return path_; }

  ToolResult call(const ToolSpec& tool, const ToolCall& call, Limits limits) {
    limits.deadline =
        std::min(limits.deadline, std::chrono::steady_clock::now() + options_.call_time);
    const Turn turn(*this, limits);
    if (!turn.taken()) {
      const bool stopped = limits.stop.stop_requested();
      return ToolResult::failure(stopped ? ErrorCode::kCancelled : ErrorCode::kDeadline,
                                 about("it was busy with another call"));
    }
    bool sent = false;
    try {
      if (!process_) restart(limits);
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          limits.deadline - std::chrono::steady_clock::now());
      const Json request{{"seq", ++seq_},
                         {"tool", tool.name},
                         {"id", call.id},
                         {"arguments", call.arguments},
                         {"deadline_ms", std::max<std::int64_t>(0, left.count())}};
      sent = true;
      process_->send(dump_json(request), limits);
      // A reply is text in JSON: escapes make it longer, up to six times.
      ToolResult result = read_reply(process_->receive(6 * options_.max_reply_bytes + 1024, limits),
                                     seq_, options_.max_reply_bytes);
      failures_ = 0;
      if (!result.ok) result.message = about(result.message);
      return result;
    } catch (const Error& e) {
      std::string message = e.message();
      if (process_) {
        ++failures_;
        message += words();
        drop();
      }
      const bool unknown = sent && !tool.traits.safe_to_repeat;
      if (unknown) message += "; whether it had its effect is unknown";
      return ToolResult::failure(unknown ? ErrorCode::kOutcomeUnknown : e.code(), about(message));
    }
  }

 private:
  // The right to talk to the process; waited for within the limits.
  class Turn {
   public:
    Turn(Plugin& plugin, const Limits& limits) : plugin_(plugin) {
      std::unique_lock lock(plugin_.mutex_);
      taken_ = plugin_.free_.wait_until(lock, limits.stop, limits.deadline,
                                        [&] { return !plugin_.busy_; });
      plugin_.busy_ = plugin_.busy_ || taken_;
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (!taken_) return;
      const std::lock_guard lock(plugin_.mutex_);
      plugin_.busy_ = false;
      plugin_.free_.notify_one();
    }
    bool taken() const { return taken_; }

   private:
    Plugin& plugin_;
    bool taken_ = false;
  };

  std::string about(const std::string& what) const {
    return "the plugin " + path_.filename().string() + ": " + what;
  }

  std::string words() const {
    const std::string said = process_ ? process_->last_words() : "";
    if (said.empty()) return "";
    // Bytes of a foreign process: what is no text is replaced.
    return "; it said: " +
           (valid_utf8(said) ? said : parse_json(dump_json(Json(said))).get<std::string>());
  }

  void drop() {
    process_->kill();
    process_.reset();
  }

  Hello start(Limits limits) {
    limits.deadline =
        std::min(limits.deadline, std::chrono::steady_clock::now() + options_.handshake_time);
    process_ = std::make_unique<PluginProcess>(
        PluginProcess::Start{.host = options_.host,
                             .plugin = path_,
                             .environment = options_.environment,
                             .max_reply_bytes = options_.max_reply_bytes});
    try {
      return read_hello(process_->receive(kMaxHelloBytes, limits));
    } catch (const Error& e) {
      const std::string message = e.message() + words();
      drop();
      // Once it is loaded, what a call throws is put about the plugin there.
      throw Error(e.code(), hello_.tools.empty() ? path_.string() + ": " + message : message);
    }
  }

  void restart(const Limits& limits) {
    if (failures_ >= options_.max_failures) {
      throw Error(ErrorCode::kUnavailable, "it failed " + std::to_string(failures_) +
                                               " times in a row and is not started again");
    }
    try {
      const Hello again = start(limits);
      if (again == hello_) return;
    } catch (const Error&) {
      ++failures_;
      throw;
    }
    drop();
    ++failures_;
    throw Error(ErrorCode::kConflict, "it offers other tools than before; load it again");
  }

  PluginOptions options_;
  fs::path path_;
  Hello hello_;
  std::mutex mutex_;  // guards busy_; what follows belongs to who has the turn
  std::condition_variable_any free_;
  bool busy_ = false;
  std::unique_ptr<PluginProcess> process_;
  std::int64_t seq_ = 0;
  int failures_ = 0;
};

class PluginTool final : public tools::Tool {
 public:
  PluginTool(std::shared_ptr<Plugin> plugin, ToolSpec spec)
      : plugin_(std::move(plugin)), spec_(std::move(spec)) {}

  const ToolSpec& spec() const override { return spec_; }

  ToolResult run(const ToolCall& call, const Limits& limits) override {
    ToolResult result = plugin_->call(spec_, call, limits);
    if (!result.ok) return result;
    return ToolResult::success(std::move(result.value),
                               {.kind = Origin::Kind::kTool,
                                .locator = spec_.name,
                                .detail = Json{{"arguments", call.arguments},
                                               {"plugin", plugin_->path().string()},
                                               {"version", plugin_->hello().version}}},
                               {Integrity::kUntrusted, Confidentiality::kPrivate});
  }

 private:
  std::shared_ptr<Plugin> plugin_;
  ToolSpec spec_;
};

}  // namespace

std::vector<std::unique_ptr<tools::Tool>> load_plugin(const fs::path& library,
                                                      const PluginOptions& options) {
  const auto plugin = std::make_shared<Plugin>(library, options);
  std::vector<std::unique_ptr<tools::Tool>> tools;
  for (const ToolSpec& spec : plugin->hello().tools) {
    tools.push_back(std::make_unique<PluginTool>(plugin, spec));
  }
  return tools;
}

}  // namespace orkestra::plugins
