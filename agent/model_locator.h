// Which model a name means: a path, a bundled model, a server's model, or a script. Bundled models
// lie beside the program (../share/orkestra) and are never downloaded.
#pragma once

#include <orkestra/model/language_model.h>
#include <orkestra/model/model.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace orkestra::agent {

struct BundledModel {
  std::string name;
  std::filesystem::path file;
};
std::vector<BundledModel> bundled_models();

// The file that `name` means: a bundled model's name or a path. Throws Error{kNotFound} that lists
// what there is.
std::filesystem::path locate_model(const std::string& name);

// Opens "nano", "path.gguf", "openai:URL#name" or "script:FILE", a script from its `first_reply`
// on. `engine` is for files.
std::unique_ptr<model::LanguageModel> open_language_model(const std::string& name,
                                                          const model::EngineOptions& engine,
                                                          std::size_t first_reply = 0);

}  // namespace orkestra::agent
