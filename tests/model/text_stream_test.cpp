#include <orkestra/core/error.h>
#include <orkestra/model/text/chat/text_stream.h>
#include <orkestra/model/text/utf8.h>
#include <orkestra/tests/catch.h>

#include <random>

namespace orkestra::model {
namespace {

struct Written {
  std::string reasoning;
  std::string answer;
  std::string call;
  std::size_t kept = 0;
  bool stopped = false;
  bool whole = true;  // every piece is valid UTF-8 by itself
};

bool valid(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

// `text` in pieces of `size` bytes.
Written write(const std::string& text, std::size_t size, const TextStreamOptions& options) {
  Written out;
  TextStream stream(options);
  const TextStream::Sink sink = [&](TextStream::Part part, std::string_view piece) {
    out.whole = out.whole && valid(piece);
    (part == TextStream::Part::kReasoning ? out.reasoning : out.answer) += piece;
  };
  for (std::size_t at = 0; at < text.size(); at += size) {
    if (!stream.push(text.substr(at, size), sink)) break;
    REQUIRE(out.answer.size() + out.reasoning.size() <= at + size);
  }
  stream.finish(sink);
  out.call = stream.call();
  out.kept = stream.kept();
  out.stopped = stream.stopped();
  return out;
}

const ReasoningMarkers kThink{"<think>", "</think>"};

TEST_CASE("stream: pieces end at the edges of characters") {
  const std::string text = "a\xC3\xA9\xE6\x97\xA5\xF0\x9F\x98\x80z";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    const Written out = write(text, size, {});
    CHECK(out.whole);
    CHECK(out.answer == text);
    CHECK(out.kept == text.size());
  }
  CHECK(write("a\xE6\x97", 1, {}).answer == "a\xEF\xBF\xBD");
}

TEST_CASE("stream: nothing of a stop string is handed out, however it is cut") {
  struct Case {
    const char* text;
    std::vector<std::string> stops;
    const char* answer;
  };
  const std::vector<Case> cases{
      {"one STOP two", {"STOP"}, "one "},
      {"one STO two", {"STOP"}, "one STO two"},
      {"aaab", {"aab"}, "a"},
      {"ababac", {"abac"}, "ab"},
      {"one\n\nUser: two", {"\nUser:", "###"}, "one\n"},
      {"x\xF0\x9F\x98\x80y", {"\x98\x80"}, "x\xEF\xBF\xBD"},
      {"STOP", {"STOP"}, ""},
      {"ends with ST", {"STOP"}, "ends with ST"},
      {"first b then a", {"a", "b"}, "first "},
  };
  for (const Case& line : cases) {
    for (std::size_t size = 1; size < 12; ++size) {
      INFO(line.text << " in pieces of " << size);
      const Written out = write(line.text, size, {.stops = line.stops});
      CHECK(out.answer == line.answer);
      CHECK(out.whole);
      CHECK(out.stopped == (std::string(line.answer) != line.text));
    }
  }
}

TEST_CASE("stream: reasoning is told from the answer") {
  for (std::size_t size = 1; size < 30; ++size) {
    INFO(size);
    const Written own = write("\n<think>\n2 < 3,\n so \n</think>\n\nYes </think>.", size,
                              {.stops = {"3,", "no"}, .reasoning = kThink});
    CHECK(own.reasoning == "2 < 3,\n so");
    CHECK(own.answer == "Yes </think>.");
    const Written opened = write("hm</think>STOP", size,
                                 {.stops = {"STOP"}, .reasoning = kThink, .in_reasoning = true});
    CHECK(opened.reasoning == "hm");
    CHECK(opened.answer.empty());
    CHECK(opened.kept == 10);
    const Written none = write(" <thin>k", size, {.reasoning = kThink});
    CHECK(none.reasoning.empty());
    CHECK(none.answer == " <thin>k");
    const Written cut = write("<think>and </thin", size, {.reasoning = kThink});
    CHECK(cut.reasoning == "and </thin");
    CHECK(cut.answer.empty());
    CHECK(write("<thi", size, {.reasoning = kThink}).answer == "<thi");
    CHECK(write("<think></think>", size, {.reasoning = kThink}).answer.empty());
  }
}

TEST_CASE("stream: a tool call is held back") {
  for (std::size_t size = 1; size < 12; ++size) {
    INFO(size);
    const Written marked = write("Look <tool <tool_call>{STOP}</tool_call>", size,
                                 {.stops = {"STOP"}, .calls = {"<tool_call>"}});
    CHECK(marked.answer == "Look <tool ");
    CHECK(marked.call == "<tool_call>{STOP}</tool_call>");
    CHECK_FALSE(marked.stopped);
    const Written bare =
        write("<think>a</think> {\"name\":1}", size, {.reasoning = kThink, .bare_calls = true});
    CHECK(bare.answer.empty());
    CHECK(bare.call == "{\"name\":1}");
    CHECK(write(" {\"name\":1}", size, {.bare_calls = true}).call == " {\"name\":1}");
    CHECK(write("a {\"name\":1}", size, {.bare_calls = true}).answer == "a {\"name\":1}");
  }
}

TEST_CASE("stream: what is cut in any way says the same") {
  std::mt19937 random(5);
  const std::vector<std::string> words{"<think>", "</think>", "<tool_call>", "STOP", "ST", "\n",
                                       " ",       "\xC3\xA9", "\xF0\x9F",    "a",    "<",  "{"};
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (std::size_t n = random() % 12; n > 0; --n) text += words[random() % words.size()];
    TextStreamOptions options{.reasoning = kThink, .in_reasoning = random() % 2 == 0};
    if (random() % 2) options.stops = {"STOP", "\n\n"};
    if (random() % 2) options.calls = {"<tool_call>"};
    const Written whole = write(text, 1000, options);
    const Written pieces = write(text, 1 + random() % 5, options);
    INFO(text);
    CHECK(whole.answer == pieces.answer);
    CHECK(whole.reasoning == pieces.reasoning);
    CHECK(whole.kept == pieces.kept);
    CHECK(whole.call == pieces.call);
    if (!options.stops.empty()) {
      CHECK(pieces.answer.find("STOP") == std::string::npos);
      CHECK(pieces.answer.find("\n\n") == std::string::npos);
    }
  }
}

TEST_CASE("stream: stop strings are bounded") {
  CHECK_THROWS_AS(TextStream({.stops = {""}}), Error);
  CHECK_THROWS_AS(TextStream({.stops = {std::string(257, 'x')}}), Error);
  CHECK_THROWS_AS(TextStream({.stops = std::vector<std::string>(17, "x")}), Error);
}

}  // namespace
}  // namespace orkestra::model
