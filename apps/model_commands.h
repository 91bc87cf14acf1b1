// The `orkestra model` subcommands: look into model files, tokenise, compute logits, benchmark.
#pragma once

namespace CLI {
class App;
}

namespace orkestra::apps {

// Adds `model` and its subcommands to `app`. Their callbacks run during parsing and throw
// orkestra::Error; results go to stdout, progress to stderr when it is a terminal.
void add_model_commands(CLI::App& app);

}  // namespace orkestra::apps
