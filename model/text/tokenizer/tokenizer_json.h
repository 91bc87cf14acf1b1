// tokenizer.json: the file of Hugging Face's tokenizers library, read into a Vocabulary.
#pragma once

#include <orkestra/model/text/tokenizer/vocabulary.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace orkestra::model {

// The most pieces of a vocabulary, and the largest of its files: four times what is published.
constexpr std::size_t kMaxPieces = 4'000'000;
constexpr std::size_t kMaxTokenizerBytes = std::size_t{128} << 20U;

// JSON whose objects may have hundreds of thousands of members (looked up by name, order lost).
// Bounded in size and depth. Throws Error{kInvalid} naming `what`.
nlohmann::json parse_large_json(std::string_view text, std::string_view what);

// The member of an object; null when it isn't there or `object` is none.
const nlohmann::json& json_member(const nlohmann::json& object, const char* name);
// What a text or a boolean says; "" or `fallback` for anything else.
std::string json_text(const nlohmann::json& value);
bool json_flag(const nlohmann::json& object, const char* name, bool fallback = false);

// A vocabulary of at most `max_pieces` (<= kMaxPieces) out of what the file holds: BPE over bytes,
// or over characters with byte fallback; Unigram. bos and eos are not in this file. Of a
// normaliser that composes characters (NFC) nothing is kept: GGUF has no place for it. Throws
// Error{kUnsupported} naming what this build can't do (a way to cut words, say), {kCorrupt} when
// parts are missing or don't fit.
Vocabulary read_tokenizer_json(const nlohmann::json& root, std::size_t max_pieces = kMaxPieces);

}  // namespace orkestra::model
