// --states FILE: what a model that runs here has read is kept in a file from one start of the
// program to the next.
#pragma once

#include <orkestra/model/language_model.h>

#include <filesystem>

namespace CLI {
class App;
}

namespace orkestra::model {
class EmbeddedModel;
}

namespace orkestra::apps {

class StatesFile {
 public:
  // Takes up the states of `path` if it is there; does nothing for "". `model` is borrowed.
  // Throws Error: kInvalid where the model does not run here, and what EmbeddedModel::load throws.
  StatesFile(model::LanguageModel& model, std::filesystem::path path);
  // Writes all states that are known now.
  void save();

 private:
  model::EmbeddedModel* model_ = nullptr;
  std::filesystem::path path_;
};

void add_states_flag(CLI::App& command, std::filesystem::path& path);

}  // namespace orkestra::apps
