// SentencePiece's unigram model (Kudo 2018): the "t5" vocabulary of GGUF. Of all ways to spell a
// text with pieces, the likeliest (Viterbi).
#pragma once

#include <orkestra/model/text/tokenizer/vocabulary.h>

#include <memory>

namespace orkestra::model {

// Throws Error{kCorrupt} without an unknown token, for a piece longer than 4 KiB or a damaged
// normalisation table.
std::shared_ptr<const Tokenizer> make_unigram_tokenizer(Vocabulary vocabulary);

}  // namespace orkestra::model
