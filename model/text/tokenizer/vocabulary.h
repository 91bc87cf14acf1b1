// Vocabulary: all that a tokenizer is made of, as plain data. What a GGUF file stores, and what is
// read from the files that come with a model (tokenizer_files.h), so that a converter can write it.
#pragma once

#include <orkestra/model/format/gguf.h>
#include <orkestra/model/text/tokenizer/tokenizer.h>

#include <memory>
#include <string>
#include <vector>

namespace orkestra::model {

struct VocabularyPiece {
  std::string text;  // as spelled in the vocabulary: "▁the", "Ġthe", "<0x0A>", "<|user|>"
  float score = 0.0F;
  TokenKind kind = TokenKind::kNormal;
};

struct Vocabulary {
  std::string model = "llama";  // tokenizer.ggml.model: llama, gpt2, gemma4, bert, t5
  std::string pre;              // tokenizer.ggml.pre: how gpt2 cuts text into words
  std::vector<VocabularyPiece> pieces;
  std::vector<std::string> merges;  // gpt2, gemma4: "left right", in order of rank
  TokenId bos = -1;                 // -1 = there is none
  TokenId eos = -1;
  TokenId unknown = -1;
  TokenId separator = -1;
  TokenId padding = -1;
  TokenId mask = -1;
  std::vector<TokenId> stops;  // sorted; every token that ends what a model writes, eos among them
  bool add_bos = false;
  bool add_eos = false;
  bool add_space_prefix = false;          // text is read as if it began with a space
  bool remove_extra_whitespaces = false;  // runs of spaces are one, none at the ends
  bool whitespace_as_suffix = false;      // the space belongs to the word before it
  bool lowercase = true;                  // bert: case and accents are dropped
  std::string charsmap;                   // SentencePiece's precompiled normalisation; "" = none
};

// Throws Error{kCorrupt} naming the file for lengths, types or ids that don't fit.
Vocabulary read_vocabulary(const GgufFile& file);

// Adds to `stops` what is known to end a turn or a text by its spelling, for files that name only
// one stop token; sorts them. What ends a turn becomes a control token.
void complete_stops(Vocabulary& vocabulary);

// Throws Error{kUnsupported} naming the kind or the pre-tokenizer, {kCorrupt} when some text could
// not be encoded.
std::shared_ptr<const Tokenizer> make_tokenizer(Vocabulary vocabulary);

}  // namespace orkestra::model
