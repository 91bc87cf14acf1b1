// SentencePiece BPE with byte fallback (Kudo & Richardson 2018): the "llama" vocabulary of GGUF.
// A vocabulary as plain data, so that tests can build one without a file.
#pragma once

#include <orkestra/model/text/tokenizer.h>

#include <memory>
#include <string>
#include <vector>

namespace orkestra::model {

struct SpmPiece {
  std::string text;  // as spelled in the vocabulary: "▁the", "<0x0A>", "<|user|>"
  float score = 0.0F;
  TokenKind kind = TokenKind::kNormal;
};

struct SpmVocabulary {
  std::vector<SpmPiece> pieces;
  TokenId bos = -1;
  TokenId unknown = -1;
  std::vector<TokenId> stops;  // sorted
  bool add_bos = false;
  bool add_space_prefix = false;  // text is read as if it began with a space
};

// Throws Error{kCorrupt} when some text could not be encoded: a byte without a token and no
// unknown token, a byte token that is not spelled <0xHH>.
std::shared_ptr<const Tokenizer> make_spm_tokenizer(SpmVocabulary vocabulary);

}  // namespace orkestra::model
