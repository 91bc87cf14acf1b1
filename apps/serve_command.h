// `orkestra serve`: the REST service over one agent.
#pragma once

namespace CLI {
class App;
}

namespace orkestra::apps {

void add_serve_command(CLI::App& app);

}  // namespace orkestra::apps
