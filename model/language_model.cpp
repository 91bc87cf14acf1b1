#include <orkestra/model/language_model.h>

#include <utility>

namespace orkestra::model {

Generation generate(LanguageModel& model, GenerateRequest request) {
  std::vector<GenerateRequest> requests;
  requests.push_back(std::move(request));
  return model.submit(std::move(requests)).front()->wait();
}

}  // namespace orkestra::model
