#include <orkestra/model/convert/vocabulary_keys.h>
#include <orkestra/model/text/tokenizer/vocabulary_tokenizer.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orkestra::model {
namespace {

// The format's numbers: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
std::int32_t number_of(TokenKind kind) { return static_cast<std::int32_t>(kind) + 1; }

// User-defined pieces are spelled as in a text, where a space is a space.
std::string spelled(const Vocabulary& vocabulary, const VocabularyPiece& piece) {
  const bool marks = vocabulary.model == "llama" || vocabulary.model == "t5";
  if (!marks || piece.kind != TokenKind::kUserDefined) return piece.text;
  return replace_all(piece.text, kWordMark, " ");
}

}  // namespace

void set_vocabulary(GgufWriter& writer, const Vocabulary& vocabulary) {
  std::vector<std::string> texts;
  std::vector<float> scores;
  std::vector<std::int32_t> kinds;
  for (const VocabularyPiece& piece : vocabulary.pieces) {
    texts.push_back(spelled(vocabulary, piece));
    scores.push_back(piece.score);
    kinds.push_back(number_of(piece.kind));
  }
  writer.set("tokenizer.ggml.model", vocabulary.model);
  writer.set("tokenizer.ggml.pre", vocabulary.pre.empty() ? "default" : vocabulary.pre);
  writer.set("tokenizer.ggml.tokens", std::span<const std::string>(texts));
  if (vocabulary.merges.empty()) {
    writer.set("tokenizer.ggml.scores", std::span<const float>(scores));
  }
  writer.set("tokenizer.ggml.token_type", std::span<const std::int32_t>(kinds));
  if (!vocabulary.merges.empty()) {
    writer.set("tokenizer.ggml.merges", std::span<const std::string>(vocabulary.merges));
  }
  const auto set_id = [&](std::string_view key, TokenId id) {
    if (id >= 0) writer.set(key, static_cast<std::uint32_t>(id));
  };
  set_id("tokenizer.ggml.bos_token_id", vocabulary.bos);
  set_id("tokenizer.ggml.eos_token_id", vocabulary.eos);
  set_id("tokenizer.ggml.unknown_token_id", vocabulary.unknown);
  set_id("tokenizer.ggml.seperator_token_id", vocabulary.separator);  // the format's own spelling
  set_id("tokenizer.ggml.padding_token_id", vocabulary.padding);
  set_id("tokenizer.ggml.mask_token_id", vocabulary.mask);
  if (vocabulary.stops.size() > 1) {
    // Ours for all of them; the format's for one more.
    const auto other = std::find_if(vocabulary.stops.begin(), vocabulary.stops.end(),
                                    [&](TokenId id) { return id != vocabulary.eos; });
    set_id("tokenizer.ggml.eot_token_id", *other);
    const std::vector<std::int32_t> stops(vocabulary.stops.begin(), vocabulary.stops.end());
    writer.set("tokenizer.ggml.eos_token_ids", std::span<const std::int32_t>(stops));
  }
  writer.set("tokenizer.ggml.add_bos_token", vocabulary.add_bos);
  writer.set("tokenizer.ggml.add_eos_token", vocabulary.add_eos);
  writer.set("tokenizer.ggml.add_space_prefix", vocabulary.add_space_prefix);
  const auto set_if = [&](std::string_view key, bool value) {
    if (value) writer.set(key, value);
  };
  set_if("tokenizer.ggml.remove_extra_whitespaces", vocabulary.remove_extra_whitespaces);
  set_if("tokenizer.ggml.treat_whitespace_as_suffix", vocabulary.whitespace_as_suffix);
  if (!vocabulary.charsmap.empty()) {
    writer.set("tokenizer.ggml.precompiled_charsmap",
               std::span(reinterpret_cast<const std::uint8_t*>(vocabulary.charsmap.data()),
                         vocabulary.charsmap.size()));
  }
}

}  // namespace orkestra::model
