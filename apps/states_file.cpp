#include <orkestra/apps/states_file.h>
#include <orkestra/core/error.h>
#include <orkestra/model/engine/embedded_model.h>
#include <CLI/CLI.hpp>

#include <utility>

namespace orkestra::apps {

StatesFile::StatesFile(model::LanguageModel& model, std::filesystem::path path)
    : path_(std::move(path)) {
  if (path_.empty()) return;
  model_ = dynamic_cast<model::EmbeddedModel*>(&model);
  if (model_ == nullptr) {
    throw Error(ErrorCode::kInvalid, "--states: only a model that runs in this program has states");
  }
  if (!std::filesystem::exists(path_)) return;
  try {
    model_->load(path_);
  } catch (const Error& error) {
    throw Error(error.code(), error.message() + " (--states: remove it, or name another file)");
  }
}

void StatesFile::save() {
  if (model_ != nullptr) model_->save(path_);
}

void add_states_flag(CLI::App& command, std::filesystem::path& path) {
  command.add_option("--states", path,
                     "File of what the model has read: taken if it is there, written at the end");
}

}  // namespace orkestra::apps
