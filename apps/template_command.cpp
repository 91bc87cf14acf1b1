#include <orkestra/apps/template_command.h>
#include <orkestra/core/clock.h>
#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/model/text/jinja/jinja.h>

#include <CLI/CLI.hpp>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace orkestra::apps {
namespace {

struct Options {
  std::string source;
  std::string context;
  std::int64_t now = 0;
};

std::string read_file(const std::string& path, const char* what) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(ErrorCode::kNotFound, path + ": can't open the " + what);
  return {std::istreambuf_iterator<char>(in), {}};
}

void render(const Options& options) {
  const auto compiled = model::jinja::Template::compile(read_file(options.source, "template"));
  const Json context = parse_json(read_file(options.context, "context"), options.context);
  if (!context.is_object()) {
    throw Error(ErrorCode::kInvalid,
                options.context + ": not an object of variables (messages, tools, ...)");
  }
  const std::int64_t now = options.now != 0 ? options.now : SystemClock().unix_ms() / 1000;
  const std::string text = compiled->render(context, now);
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace

void add_template_command(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("template", "Chat templates (Jinja) by themselves");
  command->require_subcommand(1);
  CLI::App* const rendering = command->add_subcommand(
      "render", "Write what a template makes of a context, exactly, to stdout");
  const auto options = std::make_shared<Options>();
  rendering->add_option("TEMPLATE", options->source, "file with the template")->required();
  rendering
      ->add_option("CONTEXT", options->context,
                   "file with the variables as JSON: messages, tools, add_generation_prompt, ...")
      ->required();
  rendering->add_option("--now", options->now, "what strftime_now tells, in seconds since 1970");
  rendering->callback([options] { render(*options); });
}

}  // namespace orkestra::apps
