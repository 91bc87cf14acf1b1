// Texts under constraints: writes many with a model at a high temperature, limits from the least
// that is possible to wide, and holds each against the validator.
//   bench_constraint_texts MODEL.gguf TEXTS [FOLDER [SCHEMAS]] [--temperature T] [--threads N]
// Schemas are the tests' own and, with a FOLDER, so many of JSONSchemaBench's that compile.

#include <orkestra/bench/constraints/corpus.h>
#include <orkestra/core/error.h>
#include <orkestra/core/json_schema.h>
#include <orkestra/model/engine/constrained_writer.h>
#include <orkestra/model/engine/embedded_model.h>
#include <orkestra/tests/model/constraint_schemas.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

using namespace orkestra;
using namespace orkestra::model;

namespace {

struct Case {
  std::string name;
  Constraint constraint;
  std::shared_ptr<const ConstraintAutomaton> automaton;
  std::shared_ptr<const JsonSchema> schema;  // none: the automaton itself judges
  std::size_t least = 0;
};

struct Options {
  std::string model;
  std::size_t texts = 300;
  std::string folder;
  std::size_t schemas = 200;
  double temperature = 1.5;
  int threads = 2;
};

std::vector<Case> cases(const Options& options, const LoadedModel& model) {
  const TokenSet writable = text_tokens(model.tokenizer());
  std::vector<Case> all;
  const auto add = [&](const std::string& name, const Constraint& constraint, const Json* schema) {
    Case one{.name = name, .constraint = constraint, .automaton = nullptr, .schema = nullptr};
    try {
      one.automaton = ConstraintAutomaton::compile(constraint);
      if (schema) one.schema = JsonSchema::compile(*schema);
    } catch (const Error&) {
      return;
    }
    one.least = ConstrainedWriter(model.tokenizer(), model.token_trie(), writable,
                                  ConstraintMatcher(one.automaton))
                    .least_tokens();
    if (one.least <= 400) all.push_back(std::move(one));
  };
  if (!options.folder.empty()) {
    for (const auto& one : bench::draw_schemas(options.folder, options.schemas * 2, 2)) {
      if (all.size() < options.schemas) {
        add(one.name, Constraint::json_schema(one.schema), &one.schema);
      }
    }
  }
  int n = 0;
  for (const Json& schema : test::own_schemas()) {
    add("own " + std::to_string(n++), Constraint::json_schema(schema), &schema);
  }
  for (const Constraint& constraint : test::mixed_constraints()) {
    add("mixed " + std::to_string(n++), constraint, nullptr);
  }
  return all;
}

bool is_valid(const Case& one, const std::string& text) {
  ConstraintMatcher matcher(one.automaton);
  if (!text.empty() && !matcher.accept(text)) return false;
  if (!matcher.complete()) return false;
  if (!one.schema) return true;
  try {
    return one.schema->validate(parse_json(text, "text")).empty();
  } catch (const Error&) {
    return false;
  }
}

Options parse(int argc, char** argv) {
  Options options;
  std::vector<std::string> plain;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--temperature") == 0 && i + 1 < argc) {
      options.temperature = std::atof(argv[++i]);
    } else if (std::strcmp(argv[i], "--threads") == 0 && i + 1 < argc) {
      options.threads = std::atoi(argv[++i]);
    } else {
      plain.emplace_back(argv[i]);
    }
  }
  if (plain.size() < 2) {
    std::fprintf(stderr, "usage: bench_constraint_texts MODEL.gguf TEXTS [FOLDER [SCHEMAS]]\n");
    std::exit(2);
  }
  options.model = plain[0];
  options.texts = std::strtoul(plain[1].c_str(), nullptr, 10);
  if (plain.size() > 2) options.folder = plain[2];
  if (plain.size() > 3) options.schemas = std::strtoul(plain[3].c_str(), nullptr, 10);
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const auto model = std::dynamic_pointer_cast<const LoadedModel>(Model::open(options.model));
  EmbeddedModel engine(model, {.threads = options.threads});
  const std::vector<Case> all = cases(options, *model);
  const auto start = std::chrono::steady_clock::now();
  std::mt19937 random(11);
  std::size_t wrong = 0;
  std::size_t failed = 0;
  std::size_t cut = 0;
  std::size_t tokens = 0;
  std::size_t forced = 0;
  constexpr std::size_t kAtOnce = 16;
  constexpr std::size_t kMore[] = {0, 1, 3, 10, 30, 100};
  for (std::size_t done = 0; done < options.texts; done += kAtOnce) {
    std::vector<GenerateRequest> requests;
    std::vector<const Case*> asked;
    for (std::size_t i = done; i < std::min(options.texts, done + kAtOnce); ++i) {
      const Case& one = all[i % all.size()];
      GenerateRequest request;
      request.conversation = Conversation().with_turn({.role = Role::kUser, .text = "Write."});
      request.constraint = one.constraint;
      request.sampling = {.temperature = options.temperature, .seed = i};
      request.limits.max_tokens =
          static_cast<std::int64_t>(std::max<std::size_t>(1, one.least) + kMore[random() % 6]);
      requests.push_back(std::move(request));
      asked.push_back(&one);
    }
    const auto tickets = engine.submit(std::move(requests));
    for (std::size_t i = 0; i < tickets.size(); ++i) {
      try {
        const Generation g = tickets[i]->wait();
        tokens += static_cast<std::size_t>(g.usage.generated);
        forced += static_cast<std::size_t>(g.usage.forced);
        cut += g.finish == FinishReason::kLength ? 1 : 0;
        const std::string text = model->tokenizer().decode(g.turn.generated->ids);
        if (is_valid(*asked[i], text)) continue;
        ++wrong;
        std::printf("INVALID under %s: %s\n", asked[i]->name.c_str(), text.c_str());
      } catch (const Error& error) {
        ++failed;
        std::printf("FAILED under %s: %s\n", asked[i]->name.c_str(), error.what());
      }
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf(
      "%zu texts under %zu constraints, %zu tokens (%zu forced) in %.0f s: %zu invalid, %zu "
      "failed, %zu ended "
      "by "
      "the limit\n",
      options.texts, all.size(), tokens, forced, seconds.count(), wrong, failed, cut);
  return wrong + failed > 0 ? 1 : 0;
}
