// The text side of a model as it is published, a folder of files: tokenizer.json or
// tokenizer.model, tokenizer_config.json, generation_config.json, config.json, chat_template.jinja.
// Read into what a GGUF file stores, for converting.
#pragma once

#include <orkestra/model/text/tokenizer/vocabulary.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace orkestra::model {

struct TokenizerFiles {
  Vocabulary vocabulary;      // pieces without a token are kUnused
  std::string chat_template;  // Jinja; "" = the folder has none
};

// SentencePiece's own file is preferred where there is one, with tokenizer.json's added tokens.
// The vocabulary is filled up to `n_vocab` pieces (rows of the embedding), if it has fewer.
// Throws Error{kNotFound} when the folder has neither file; {kCorrupt, kUnsupported} naming the
// file.
TokenizerFiles read_tokenizer_files(const std::filesystem::path& folder, std::int64_t n_vocab = 0);

}  // namespace orkestra::model
