// What `orkestra model info` says about a model file, as JSON and as lines for people.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/engine/loaded_model.h>

#include <string>

namespace orkestra::apps {

Json model_info(const model::LoadedModel& model);
std::string to_text(const Json& info);

}  // namespace orkestra::apps
