// The embedded model as callers see it, on the bundled model.

#include <orkestra/core/error.h>
#include <orkestra/core/json_schema.h>
#include <orkestra/model/engine/embedded_model.h>
#include <orkestra/tests/catch.h>

#include <future>

#include <cmath>
#include <set>

using namespace orkestra;
using namespace orkestra::model;

namespace {

std::shared_ptr<const LoadedModel> nano() {
  static const auto model = std::dynamic_pointer_cast<const LoadedModel>(
      Model::open(std::string(ORKESTRA_SOURCE_DIR) + "/tests/golden/agent/nano-v0.gguf"));
  return model;
}

EmbeddedModel engine(EngineOptions options = {.threads = 2}) { return {nano(), options}; }

ToolSpec tool(const std::string& name, const std::string& description,
              const std::string& argument) {
  return {.name = name,
          .description = description,
          .parameters = {{"type", "object"},
                         {"properties", {{argument, {{"type", "string"}}}}},
                         {"required", {argument}},
                         {"additionalProperties", false}}};
}

std::vector<ToolSpec> tools() {
  return {tool("get_price", "Get the price of a product.", "product"),
          tool("get_balance", "Get the balance of a customer.", "customer")};
}

Conversation question(const std::string& text = "What is the balance of the customer Treathlox?") {
  return Conversation().with_tools(tools()).with_turn({.role = Role::kUser, .text = text});
}

GenerateRequest request(Conversation conversation, Constraint constraint = {},
                        Sampling sampling = {}, std::int64_t max_tokens = 96) {
  GenerateRequest result;
  result.conversation = std::move(conversation);
  result.constraint = std::move(constraint);
  result.sampling = sampling;
  result.limits.max_tokens = max_tokens;
  return result;
}

ErrorCode code_of(Ticket& ticket) {
  try {
    ticket.wait();
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("the ticket did not fail");
  return ErrorCode::kInternal;
}

std::string written_by(const Generation& generation) {
  return nano()->tokenizer().decode(generation.turn.generated->ids);
}

}  // namespace

TEST_CASE("a model's id names it and hashes what defines it") {
  const std::string& id = nano()->id();
  const std::size_t at = id.find('@');
  REQUIRE(at != std::string::npos);
  CHECK(id.substr(0, at) == nano()->file().text("general.name"));
  CHECK(id.size() - at - 1 == 12);
  CHECK(engine().capabilities().id == id);
  CHECK(engine().capabilities().kind == "embedded");
}

TEST_CASE("a generated turn holds its ids, its text and what it cost") {
  EmbeddedModel model = engine();
  std::string streamed;
  GenerateRequest asked = request(question(), {}, {}, 40);
  asked.on_text = [&](std::string_view piece) { streamed += piece; };
  const Generation g = generate(model, asked);
  REQUIRE(g.turn.generated);
  CHECK(g.turn.role == Role::kAssistant);
  CHECK(g.turn.generated->model_id == nano()->id());
  CHECK(g.usage.generated == static_cast<std::int64_t>(g.turn.generated->ids.size()));
  CHECK(g.usage.generated > 0);
  CHECK(g.usage.reused == 0);
  CHECK(streamed == g.turn.text);  // a call is no text
  CHECK(g.log_probability < 0.0);
  for (const TokenId id : g.turn.generated->ids) {
    CHECK(nano()->tokenizer().kind(id) != TokenKind::kControl);
  }
}

TEST_CASE("alone or batched, one thread or two, small steps or large: the same turns") {
  std::vector<GenerateRequest> requests;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    requests.push_back(request(question(), {}, {.temperature = 2.0, .seed = seed}, 30));
  }
  requests.push_back(request(question("What is the price of the product Norvane?"), {}, {}, 30));
  std::vector<Generation> expected;
  for (const GenerateRequest& r : requests) {
    EmbeddedModel fresh = engine({.threads = 1});
    expected.push_back(generate(fresh, r));
  }
  for (const EngineOptions& options :
       {EngineOptions{.threads = 2}, EngineOptions{.threads = 2, .max_batch_tokens = 9},
        EngineOptions{.threads = 1, .state_budget_bytes = 0}}) {
    EmbeddedModel model = engine(options);
    const auto tickets = model.submit(requests);
    for (std::size_t i = 0; i < tickets.size(); ++i) {
      const Generation g = tickets[i]->wait();
      CHECK(g.turn.generated->ids == expected[i].turn.generated->ids);
      CHECK(g.log_probability == expected[i].log_probability);
      CHECK(g.finish == expected[i].finish);
    }
  }
  CHECK(expected[0].turn.generated->ids != expected[1].turn.generated->ids);
}

TEST_CASE("candidates of one submit share the prompt; the next turn computes new tokens only") {
  EmbeddedModel model = engine();
  std::vector<GenerateRequest> requests;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    requests.push_back(
        request(question(), Constraint::tool_call(tools()), {.temperature = 1.0, .seed = seed}));
  }
  std::vector<Generation> candidates;
  for (const auto& ticket : model.submit(requests)) candidates.push_back(ticket->wait());
  CHECK(candidates[0].usage.reused == 0);
  CHECK(candidates[1].usage.reused == candidates[0].usage.prompt);
  CHECK(candidates[2].usage.reused == candidates[0].usage.prompt);

  const Generation& chosen = candidates[1];
  const Conversation after = question()
                                 .with_turn(chosen.turn)
                                 .with_turn({.role = Role::kTool, .text = "{\"balance\": 1520}"});
  const Generation next = generate(model, request(after, {}, {}, 8));
  // All but the last written token (never fed when the constraint ended the turn) and the rest.
  const std::int64_t known = chosen.usage.prompt + chosen.usage.generated;
  CHECK(next.usage.reused >= known - 1);
  CHECK(next.usage.reused <= known);
  const Generation again = generate(model, requests[0]);
  CHECK(again.usage.reused == again.usage.prompt);
  CHECK(again.turn.generated->ids == candidates[0].turn.generated->ids);
}

TEST_CASE("tenants share no state") {
  EmbeddedModel model = engine();
  GenerateRequest a = request(question(), {}, {}, 4);
  a.tenant = "a";
  GenerateRequest b = a;
  b.tenant = "b";
  generate(model, a);
  CHECK(generate(model, b).usage.reused == 0);
  CHECK(generate(model, a).usage.reused > 0);
}

TEST_CASE("constrained turns are valid whatever the temperature") {
  EmbeddedModel model = engine();
  const Json schema = {{"type", "object"},
                       {"properties",
                        {{"name", {{"type", "string"}, {"maxLength", 12}}},
                         {"count", {{"type", "integer"}, {"minimum", 1}, {"maximum", 99}}},
                         {"kind", {{"enum", {"a", "b"}}}}}},
                       {"required", {"name", "count", "kind"}},
                       {"additionalProperties", false}};
  const auto validator = JsonSchema::compile(schema);
  std::vector<GenerateRequest> requests;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const Sampling wild{.temperature = seed % 2 == 0 ? 1.0 : 3.0, .seed = seed};
    requests.push_back(request(question(), Constraint::json_schema(schema), wild, 400));
    requests.push_back(request(question(), Constraint::choices({"yes", "no", "maybe so"}), wild));
    requests.push_back(request(
        question(),
        Constraint::sequence({Constraint::literal("Answer: "),
                              Constraint::span({{"request", "the customer Treathlox owes"}})}),
        wild));
    requests.push_back(request(question(), Constraint::tool_call(tools()), wild, 400));
  }
  const auto tickets = model.submit(requests);
  std::size_t finished = 0;
  for (std::size_t i = 0; i < tickets.size(); i += 4) {
    const Generation object = tickets[i]->wait();
    if (object.finish != FinishReason::kLength) {
      CHECK(validator->validate(parse_json(written_by(object))).empty());
      ++finished;
    }
    const Generation choice = tickets[i + 1]->wait();
    CHECK(std::set<std::string>{"yes", "no", "maybe so"}.count(written_by(choice)) == 1);
    CHECK(choice.finish != FinishReason::kLength);
    const std::string span = written_by(tickets[i + 2]->wait());
    CHECK(span.rfind("Answer: ", 0) == 0);
    CHECK(std::string("the customer Treathlox owes").find(span.substr(8)) != std::string::npos);
    const Generation call = tickets[i + 3]->wait();
    if (call.finish != FinishReason::kLength) {
      REQUIRE(call.turn.tool_calls.size() == 1);
      const ToolCall& made = call.turn.tool_calls[0];
      const ToolSpec spec = made.name == "get_price" ? tools()[0] : tools()[1];
      CHECK(spec.name == made.name);
      CHECK(JsonSchema::compile(spec.parameters)->validate(made.arguments).empty());
      ++finished;
    }
  }
  CHECK(finished > 12);
}

TEST_CASE("scores are the log-probabilities that writing would have had") {
  EmbeddedModel model = engine();
  const Generation g = generate(model, request(question(), {}, {}, 12));
  const std::string text = written_by(g);
  REQUIRE(nano()->tokenizer().encode(text) == g.turn.generated->ids);
  const ScoreResult result =
      model.score({.conversation = question(), .choices = {text, "yes", "", "no way at all"}});
  REQUIRE(result.log_probability.size() == 4);
  CHECK(result.log_probability[0] == g.log_probability);
  CHECK(result.log_probability[1] < result.log_probability[0]);
  CHECK(result.log_probability[2] == 0.0);
  CHECK(std::isfinite(result.log_probability[3]));
  CHECK(result.method == "logits");
  CHECK(result.usage.reused == result.usage.prompt);

  EmbeddedModel fresh = engine({.threads = 1, .state_budget_bytes = 0});
  const ScoreResult apart =
      fresh.score({.conversation = question(), .choices = {"no way at all", text}});
  CHECK(apart.log_probability[0] == result.log_probability[3]);
  CHECK(apart.log_probability[1] == result.log_probability[0]);
}

TEST_CASE("scoring many choices computes the prompt once") {
  EmbeddedModel model = engine();
  std::vector<std::string> choices;
  std::int64_t fed = 0;
  for (int i = 0; i < 100; ++i) {
    choices.push_back("choice " + std::to_string(i));
    fed += static_cast<std::int64_t>(nano()->tokenizer().encode(choices.back()).size()) - 1;
  }
  const ScoreResult result = model.score({.conversation = question(), .choices = choices});
  CHECK(result.usage.reused == 0);
  CHECK(model.counts().tokens_computed == result.usage.prompt + fed);
}

TEST_CASE("length, context, deadline, cancellation") {
  EmbeddedModel model = engine();
  const Generation cut = generate(model, request(question(), {}, {}, 3));
  CHECK(cut.finish == FinishReason::kLength);
  CHECK(cut.usage.generated == 3);
  CHECK_THROWS_AS(model.submit({request(question(), {}, {}, 0)}), Error);
  CHECK_THROWS_AS(model.submit({request(question(), {}, {.temperature = -1.0})}), Error);

  std::string long_text;
  while (long_text.size() < static_cast<std::size_t>(nano()->context_length()) * 12) {
    long_text += "a question that never ends ";
  }
  try {
    generate(model, request(question(long_text)));
    FAIL("a prompt longer than the context was accepted");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kExhausted);
    CHECK(error.message().find(std::to_string(nano()->context_length())) != std::string::npos);
  }
  CHECK_THROWS_AS(model.score({.conversation = question(long_text), .choices = {"a"}}), Error);

  GenerateRequest late = request(question(), {}, {}, 1000);
  late.limits.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  late.constraint = Constraint::span({{"long", std::string(4000, 'x')}},
                                     {.min_bytes = 900, .whole_words = false});
  CHECK(code_of(*model.submit({late}).front()) == ErrorCode::kDeadline);

  const auto tickets = model.submit({request(question(), {}, {}, 64), request(question())});
  tickets[0]->cancel();
  CHECK(code_of(*tickets[0]) == ErrorCode::kCancelled);
  CHECK(tickets[1]->wait().usage.generated > 0);
  static_cast<void>(model.submit({request(question())}));  // dropped: must neither hang nor leak
}

TEST_CASE("a stop string ends a turn before it") {
  EmbeddedModel model = engine();
  const Conversation plain = Conversation().with_turn({.role = Role::kUser, .text = "Why?"});
  GenerateRequest asked = request(plain, {}, {.temperature = 1.0, .seed = 3}, 24);
  const std::string whole = generate(model, asked).turn.text;
  REQUIRE(whole.size() > 6);
  asked.stop = {whole.substr(whole.size() / 2, 3), "never written"};
  std::string streamed;
  asked.on_text = [&](std::string_view piece) { streamed += piece; };
  const Generation cut = generate(model, asked);
  CHECK(cut.turn.text == whole.substr(0, whole.find(asked.stop[0])));
  CHECK(streamed == cut.turn.text);
  CHECK(cut.finish == FinishReason::kStop);
  CHECK_FALSE(cut.turn.generated);  // its ids would say more than its text
  asked.on_text = {};
  CHECK(generate(model, asked).turn.text == cut.turn.text);
  asked.stop = {""};
  CHECK_THROWS_AS(model.submit({asked}), Error);
}

TEST_CASE("a reader that stalls delays nobody else; progress of a long prompt is told") {
  EmbeddedModel model(nano(), {.threads = 2});
  std::promise<void> go_on;
  std::promise<void> stalled;
  std::string slow_text;
  GenerateRequest slow = request(question(), {}, {}, 12);
  slow.on_text = [&](std::string_view piece) {
    if (slow_text.empty()) {
      stalled.set_value();
      go_on.get_future().wait();
    }
    slow_text += piece;
  };
  auto reader = std::async(std::launch::async, [&] { return generate(model, slow); });
  stalled.get_future().wait();
  std::vector<std::int64_t> done;
  std::int64_t prompt = 0;
  GenerateRequest other = request(question("something else, and at some length"), {}, {}, 12);
  other.on_progress = [&](std::int64_t n_done, std::int64_t n_prompt) {
    done.push_back(n_done);
    prompt = n_prompt;
  };
  const Generation generation = generate(model, other);  // would not return
  CHECK(generation.usage.generated > 0);
  REQUIRE_FALSE(done.empty());
  CHECK(done.back() == generation.usage.prompt);
  CHECK(prompt == generation.usage.prompt);
  CHECK(std::is_sorted(done.begin(), done.end()));
  go_on.set_value();
  CHECK(reader.get().turn.text == slow_text);
}

TEST_CASE("under a constraint the limit ends a text that is whole, and one too tight is refused") {
  EmbeddedModel model = engine();
  const Json schema = Json::parse(
      R"({"type":"object","properties":{"name":{"type":"string"},"tags":{"type":"array","items":
          {"type":"string"}}},"required":["name","tags"]})");
  const auto validator = JsonSchema::compile(schema);
  bool refused = false;
  for (std::int64_t limit = 1; limit < 40; limit += 3) {
    const GenerateRequest asked =
        request(question(), Constraint::json_schema(schema),
                {.temperature = 1.5, .seed = static_cast<std::uint64_t>(limit)}, limit);
    try {
      const Generation g = generate(model, asked);
      INFO(limit << ": " << g.turn.text);
      CHECK(g.usage.generated <= limit);
      CHECK(validator->validate(parse_json(written_by(g), "text")).empty());
    } catch (const Error& error) {
      CHECK(limit < 12);
      CHECK(error.code() == ErrorCode::kInvalid);
      CHECK(error.message().find("max_tokens is " + std::to_string(limit)) != std::string::npos);
      refused = true;
    }
  }
  CHECK(refused);
}

TEST_CASE("what can only be one thing is written in one step, and counted") {
  EmbeddedModel model = engine();
  const std::string text =
      "{\"description\":\"Get the price of a product.\",\"name\":\"get_price\"}";
  const auto before = model.counts().steps;
  const Generation g = generate(model, request(question(), Constraint::literal(text)));
  CHECK(written_by(g) == text);
  CHECK(g.finish == FinishReason::kConstraint);
  CHECK(g.usage.forced > g.usage.generated / 2);
  CHECK(g.usage.generated == static_cast<std::int64_t>(g.turn.generated->ids.size()));
  CHECK(model.counts().steps - before < g.usage.generated);
  // A choice in the middle is the model's own.
  const Generation chosen = generate(
      model, request(question(), Constraint::choices({"the answer to that is yes, it is so",
                                                      "the answer to that is no, it is not"})));
  CHECK(chosen.usage.forced > 0);
  CHECK(written_by(chosen).starts_with("the answer to that is "));
}

TEST_CASE("thinking ends within its budget, and the answer keeps to its constraint") {
  EmbeddedModel model = engine();
  const Json schema = Json::parse(R"({"type":"array","items":{"type":"integer"},"minItems":1})");
  for (const std::int64_t budget : {0, 6, 20}) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      GenerateRequest asked = request(question(), Constraint::json_schema(schema),
                                      {.temperature = 1.5, .seed = seed}, 60);
      asked.thinking = {.begin = "<think>", .end = "</think>", .max_tokens = budget};
      const Generation g = generate(model, asked);
      const std::string text = written_by(g);
      INFO(text);
      const std::size_t end = text.find("</think>");
      REQUIRE(text.starts_with("<think>"));
      REQUIRE(end != std::string::npos);
      const std::string answer = text.substr(end + 8);
      CHECK(JsonSchema::compile(schema)->validate(parse_json(answer, "answer")).empty());
      std::size_t thought = 0;
      std::string so_far;
      for (const TokenId id : g.turn.generated->ids) {
        if (so_far.find("</think>") != std::string::npos) break;
        so_far += nano()->tokenizer().bytes(id);
        ++thought;
      }
      CHECK(thought <= std::max<std::size_t>(static_cast<std::size_t>(budget), 17));
    }
  }
}

TEST_CASE("a tool whose schema can't be enforced is left out, with the reason") {
  EmbeddedModel model = engine();
  std::vector<ToolSpec> offered = tools();
  offered[0].parameters["properties"]["product"]["uniqueItems"] = true;
  offered[0].parameters["properties"]["product"]["type"] = "array";
  const Generation g =
      generate(model, request(question(), Constraint::tool_call(offered), {}, 120));
  REQUIRE(g.turn.tool_calls.size() == 1);
  CHECK(g.turn.tool_calls[0].name == "get_balance");
  REQUIRE(g.disabled_tools.size() == 1);
  CHECK(g.disabled_tools[0].name == "get_price");
  CHECK(g.disabled_tools[0].reason.find("/properties/product/uniqueItems") != std::string::npos);
  offered.pop_back();
  try {
    model.submit({request(question(), Constraint::tool_call(offered))});
    FAIL("a call without any tool was accepted");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kUnsupported);
    CHECK(error.message().find("get_price") != std::string::npos);
  }
}
