// The flags that `run` and `runs resume` share, bound to AgentOptions.
#pragma once

#include <orkestra/agent/agent.h>

namespace CLI {
class App;
}

namespace orkestra::apps {

// --model, --db, --queries, --allow, --deny, --require, --schema, --budget, --store, --seed,
// --threads. `options` must outlive the app's parse.
void add_agent_flags(CLI::App& command, agent::AgentOptions& options);

}  // namespace orkestra::apps
