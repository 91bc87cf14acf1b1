// A plugin for tests that fails before its first call, in the way its file is named.
#include <orkestra/plugins/orkestra_plugin.h>

#include <dlfcn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace {

std::string own_name() {
  Dl_info info{};
  ::dladdr(reinterpret_cast<void*>(&orkestra_plugin_entry), &info);
  const std::string path = info.dli_fname;
  const std::size_t begin = path.rfind('/') + 1;
  return path.substr(begin, path.rfind('.') - begin);
}

orkestra_status call(void*, const orkestra_call*, orkestra_reply*) { return ORKESTRA_OK; }
orkestra_status refuse(const orkestra_host*, void**) { return ORKESTRA_DENIED; }

}  // namespace

const orkestra_plugin* orkestra_plugin_entry(std::uint32_t) {
  static const std::string name = own_name();
  static std::string tools =
      R"([{"name": "t", "description": "d", "parameters": {"type": "object"}}])";
  static orkestra_plugin plugin{.size = sizeof(orkestra_plugin),
                                .abi = ORKESTRA_PLUGIN_ABI,
                                .name = {"bad", 3},
                                .version = {"1", 1},
                                .tools = {},
                                .open = nullptr,
                                .call = call,
                                .release = nullptr,
                                .close = nullptr};
  if (name == "null") return nullptr;
  if (name == "crash") std::abort();
  if (name == "exit") ::_exit(0);
  if (name == "hang") {
    for (;;) ::pause();
  }
  if (name == "flood") {
    const std::string bytes(1 << 20, 'x');
    while (::send(3, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
    }
  }
  if (name == "short") plugin.size = 24;
  if (name == "newer") plugin.abi = 2;
  if (name == "no_call") plugin.call = nullptr;
  if (name == "refuses") plugin.open = refuse;
  if (name == "no_bytes") plugin.name = {nullptr, 5};
  if (name == "no_json") tools = "tools!";
  if (name == "no_tools") tools = "[]";
  if (name == "no_array") tools = "{}";
  if (name == "no_name") tools = R"([{"description": "d", "parameters": {"type": "object"}}])";
  if (name == "no_description") tools = R"([{"name": "t", "parameters": {"type": "object"}}])";
  if (name == "bad_schema") {
    tools = R"([{"name": "t", "description": "d", "parameters": {"type": "banana"}}])";
  }
  if (name == "bad_trait") {
    tools = R"([{"name": "t", "description": "d", "parameters": {"type": "object"},
                 "traits": {"side_effects": "no"}}])";
  }
  if (name == "deep") tools = std::string(100000, '[');
  if (name == "huge") tools = std::string(8 << 20, ' ');
  plugin.tools = {tools.data(), tools.size()};
  return &plugin;
}
