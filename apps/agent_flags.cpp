#include <orkestra/apps/agent_flags.h>
#include <CLI/CLI.hpp>

namespace orkestra::apps {
namespace {

// One value per flag: otherwise a flag before TASK would swallow it.
template <typename Values>
void repeatable(CLI::App& command, const char* flag, Values& values, const char* what) {
  command.add_option(flag, values, what)->allow_extra_args(false);
}

}  // namespace

void add_source_flags(CLI::App& command, agent::AgentOptions& options) {
  repeatable(command, "--db", options.databases, "SQLite database to answer from (read-only)");
  repeatable(command, "--queries", options.queries,
             "Saved queries over the database: each becomes a tool");
  repeatable(command, "--docs", options.documents,
             "File or folder of documents to search (repeatable)");
  command.add_option("--files", options.files, "Folder whose files may be listed and read");
  repeatable(command, "--plugin", options.plugins, "Shared library that adds tools (repeatable)");
  command.add_flag("--python", options.python, "Let the model compute in a sandboxed Python");
  command.add_flag("--web", options.web, "Let the model fetch pages from public addresses");
  command.add_option("--store", options.store, "Where runs are kept (default: the user's store)");
}

void add_agent_flags(CLI::App& command, agent::AgentOptions& options) {
  command
      .add_option("--model", options.model,
                  "A .gguf file, a bundled model's name, openai:URL#NAME, script:FILE")
      ->capture_default_str();
  add_source_flags(command, options);
  repeatable(command, "--allow", options.allow, "Offer only this tool (repeatable)");
  repeatable(command, "--deny", options.deny, "Do not offer this tool (repeatable)");
  repeatable(command, "--consent", options.policy.consent,
             "Side effects of this tool need no approval (repeatable)");
  repeatable(command, "--ask", options.policy.ask, "Ask for approval of every call of this tool");
  repeatable(command, "--require", options.requirements,
             "What the answer must meet: \"mention: X\", \"max-words: N\", \"cite\", ...");
  command.add_option("--schema", options.schema, "JSON Schema that the answer must satisfy");
  command.add_option("--budget", options.budget, "low, medium or high")->capture_default_str();
  command.add_option("--seed", options.seed, "Seed of everything random")->capture_default_str();
  command.add_option("--threads", options.threads, "Engine threads (0 = all cores)");
  command.add_option("--kv", options.kv,
                     "Keys and values as f32, f16 or q8_0; auto: by the model's weights");
}

}  // namespace orkestra::apps
