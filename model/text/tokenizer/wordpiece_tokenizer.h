// WordPiece (Schuster & Nakajima 2012) as BERT uses it: the "bert" vocabulary of GGUF. Text loses
// control characters and, where the vocabulary is uncased, case and accents; words end at white
// space, punctuation and around CJK characters; a word is the longest pieces from its left, or
// unknown.
#pragma once

#include <orkestra/model/text/tokenizer/vocabulary.h>

#include <memory>

namespace orkestra::model {

// Pieces that begin a word are spelled with U+2581 before them, those inside of one without.
// Throws Error{kCorrupt} without an unknown token.
std::shared_ptr<const Tokenizer> make_wordpiece_tokenizer(Vocabulary vocabulary);

}  // namespace orkestra::model
