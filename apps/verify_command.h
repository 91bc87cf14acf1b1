// `orkestra verify`: holds the statements of an answer against documents, databases and the
// evidence of a run report. Reads only.
#pragma once

#include <CLI/CLI.hpp>

namespace orkestra::apps {

// Adds the command to `app`. Its callback prints the verdicts and sets `exit_status`, which must
// outlive the parse: 0 all supported, 3 something not found, 7 something contradicted.
void add_verify_command(CLI::App& app, int& exit_status);

}  // namespace orkestra::apps
