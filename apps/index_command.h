// `orkestra index`: takes documents into a store, searches and looks after it.
#pragma once

namespace CLI {
class App;
}

namespace orkestra::apps {

// `exit_status` must outlive the parse: `index check` sets it to 1 for a damaged store.
void add_index_command(CLI::App& app, int& exit_status);

}  // namespace orkestra::apps
