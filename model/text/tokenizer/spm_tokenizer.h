// SentencePiece BPE with byte fallback (Kudo & Richardson 2018): the "llama" vocabulary of GGUF.
// Neighbours whose union is a piece are merged, the highest score first.
#pragma once

#include <orkestra/model/text/tokenizer/vocabulary.h>

#include <memory>

namespace orkestra::model {

// Throws Error{kCorrupt} when some text could not be encoded: a byte without a token and no
// unknown token, a byte token that is not spelled <0xHH>.
std::shared_ptr<const Tokenizer> make_spm_tokenizer(Vocabulary vocabulary);

}  // namespace orkestra::model
