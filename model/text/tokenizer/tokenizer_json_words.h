// How a tokenizer.json cuts words, as the name that GGUF files give it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace orkestra::model {

// `steps` of the pre-tokenizer; `whole_words_first` is the model's ignore_merges. Throws
// Error{kUnsupported} quoting steps that no name is known for.
std::string pretokenizer_name(const std::vector<nlohmann::json>& steps, bool whole_words_first);

}  // namespace orkestra::model
