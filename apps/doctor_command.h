// `orkestra doctor`: whether this machine and installation can do the work, and what to mend.
#pragma once

namespace CLI {
class App;
}

namespace orkestra::apps {

void add_doctor_command(CLI::App& app, int& exit_status);

}  // namespace orkestra::apps
