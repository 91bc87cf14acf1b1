#include <orkestra/apps/agent_flags.h>
#include <CLI/CLI.hpp>

namespace orkestra::apps {

void add_agent_flags(CLI::App& command, agent::AgentOptions& options) {
  command.add_option("--model", options.model, "A .gguf file, a bundled model's name, script:FILE")
      ->capture_default_str();
  command.add_option("--db", options.databases, "SQLite database to answer from (read-only)");
  command.add_option("--queries", options.queries,
                     "Saved queries over the database: each becomes a tool");
  command.add_option("--allow", options.allow, "Offer only this tool (repeatable)");
  command.add_option("--deny", options.deny, "Do not offer this tool (repeatable)");
  command.add_option("--require", options.requirements,
                     "What the answer must meet: \"mention: X\", \"max-words: N\", \"cite\", ...");
  command.add_option("--schema", options.schema, "JSON Schema that the answer must satisfy");
  command.add_option("--budget", options.budget, "low, medium or high")->capture_default_str();
  command.add_option("--store", options.store, "Where runs are kept (default: the user's store)");
  command.add_option("--seed", options.seed, "Seed of everything random")->capture_default_str();
  command.add_option("--threads", options.threads, "Engine threads (0 = all cores)");
}

}  // namespace orkestra::apps
