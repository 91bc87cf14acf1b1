// What comes from a server, taken apart by itself: events, replies, scores, headers. Mutated bytes
// end in data or an Error, within bounds.
#include <orkestra/core/error.h>
#include <orkestra/core/event_stream.h>
#include <orkestra/core/text.h>
#include <orkestra/model/remote/chat_reply.h>
#include <orkestra/model/remote/constraint_check.h>
#include <orkestra/model/remote/remote_score.h>
#include <orkestra/model/remote/server_client.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/text_test_models.h>

#include <cmath>
#include <random>

namespace orkestra::model {
namespace {

std::vector<ServerEvent> events_of(std::string_view bytes, std::size_t piece) {
  EventStreamReader reader(1000);
  std::vector<ServerEvent> events;
  for (std::size_t i = 0; i < bytes.size(); i += piece) {
    reader.push(bytes.substr(i, piece), [&](const ServerEvent& event) {
      events.push_back(event);
      return true;
    });
  }
  return events;
}

TEST_CASE("events are read whatever their line ends and pieces") {
  const std::string stream =
      "\xEF\xBB\xBF: comment\ndata: one\r\ndata:two\n\nevent: e\rid: 7\rdata\r\r\n\n"
      "nothing: x\n\nretry: 5\ndata:  spaced\n\ndata: unfinished";
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 1000U}) {
    const auto events = events_of(stream, piece);
    REQUIRE(events.size() == 3);
    CHECK(events[0].data == "one\ntwo");
    CHECK(events[0].name.empty());
    CHECK(events[1].name == "e");
    CHECK(events[1].id == "7");
    CHECK(events[1].data.empty());
    CHECK(events[2].data == " spaced");
  }
}

TEST_CASE("an event larger than the bound is refused, whatever it is made of") {
  CHECK_THROWS_AS(events_of("data: " + std::string(2000, 'x'), 100), Error);
  std::string lines;
  for (int i = 0; i < 200; ++i) lines += "data: xxxxxxxxxx\n";
  CHECK_THROWS_AS(events_of(lines, 100), Error);
  CHECK_NOTHROW(events_of(std::string(5000, '\n') + "data: x\n\n", 100));
}

TEST_CASE("reading events ends when the reader of one says so") {
  EventStreamReader reader;
  int seen = 0;
  CHECK_FALSE(reader.push("data: a\n\ndata: b\n\n", [&](const ServerEvent&) {
    ++seen;
    return false;
  }));
  CHECK(seen == 1);
}

TEST_CASE("replies that are not what they should be name what is wrong") {
  const std::vector<std::pair<std::string, ErrorCode>> rows{
      {"", ErrorCode::kCorrupt},
      {"[]", ErrorCode::kCorrupt},
      {"{}", ErrorCode::kCorrupt},
      {"{\"choices\":[]}", ErrorCode::kCorrupt},
      {"{\"choices\":[5]}", ErrorCode::kCorrupt},
      {"{\"choices\":[{}]}", ErrorCode::kCorrupt},
      {R"({"choices":[{"message":{"content":5}}]})", ErrorCode::kCorrupt},
      {R"({"choices":[{"message":{"tool_calls":5}}]})", ErrorCode::kCorrupt},
      {R"({"choices":[{"message":{"tool_calls":[{"function":{"arguments":5}}]}}]})",
       ErrorCode::kCorrupt},
      {R"({"choices":[{"message":{"tool_calls":[{"index":9}]}}]})", ErrorCode::kCorrupt},
      {R"({"choices":[{"message":{"tool_calls":[{"index":-1}]}}]})", ErrorCode::kCorrupt},
      {R"({"choices":[{"message":{"content":"\ud800"}}]})", ErrorCode::kCorrupt},
      {R"({"error":{"message":"out of memory"}})", ErrorCode::kUnavailable},
      {R"({"choices":[{"message":{"content":"x"},"finish_reason":"content_filter"}]})",
       ErrorCode::kDenied},
      {R"({"choices":[{"message":{"content":")" + std::string(5 << 20, 'x') + "\"}}]}",
       ErrorCode::kExhausted},
  };
  for (const auto& [body, code] : rows) {
    INFO(body.substr(0, 100));
    try {
      ChatReplyReader reader("server");
      reader.take_whole(body);
      FAIL("was read");
    } catch (const Error& error) {
      CHECK(error.code() == code);
      CHECK(error.message().find("server") == 0);
    }
  }
}

TEST_CASE("many small deltas are bounded together") {
  ChatReplyReader reader("server");
  const std::string delta =
      R"({"choices":[{"delta":{"content":")" + std::string(100000, 'x') + "\"}}]}";
  CHECK_THROWS_AS(
      [&] {
        for (int i = 0; i < 100; ++i) reader.take_delta(delta);
      }(),
      Error);
}

TEST_CASE("log-probabilities are normalised over the choices; nonsense is none") {
  const auto read = [](const char* json) { return read_log_probabilities(Json::parse(json), 2); };
  const auto one = read(R"([{"token":"A","logprob":-0.1},{"token":"x","logprob":-3.0}])");
  REQUIRE(one);
  CHECK(std::exp((*one)[0]) + std::exp((*one)[1]) == Approx(1.0));
  CHECK((*one)[0] > (*one)[1]);
  for (const char* json :
       {"null", "[]", "[5]", R"([{"token":"C","logprob":-1}])", R"([{"token":"A","logprob":"x"}])",
        R"([{"token":"A","logprob":5}])", R"([{"token":"A"}])", R"({"token":"A"})"}) {
    INFO(json);
    CHECK_FALSE(read(json));
  }
}

TEST_CASE("a vote is a letter that stands for itself") {
  for (const char* text : {"B", "b", " B\n", "B)", "**B**", "B) yes", "(B)", "The answer is B."}) {
    INFO(text);
    CHECK(read_vote(text, 3) == std::optional<std::size_t>(1));
  }
  for (const char* text : {"", "Both", "A good reply", "D", "?", "1", "because"}) {
    INFO(text);
    CHECK_FALSE(read_vote(text, 3));
  }
}

TEST_CASE("Retry-After is seconds or a date") {
  using std::chrono::milliseconds;
  CHECK(parse_retry_after("3", 0) == milliseconds(3000));
  CHECK(parse_retry_after("-3", 0) == milliseconds(0));
  CHECK(parse_retry_after("Thu, 01 Jan 1970 00:01:40 GMT", 40) == milliseconds(60000));
  CHECK(parse_retry_after("Thu, 01 Jan 1970 00:01:40 GMT", 400) == milliseconds(0));
  CHECK(parse_retry_after("9999999999999", 0) == milliseconds(86400000));
  for (const char* value : {"", "soon", "3.5", "99999999999999999999", "Thu, 01 Jan 1970"}) {
    INFO(value);
    CHECK_FALSE(parse_retry_after(value, 0));
  }
}

TEST_CASE("fuzz: mutated streams and replies are read or refused") {
  const std::vector<std::string> seeds{
      R"({"choices":[{"index":0,"message":{"role":"assistant","content":"hello","tool_calls":[{"id":"x","type":"function","function":{"name":"zoltrax","arguments":"{\"ship\":\"Vela\"}"}}]},"finish_reason":"stop","logprobs":{"content":[{"top_logprobs":[{"token":"A","logprob":-0.5}]}]}}],"usage":{"prompt_tokens":5,"completion_tokens":6,"prompt_tokens_details":{"cached_tokens":2}}})",
      R"({"choices":[{"delta":{"content":"<tool_call>{\"name\":\"zoltrax\",\"arguments\":{}}</tool_call>","tool_calls":[{"index":0,"function":{"name":"f","arguments":"{"}}]},"finish_reason":null}]})"};
  const std::vector<std::string> pieces{"null",  "[]",     "{}",   "\"",      "-1",
                                        "1e400", ",",      ":",    "\\u0000", "\\ud800",
                                        "\n\n",  "data: ", "\xFF", "[DONE]",  "99"};
  const Constraint constraint = Constraint::any_of(
      {Constraint::tool_call({test::price_tool()}, {{"r", "Vela"}}), Constraint::text()});
  const ConstraintCheck check(constraint, plan_constraint(constraint, {}));
  std::mt19937 random(17);
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string body = seeds[random() % seeds.size()];
    for (auto edits = random() % 4; edits > 0; --edits) {
      const std::size_t at = random() % (body.size() + 1);
      if (random() % 3 == 0) {
        body.erase(at, 1 + random() % 12);
      } else {
        body.insert(at, pieces[random() % pieces.size()]);
      }
    }
    try {
      ChatReplyReader reader("server");
      if (body.find("delta") == std::string::npos) {
        reader.take_whole(body);
      } else {
        EventStreamReader events(4096);
        const std::string stream = "data: " + body + "\n\ndata: [DONE]\n\n";
        for (std::size_t at = 0; at < stream.size();) {
          const std::size_t size = 1 + random() % 50;
          const bool more =
              events.push(std::string_view(stream).substr(at, size), [&](const ServerEvent& event) {
                const std::string_view added = reader.take_delta(event.data);
                if (!valid_utf8(added)) FAIL("no text: " << body);
                return !reader.done();
              });
          if (!more) break;
          at += size;
        }
      }
      const ChatReply reply = reader.finish();
      if (reply.usage.reused > reply.usage.prompt || reply.usage.generated < 0) FAIL(body);
      (void)read_log_probabilities(reply.log_probabilities, 3);
      const auto outcome = check.check(reply);
      // What passes for a call is one that the constraint allows.
      if (outcome.violation.empty() && !outcome.turn.tool_calls.empty() &&
          outcome.turn.tool_calls[0].arguments != Json{{"ship", "Vela"}}) {
        FAIL("allowed: " << body);
      }
      ++read;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInternal || error.message().empty()) FAIL(error.message());
    }
  }
  CHECK(read > 2000);
}

}  // namespace
}  // namespace orkestra::model
