// Our own client on our own service: a model asked over HTTP says what it says in process.
#include <orkestra/model/remote/remote_model.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/service/service_fixture.h>

namespace orkestra::service {
namespace {

model::Generation say(model::LanguageModel& from, const std::string& question,
                      model::Constraint constraint) {
  model::GenerateRequest request{
      .conversation = Conversation()
                          .with_turn(Turn{.role = Role::kSystem, .text = "Be brief."})
                          .with_turn(Turn{.role = Role::kUser, .text = question}),
      .constraint = std::move(constraint)};
  request.limits = Limits::within(std::chrono::seconds(60));
  request.limits.max_tokens = 24;
  request.sampling.temperature = 0;
  std::vector<model::GenerateRequest> requests;
  requests.push_back(std::move(request));
  return from.submit(std::move(requests)).front()->wait();
}

}  // namespace

TEST_CASE("a model asked through the service writes what it writes in process") {
  const planner::RunFixture files;
  agent::Agent agent({.model = ORKESTRA_BINARY_DIR "/share/orkestra/models/nano.gguf",
                      .store = files.file("store.db")});
  Server server(agent, {.port = 0, .model_name = "nano"});
  std::thread serving([&] { server.run(); });
  const auto remote = model::make_remote_model(model::parse_remote_name(
      "openai:http://127.0.0.1:" + std::to_string(server.port()) + "/v1#nano"));
  for (const char* question : {"What is the balance of the customer Ada?", "Hello."}) {
    const model::Generation here = say(agent.model(), question, model::Constraint::text());
    const model::Generation there = say(*remote, question, model::Constraint::text());
    CHECK(there.turn.text == here.turn.text);
    CHECK(there.usage.generated == here.usage.generated);
    CHECK(there.usage.prompt == here.usage.prompt);
  }
  server.stop();
  serving.join();
}

}  // namespace orkestra::service
