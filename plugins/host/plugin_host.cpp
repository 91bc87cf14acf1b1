// orkestra-plugin-host PLUGIN.so MAX_REPLY_BYTES: the process a plugin lives in. Started by
// plugins/plugin.cpp, not by people; speaks frames (plugins/messages.h) on descriptor 3.
#include <orkestra/core/json.h>
#include <orkestra/plugins/frame.h>
#include <orkestra/plugins/orkestra_plugin.h>

#include <dlfcn.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

namespace orkestra::plugins {
namespace {

constexpr std::size_t kMaxRequestBytes = std::size_t{64} << 20U;
constexpr std::size_t kMaxTextBytes = std::size_t{1} << 20U;  // of a description

std::string copy(orkestra_text text, std::size_t max_bytes, const char* what) {
  if (text.size > max_bytes) {
    throw Error(ErrorCode::kExhausted, std::string(what) + " has " + std::to_string(text.size) +
                                           " bytes; at most " + std::to_string(max_bytes) +
                                           " are taken");
  }
  if (text.data == nullptr && text.size != 0) {
    throw Error(ErrorCode::kInternal, std::string(what) + " has a length but no bytes");
  }
  return text.data == nullptr ? std::string() : std::string(text.data, text.size);
}

orkestra_text view(const std::string& text) { return {text.data(), text.size()}; }

void log_line(orkestra_text line) {
  if (line.data == nullptr || line.size > kMaxTextBytes) return;
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size), line.data);
}

class LoadedPlugin {
 public:
  // Throws Error saying what is wrong with it.
  explicit LoadedPlugin(const char* path) {
    void* library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw wrong(std::string("it can't be loaded: ") + ::dlerror());
    const auto entry = reinterpret_cast<decltype(&orkestra_plugin_entry)>(
        ::dlsym(library, "orkestra_plugin_entry"));
    if (entry == nullptr) throw wrong("it exports no orkestra_plugin_entry: it is no plugin");
    plugin_ = entry(ORKESTRA_PLUGIN_ABI);
    if (plugin_ == nullptr) throw wrong("it does not speak this version of the plugin interface");
    // Up to `close` is version 1: no plugin has less.
    constexpr std::size_t kLeast = offsetof(orkestra_plugin, close) + sizeof plugin_->close;
    if (plugin_->size < kLeast) throw wrong("its description is shorter than version 1");
    if (plugin_->abi != ORKESTRA_PLUGIN_ABI) {
      throw wrong("it was built for version " + std::to_string(plugin_->abi) +
                  " of the plugin interface; this is version " +
                  std::to_string(ORKESTRA_PLUGIN_ABI));
    }
    if (plugin_->call == nullptr) throw wrong("it has no function to call");
    if (plugin_->open != nullptr) {
      const orkestra_status status = plugin_->open(&host_, &state_);
      if (status != ORKESTRA_OK) {
        throw wrong("it refused to open, with status " + std::to_string(status));
      }
    }
  }

  Json hello() const {
    return {{"abi", plugin_->abi},
            {"name", copy(plugin_->name, kMaxTextBytes, "its name")},
            {"version", copy(plugin_->version, kMaxTextBytes, "its version")},
            {"tools", copy(plugin_->tools, kMaxTextBytes, "the description of its tools")}};
  }

  Json call(const Json& request, std::size_t max_reply_bytes) {
    const auto tool = request.at("tool").get<std::string>();
    const auto id = request.at("id").get<std::string>();
    const std::string arguments = dump_json(request.at("arguments"));
    const orkestra_call call{.size = sizeof call,
                             .tool = view(tool),
                             .arguments = view(arguments),
                             .id = view(id),
                             .deadline_ms = request.at("deadline_ms").get<std::int64_t>()};
    orkestra_reply reply{};
    reply.size = sizeof reply;
    Json answer{{"seq", request.at("seq")}, {"status", ORKESTRA_INTERNAL}, {"text", ""}};
    try {
      answer["status"] = plugin_->call(state_, &call, &reply);
      answer["text"] = copy(reply.text, max_reply_bytes, "its reply");
    } catch (const Error& e) {
      answer["status"] = e.code() == ErrorCode::kExhausted ? ORKESTRA_EXHAUSTED : ORKESTRA_INTERNAL;
      answer["text"] = e.message();
    } catch (const std::exception& e) {
      answer["text"] = std::string("it threw an exception: ") + e.what();
    } catch (...) {
      answer["text"] = "it threw an exception";
    }
    if (plugin_->release != nullptr) plugin_->release(state_, &reply);
    return answer;
  }

  void close() {
    if (plugin_->close != nullptr) plugin_->close(state_);
  }

 private:
  static Error wrong(std::string what) { return {ErrorCode::kInvalid, std::move(what)}; }
  const orkestra_plugin* plugin_ = nullptr;
  const orkestra_host host_{
      .size = sizeof(orkestra_host), .abi = ORKESTRA_PLUGIN_ABI, .log = log_line};
  void* state_ = nullptr;
};

void send(const Json& message) { send_frame(kHostSocket, dump_json(message), Limits{}); }

int serve(const char* path, std::size_t max_reply_bytes) {
  try {
    LoadedPlugin plugin(path);
    send(plugin.hello());
    for (;;) {
      std::string frame;
      try {
        frame = receive_frame(kHostSocket, kMaxRequestBytes, Limits{});
      } catch (const Error&) {
        plugin.close();  // the program has no more to ask
        return 0;
      }
      send(plugin.call(parse_json(frame, "request", {.max_bytes = kMaxRequestBytes}),
                       max_reply_bytes));
    }
  } catch (const std::exception& e) {
    try {
      send({{"error", e.what()}});
    } catch (const std::exception&) {
      return 1;  // nobody listens
    }
    return 1;
  }
}

}  // namespace
}  // namespace orkestra::plugins

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: orkestra-plugin-host PLUGIN.so MAX_REPLY_BYTES\n");
    return 2;
  }
  // A crash is told by the exit status; a core file would hold what the plugin was given.
  const rlimit none{};
  ::setrlimit(RLIMIT_CORE, &none);
  return orkestra::plugins::serve(argv[1], std::strtoull(argv[2], nullptr, 10));
}
