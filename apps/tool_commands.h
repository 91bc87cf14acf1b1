// `orkestra tool list|call`: the tools a run would be offered, and calling one by hand.
#pragma once

namespace CLI {
class App;
}

namespace orkestra::apps {

// The callbacks print to stdout; a failed call also throws its Error.
void add_tool_commands(CLI::App& app);

}  // namespace orkestra::apps
