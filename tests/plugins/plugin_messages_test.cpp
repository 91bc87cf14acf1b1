// The bytes a plugin's process sends are from outside: only Error may come of them.
#include <orkestra/core/child_process.h>
#include <orkestra/core/error.h>
#include <orkestra/plugins/frame.h>
#include <orkestra/plugins/messages.h>
#include <orkestra/tests/catch.h>

#include <sys/socket.h>
#include <unistd.h>

#include <random>

using namespace orkestra;
using namespace std::chrono_literals;

namespace {

const std::string kHello =
    R"({"abi":1,"name":"n","version":"1","tools":"[{\"name\":\"t\",\"description\":\"d\",)"
    R"(\"parameters\":{\"type\":\"object\",\"properties\":{\"a\":{\"enum\":[1,2]}}},)"
    R"(\"traits\":{\"side_effects\":false},\"answer_form\":\"f\"}]"})";
const std::string kReply = R"({"seq":7,"status":0,"text":"{\"a\":[1,2.5,\"x\",null,true]}"})";

std::string mutated(std::string text, std::mt19937& random) {
  static const std::string kBytes = "{}[]\",:\\0123456789eE.-+ntfu\xff\x80 ";
  for (auto edits = 1 + random() % 4; edits > 0 && !text.empty(); --edits) {
    const std::size_t at = random() % text.size();
    switch (random() % 4) {
      case 0:
        text[at] = kBytes[random() % kBytes.size()];
        break;
      case 1:
        text.erase(at, 1 + random() % 8);
        break;
      case 2:
        text.insert(at, text.substr(random() % text.size(), random() % 30));
        break;
      default:
        text.resize(at);
    }
  }
  return text;
}

}  // namespace

TEST_CASE("mutated descriptions and replies are read or refused, nothing else") {
  std::mt19937 random(42);
  int read = 0, refused = 0;
  for (int i = 0; i < 6000; ++i) {
    try {
      if (i % 2 == 0) {
        const plugins::Hello hello = plugins::read_hello(mutated(kHello, random));
        REQUIRE(!hello.tools.empty());
      } else {
        const ToolResult result = plugins::read_reply(mutated(kReply, random), 7, 1000);
        REQUIRE((result.ok || !result.message.empty()));
      }
      ++read;
    } catch (const Error& e) {
      REQUIRE(!e.message().empty());
      ++refused;
    }
  }
  CHECK(read > 100);
  CHECK(refused > 1000);
}

TEST_CASE("frames arrive whole, whatever the pieces they come in") {
  const DescriptorPair pair = make_socket_pair();
  const std::string text = "some text";
  plugins::send_frame(pair.first.get(), text, Limits::within(5s));
  plugins::send_frame(pair.first.get(), "", Limits::within(5s));
  CHECK(plugins::receive_frame(pair.second.get(), 100, Limits::within(5s)) == text);
  CHECK(plugins::receive_frame(pair.second.get(), 100, Limits::within(5s)).empty());
  std::string raw("\x09\0\0\0", 4);
  raw += text;
  for (const char byte : raw) REQUIRE(::send(pair.first.get(), &byte, 1, 0) == 1);
  CHECK(plugins::receive_frame(pair.second.get(), 100, Limits::within(5s)) == text);
}

TEST_CASE("random bytes instead of frames are an Error, without large memory") {
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    DescriptorPair pair = make_socket_pair();
    std::string bytes;
    for (auto n = random() % 40; n > 0; --n) bytes += static_cast<char>(random());
    if (bytes.size() > 3 && i % 2 == 0) bytes[1] = bytes[2] = bytes[3] = '\0';
    REQUIRE(::send(pair.first.get(), bytes.data(), bytes.size(), 0) ==
            static_cast<ssize_t>(bytes.size()));
    pair.first.reset();
    try {
      for (;;) {
        const std::string text =
            plugins::receive_frame(pair.second.get(), 1000, Limits::within(5s));
        REQUIRE(text.size() <= 1000);
      }
    } catch (const Error& e) {
      REQUIRE((e.code() == ErrorCode::kCorrupt || e.code() == ErrorCode::kUnavailable));
    }
  }
}

TEST_CASE("nobody waits past a deadline, for bytes or for room") {
  const DescriptorPair pair = make_socket_pair();
  const auto code = [](auto work) {
    try {
      work();
    } catch (const Error& e) {
      return e.code();
    }
    return ErrorCode::kInternal;
  };
  CHECK(code([&] { plugins::receive_frame(pair.first.get(), 10, Limits::within(20ms)); }) ==
        ErrorCode::kDeadline);
  const std::string large(std::size_t{4} << 20U, 'x');
  CHECK(code([&] { plugins::send_frame(pair.first.get(), large, Limits::within(20ms)); }) ==
        ErrorCode::kDeadline);
}
