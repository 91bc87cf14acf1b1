// ModelOutlines: outlines read by a language model that was trained to (planner/prompts/outline_*).
// Remembers what it has read. Borrows the model; one thread at a time.
#pragma once

#include <orkestra/model/language_model.h>
#include <orkestra/planner/verify/outline.h>

#include <map>
#include <string>
#include <vector>

namespace orkestra::planner {

class ModelOutlines final : public OutlineReader {
 public:
  explicit ModelOutlines(model::LanguageModel& model) : model_(model) {}
  // Whether the model was trained on exactly the catalogue's prompts.
  static bool reads(const model::ModelCapabilities& capabilities);

  // Sentences of more than 400 bytes, or with quotation marks in them, have no outline.
  Outline read_question(const std::string& question, const Limits& limits) override;
  std::vector<Outline> read_statements(const std::vector<std::string>& statements,
                                       const Limits& limits) override;
  // Tokens since the last call.
  model::TokenUsage take_usage();

 private:
  std::vector<Outline> read(const std::string& prompt, const std::vector<std::string>& sentences,
                            const Limits& limits);

  model::LanguageModel& model_;
  std::map<std::string, Outline, std::less<>> known_;  // by the whole prompt
  model::TokenUsage usage_;
};

}  // namespace orkestra::planner
