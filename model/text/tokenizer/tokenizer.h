// Tokenizer: text <-> token ids, read from a GGUF file's vocabulary. Immutable, shared,
// thread-safe. Kinds: "llama" (spm_tokenizer), "gpt2" and "gemma4" (bpe_tokenizer), "bert"
// (wordpiece_tokenizer), "t5" (unigram_tokenizer). Each takes time in proportion to the text.
//
// Decoding gives back the bytes that were encoded, valid UTF-8 or not, for "llama", "gpt2" and
// "gemma4"; but SentencePiece's mark for a space (U+2581) reads as a space. "bert" and "t5" change
// what they read (case, accents, white space) and know only the characters of their vocabulary.
#pragma once

#include <orkestra/model/format/gguf.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

using TokenId = std::int32_t;

enum class TokenKind : std::uint8_t { kNormal, kUnknown, kControl, kUserDefined, kUnused, kByte };

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Plain text: control tokens are never produced, whatever the text spells. User-defined pieces
  // are matched first (longest first), except those in `forbidden` (token ids, sorted).
  virtual std::vector<TokenId> encode(std::string_view text,
                                      const std::vector<TokenId>& forbidden) const = 0;
  std::vector<TokenId> encode(std::string_view text) const { return encode(text, {}); }

  virtual std::int64_t size() const = 0;
  // The bytes a token stands for in text (SentencePiece's word mark is already a space; a byte
  // token is its byte; control and unused tokens are ""). Valid as long as the tokenizer.
  virtual std::string_view bytes(TokenId id) const = 0;
  // How the vocabulary spells it ("<|user|>", "▁the", "<0x0A>").
  virtual std::string_view piece(TokenId id) const = 0;

  // Non-virtual services over the above.
  TokenKind kind(TokenId id) const { return kinds_[static_cast<std::size_t>(id)]; }
  TokenId find(std::string_view piece) const;  // -1 if absent
  std::string decode(const std::vector<TokenId>& ids) const;
  // What encode() was given: without the space that some vocabularies read before a text.
  std::string decode_whole(const std::vector<TokenId>& ids) const;

  TokenId bos() const { return bos_; }  // -1 if absent
  TokenId eos() const { return eos_; }  // -1 if absent; `stops` holds it
  TokenId unknown() const { return unknown_; }
  const std::vector<TokenId>& stops() const { return stops_; }  // every end-of-turn token
  bool add_bos() const { return add_bos_; }

 protected:
  std::vector<TokenKind> kinds_;
  TokenId bos_ = -1;
  TokenId eos_ = -1;
  TokenId unknown_ = -1;
  std::vector<TokenId> stops_;
  bool add_bos_ = false;
  bool adds_space_ = false;  // encode() reads a space before the text
};

// Throws Error{kUnsupported} for a vocabulary kind this build lacks, {kCorrupt} for a broken one.
std::shared_ptr<const Tokenizer> make_tokenizer(const GgufFile& file);

}  // namespace orkestra::model
