// Byte-pair encoding with merges by rank: "gpt2" over bytes, each spelled by a printable character
// (Radford et al. 2019), cut into words first (pretokenizer.h); "gemma4" over characters of lines
// whose spaces are U+2581, with byte tokens for the characters it lacks.
#pragma once

#include <orkestra/model/text/tokenizer/vocabulary.h>

#include <memory>
#include <string>
#include <string_view>

namespace orkestra::model {

// Throws Error{kUnsupported} naming a pre-tokenizer that is not known, {kCorrupt} when some text
// could not be encoded.
std::shared_ptr<const Tokenizer> make_bpe_tokenizer(Vocabulary vocabulary);

// Bytes as "gpt2" vocabularies spell them ("Ġthe" is " the"). A character that spells no byte
// stays.
std::string bytes_from_printable(std::string_view spelled);
std::string printable_from_bytes(std::string_view bytes);

}  // namespace orkestra::model
