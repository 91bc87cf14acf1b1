// `orkestra runs list|show|resume|replay`: what the journal holds.
#pragma once

namespace CLI {
class App;
}

namespace orkestra::apps {

void add_runs_command(CLI::App& app, int& exit_status);

}  // namespace orkestra::apps
