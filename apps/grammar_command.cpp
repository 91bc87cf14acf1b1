#include <orkestra/apps/grammar_command.h>
#include <orkestra/core/error.h>
#include <orkestra/core/json_schema.h>
#include <orkestra/model/text/constraint/constraint_automaton.h>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

namespace orkestra::apps {
namespace {

constexpr int kRejects = 10;
constexpr int kUnsupported = 11;

Json read_schema(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(ErrorCode::kNotFound, path + ": can't open the schema");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return parse_json(text, path, {.max_depth = 512});
}

std::string read_input() {
  std::cin >> std::noskipws;
  return {std::istreambuf_iterator<char>(std::cin), {}};
}

// The JSON Pointer in a message about a keyword, on a line of its own; then the message.
int refuse(const Error& e) {
  const std::string& message = e.message();
  const std::size_t begin = message.find(" /");
  if (begin != std::string::npos) {
    const std::size_t end = message.find_first_of(" :", begin + 1);
    std::fprintf(stderr, "%s\n", message.substr(begin + 1, end - begin - 1).c_str());
  }
  std::fprintf(stderr, "orkestra: %s\n", message.c_str());
  return kUnsupported;
}

int accepts(const std::string& schema_path) {
  const Json schema = read_schema(schema_path);
  const std::string instance = read_input();
  std::shared_ptr<const model::ConstraintAutomaton> automaton;
  try {
    automaton = model::ConstraintAutomaton::compile(
        model::Constraint::json_schema(schema, {}, model::JsonForm::kAny), true);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::kUnsupported || e.code() == ErrorCode::kExhausted) return refuse(e);
    throw;
  }
  model::ConstraintMatcher matcher(automaton);
  return matcher.accept(instance) && matcher.complete() ? 0 : kRejects;
}

int validate(const std::string& schema_path) {
  const Json schema = read_schema(schema_path);
  const Json instance = parse_json(read_input(), "the instance", {.max_depth = 512});
  const auto violations = JsonSchema::compile(schema)->validate(instance);
  if (violations.empty()) return 0;
  std::fprintf(stderr, "%s\n", to_text(violations).c_str());
  return kRejects;
}

}  // namespace

void add_grammar_command(CLI::App& app, int& exit_status) {
  CLI::App* const grammar =
      app.add_subcommand("grammar", "Hold a JSON text from stdin against a JSON Schema");
  grammar->require_subcommand(1);
  const auto schema = std::make_shared<std::string>();
  const auto add = [&](const char* name, const char* help, int (*run)(const std::string&)) {
    CLI::App* const command = grammar->add_subcommand(name, help);
    command->add_option("SCHEMA", *schema, "file with the JSON Schema")->required();
    command->callback([schema, run, &exit_status] { exit_status = run(*schema); });
  };
  add("accepts",
      "by the automaton that limits what models write: exit 0 accepts, 10 rejects, 11 a keyword "
      "can't be decided (JSON Pointer on stderr)",
      accepts);
  add("validate", "by the validator: exit 0 valid, 10 invalid (why is on stderr)", validate);
}

}  // namespace orkestra::apps
