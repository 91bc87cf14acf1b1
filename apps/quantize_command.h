// `orkestra model quantize` and `orkestra model perplexity`: a smaller model, and what that costs.
#pragma once

namespace CLI {
class App;
}

namespace orkestra::apps {

void add_quantize_command(CLI::App& model);
void add_perplexity_command(CLI::App& model);

}  // namespace orkestra::apps
