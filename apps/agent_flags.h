// The flags that `run` and `runs resume` share, bound to AgentOptions.
#pragma once

#include <orkestra/agent/agent.h>

namespace CLI {
class App;
}

namespace orkestra::apps {

// What there is to work with: --db, --queries, --docs, --files, --plugin, --python, --web, --store.
void add_source_flags(CLI::App& command, agent::AgentOptions& options);

// Those, and --model, --allow, --deny, --require, --schema, --budget, --seed, --consent, --ask,
// --threads. `options` must outlive the app's parse.
void add_agent_flags(CLI::App& command, agent::AgentOptions& options);

}  // namespace orkestra::apps
