// A plugin for tests whose one tool does what it is told, most of it wrong.
#include <orkestra/plugins/orkestra_plugin.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

namespace {

const std::string kTools = R"([
  {"name": "act", "description": "Does it.", "traits": {"safe_to_repeat": true},
   "parameters": {"type": "object", "properties": {"do": {"type": "string"}}}},
  {"name": "act_once", "description": "Does it, once.",
   "parameters": {"type": "object", "properties": {"do": {"type": "string"}}}}])";

std::string text;
int calls = 0;

// Deeper than any stack; not a tail call.
volatile int most_depth = 1 << 30;
int overflow(int depth) {
  volatile char frame[65536];
  frame[0] = static_cast<char>(depth);
  return depth == most_depth ? 0 : overflow(depth + 1) + frame[0];
}

void write_raw(const std::string& bytes) {
  (void)!::send(3, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

orkestra_status say(orkestra_reply* reply, orkestra_status status, std::string what) {
  text = std::move(what);
  reply->text = {text.data(), text.size()};
  return status;
}

std::string what_is_inherited() {
  std::string out = "{\"environment\":[";
  for (char** entry = environ; *entry != nullptr; ++entry) {
    out += (entry == environ ? "\"" : ",\"") + std::string(*entry) + "\"";
  }
  out += "],\"descriptors\":[";
  bool first = true;
  for (int fd = 0; fd < 1024; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) continue;
    out += (first ? "" : ",") + std::to_string(fd);
    first = false;
  }
  return out + "],\"folder\":\"" + std::string(::get_current_dir_name()) + "\"}";
}

orkestra_status call(void*, const orkestra_call* request, orkestra_reply* reply) {
  const std::string arguments(request->arguments.data, request->arguments.size);
  const auto told = [&](const char* what) {
    return arguments.find("\"" + std::string(what) + "\"") != std::string::npos;
  };
  ++calls;
  // {"mark": path}: a file that tells it has begun.
  const std::string mark = "\"mark\":\"";
  if (const auto at = arguments.find(mark); at != std::string::npos) {
    const std::size_t begin = at + mark.size();
    ::close(::creat(arguments.substr(begin, arguments.find('"', begin) - begin).c_str(), 0600));
  }
  if (told("count")) return say(reply, ORKESTRA_OK, std::to_string(calls));
  if (told("pid")) return say(reply, ORKESTRA_OK, std::to_string(::getpid()));
  if (told("id"))
    return say(reply, ORKESTRA_OK, "\"" + std::string(request->id.data, request->id.size) + "\"");
  if (told("inherited")) return say(reply, ORKESTRA_OK, what_is_inherited());
  if (told("refuse")) return say(reply, ORKESTRA_NOT_FOUND, "there is no such thing");
  // ends the process
  if (told("segfault")) ::raise(SIGSEGV);
  if (told("abort")) std::abort();
  if (told("stack")) overflow(0);
  if (told("kill")) ::kill(::getpid(), SIGKILL);
  if (told("exit")) ::_exit(0);
  if (told("exit_said")) {
    (void)!::write(2, "cannot find my data\n", 20);
    ::exit(7);
  }
  if (told("close_socket")) ::close(3);
  // does not answer
  if (told("hang")) {
    for (;;) ::pause();
  }
  if (told("spin")) {
    volatile bool ever = true;
    while (ever) continue;
  }
  if (told("fork_and_hang")) {
    ::signal(SIGCHLD, SIG_IGN);
    (void)!::fork();
    for (;;) ::pause();
  }
  // answers nonsense
  if (told("garbage")) return say(reply, ORKESTRA_OK, "{\"a\": ");
  if (told("empty")) return ORKESTRA_OK;
  if (told("binary")) return say(reply, ORKESTRA_OK, std::string("\xff\0\xfe", 3));
  if (told("deep")) return say(reply, ORKESTRA_OK, std::string(100000, '['));
  if (told("status")) return say(reply, 4711, "");
  if (told("no_bytes")) {
    reply->text = {nullptr, 1000};
    return ORKESTRA_OK;
  }
  if (told("huge")) return say(reply, ORKESTRA_OK, "\"" + std::string(64 << 20, 'x') + "\"");
  if (told("huge_message")) return say(reply, ORKESTRA_INVALID, std::string(500000, 'x'));
  if (told("endless_length")) write_raw("\xff\xff\xff\xff");
  if (told("wild_frame")) write_raw(std::string("\x05\0\0\0{{{{{", 9));
  if (told("other_reply"))
    write_raw(std::string("\x22\0\0\0", 4) + "{\"seq\":1,\"status\":0,\"text\":\"\\\"x\\\"\"}");
  if (told("half_frame")) {
    write_raw(std::string("\x64\0\0\0", 4) + "half");
    ::_exit(1);
  }
  if (told("noise")) {
    for (int i = 0; i < 100000; ++i) (void)!::write(1, "0123456789", 10);
  }
  if (told("throw")) throw std::runtime_error("thrown out of the plugin");
  if (told("throw_other")) throw 5;
  return say(reply, ORKESTRA_OK, "\"well\"");
}

}  // namespace

const orkestra_plugin* orkestra_plugin_entry(std::uint32_t) {
  static const orkestra_plugin plugin{.size = sizeof(orkestra_plugin),
                                      .abi = ORKESTRA_PLUGIN_ABI,
                                      .name = {"misbehaving", 11},
                                      .version = {"1", 1},
                                      .tools = {kTools.data(), kTools.size()},
                                      .open = nullptr,
                                      .call = call,
                                      .release = nullptr,
                                      .close = nullptr};
  return &plugin;
}
