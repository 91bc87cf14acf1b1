// `orkestra run TASK`: one task, from the question to the verified report.
#pragma once

namespace CLI {
class App;
}

namespace orkestra::apps {

void add_run_command(CLI::App& app, int& exit_status);

}  // namespace orkestra::apps
