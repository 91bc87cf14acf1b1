#include <orkestra/agent/model_locator.h>
#include <orkestra/core/error.h>
#include <orkestra/model/model.h>
#include <orkestra/model/remote/remote_model.h>
#include <orkestra/model/scripted/scripted_model.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <system_error>

namespace orkestra::agent {
namespace {

constexpr std::string_view kScriptPrefix = "script:";
constexpr std::string_view kRemotePrefix = "openai:";

// Where runtime data lies: where the environment says, beside the program (the build tree and an
// installation have the same shape), or where this library was to be installed.
std::filesystem::path data_directory() {
  if (const char* named = std::getenv("ORKESTRA_DATA"); named != nullptr && *named != '\0') {
    return named;
  }
  std::error_code ignored;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const auto beside = program.parent_path().parent_path() / "share" / "orkestra";
  if (std::filesystem::exists(beside, ignored)) return beside;
  return ORKESTRA_INSTALLED_DATA;
}

}  // namespace

std::vector<BundledModel> bundled_models() {
  std::vector<BundledModel> models;
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator(data_directory() / "models", ignored)) {
    if (entry.path().extension() == ".gguf") {
      models.push_back({entry.path().stem().string(), entry.path()});
    }
  }
  std::sort(models.begin(), models.end(),
            [](const BundledModel& a, const BundledModel& b) { return a.name < b.name; });
  return models;
}

std::filesystem::path locate_model(const std::string& name) {
  std::string known;
  for (const BundledModel& bundled : bundled_models()) {
    if (bundled.name == name) return bundled.file;
    known += (known.empty() ? "" : ", ") + bundled.name;
  }
  std::error_code ignored;
  if (std::filesystem::exists(name, ignored)) return name;
  throw Error(ErrorCode::kNotFound,
              "model \"" + name + "\": no such file and no bundled model of that name (bundled: " +
                  (known.empty() ? "none found in " + data_directory().string() : known) +
                  "); a server's model is written openai:URL#name");
}

std::unique_ptr<model::LanguageModel> open_language_model(const std::string& name,
                                                          const model::EngineOptions& engine,
                                                          std::size_t first_reply) {
  if (name.starts_with(kScriptPrefix)) {
    return model::open_scripted_model(name.substr(kScriptPrefix.size()), first_reply);
  }
  if (name.starts_with(kRemotePrefix)) {
    return model::make_remote_model(model::parse_remote_name(name));
  }
  return model::make_embedded_model(model::Model::open(locate_model(name)), engine);
}

}  // namespace orkestra::agent
