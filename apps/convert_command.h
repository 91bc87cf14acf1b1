// `orkestra model convert`: a Hugging Face model folder as one GGUF file.
#pragma once

namespace CLI {
class App;
}

namespace orkestra::apps {

// Adds the subcommand to `model`.
void add_convert_command(CLI::App& model);

}  // namespace orkestra::apps
