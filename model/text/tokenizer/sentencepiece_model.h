// tokenizer.model: SentencePiece's own file, a protocol buffer (sentencepiece_model.proto). Only
// the fields that reading a text needs are read; every length is checked.
#pragma once

#include <orkestra/model/text/tokenizer/vocabulary.h>

#include <cstddef>
#include <string_view>

namespace orkestra::model {

// Models of kind BPE ("llama") and unigram ("t5"), of at most `max_pieces`. Throws Error{kCorrupt}
// for bytes that are no such file, {kUnsupported} for the other kinds (word, char).
Vocabulary parse_sentencepiece_model(std::string_view bytes, std::size_t max_pieces);

}  // namespace orkestra::model
