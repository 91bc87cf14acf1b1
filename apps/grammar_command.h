// `orkestra grammar accepts|validate`: a JSON text against a JSON Schema, by the automaton that
// limits what models write, or by the validator.
#pragma once

namespace CLI {
class App;
}

namespace orkestra::apps {

// `exit_status`: 0 accepted, 10 rejected, 11 a keyword can't be decided (its JSON Pointer is on
// stderr).
void add_grammar_command(CLI::App& app, int& exit_status);

}  // namespace orkestra::apps
