// `orkestra template`: chat templates by themselves.
#pragma once

namespace CLI {
class App;
}

namespace orkestra::apps {

// Errors leave as orkestra::Error.
void add_template_command(CLI::App& app);

}  // namespace orkestra::apps
