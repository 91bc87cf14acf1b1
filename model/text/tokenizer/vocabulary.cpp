#include <orkestra/core/error.h>
#include <orkestra/model/text/chat/markers.h>
#include <orkestra/model/text/tokenizer/bpe_tokenizer.h>
#include <orkestra/model/text/tokenizer/spm_tokenizer.h>
#include <orkestra/model/text/tokenizer/unigram_tokenizer.h>
#include <orkestra/model/text/tokenizer/vocabulary.h>
#include <orkestra/model/text/tokenizer/wordpiece_tokenizer.h>

#include <algorithm>
#include <array>
#include <utility>

namespace orkestra::model {
namespace {

[[noreturn]] void corrupt(const GgufFile& file, const std::string& what) {
  throw Error(ErrorCode::kCorrupt, file.name() + ": vocabulary: " + what);
}

template <typename T>
const std::vector<T>* find_array(const GgufFile& file, std::string_view key) {
  const auto it = file.metadata().find(key);
  if (it == file.metadata().end()) return nullptr;
  const auto* array = std::get_if<GgufArray>(&it->second);
  const auto* values = array ? std::get_if<std::vector<T>>(array) : nullptr;
  if (!values) corrupt(file, std::string(key) + " is not an array of the expected type");
  return values;
}

TokenKind kind_from_file(const GgufFile& file, std::int64_t number, std::size_t id) {
  constexpr std::array kKinds{TokenKind::kNormal,      TokenKind::kUnknown, TokenKind::kControl,
                              TokenKind::kUserDefined, TokenKind::kUnused,  TokenKind::kByte};
  if (number < 1 || number > static_cast<std::int64_t>(kKinds.size())) {
    corrupt(file, "token " + std::to_string(id) + " has type " + std::to_string(number));
  }
  return kKinds[static_cast<std::size_t>(number) - 1];
}

// Ids of the file: -1 when the key is missing, refused when out of range.
TokenId special_id(const GgufFile& file, std::string_view key, std::size_t size) {
  const std::int64_t id = file.integer(key, -1);
  if (id < -1 || id >= static_cast<std::int64_t>(size)) {
    corrupt(file, std::string(key) + " is " + std::to_string(id) + ", the vocabulary has " +
                      std::to_string(size) + " tokens");
  }
  return static_cast<TokenId>(id);
}

// End-of-turn spellings of well-known chat formats, for files that name only one stop token. No
// text means anything else by them, so they are control tokens even where a file says otherwise.
constexpr std::array<std::string_view, 15> kTurnEnds{"<|im_end|>",
                                                     "<|eot_id|>",
                                                     "<|eom_id|>",
                                                     "<|eom|>",
                                                     "<end_of_turn>",
                                                     "<|end|>",
                                                     "<turn|>",
                                                     "<|return|>",
                                                     "<|call|>",
                                                     "<|calls|>",
                                                     "<|flush|>",
                                                     "<|eot|>",
                                                     "<|END_OF_TURN_TOKEN|>",
                                                     "<end_of_utterance>",
                                                     "<|end_of_text|>"};
// Ends of a text: nothing sensible follows. They count only where they are control tokens.
constexpr std::array<std::string_view, 8> kTextEnds{
    "<|endoftext|>",
    "</s>",
    "<eos>",
    "[EOS]",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "<\xEF\xBD\x9C"
    "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>"};

void read_pieces(const GgufFile& file, Vocabulary& vocabulary) {
  const auto* tokens = find_array<std::string_view>(file, "tokenizer.ggml.tokens");
  const auto* types = find_array<std::int64_t>(file, "tokenizer.ggml.token_type");
  const auto* scores = find_array<double>(file, "tokenizer.ggml.scores");
  if (!tokens || tokens->empty()) corrupt(file, "tokenizer.ggml.tokens is missing or empty");
  const bool scored = vocabulary.model == "llama" || vocabulary.model == "t5";
  if (scored && (!scores || !types)) corrupt(file, "token_type or scores are missing");
  if ((types && types->size() != tokens->size()) || (scores && scores->size() != tokens->size())) {
    corrupt(file, "tokens, token_type and scores differ in length");
  }
  vocabulary.pieces.reserve(tokens->size());
  for (std::size_t id = 0; id < tokens->size(); ++id) {
    vocabulary.pieces.push_back(
        {.text = std::string((*tokens)[id]),
         .score = scores ? static_cast<float>((*scores)[id]) : 0.0F,
         .kind = types ? kind_from_file(file, (*types)[id], id) : TokenKind::kNormal});
    VocabularyPiece& piece = vocabulary.pieces.back();
    if (piece.kind == TokenKind::kControl && is_marker(piece.text)) {
      piece.kind = TokenKind::kUserDefined;
    }
  }
}

void read_stops(const GgufFile& file, Vocabulary& vocabulary) {
  const std::size_t size = vocabulary.pieces.size();
  for (const std::string_view key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                     "tokenizer.ggml.eom_token_id"}) {
    if (const TokenId id = special_id(file, key, size); id >= 0) vocabulary.stops.push_back(id);
  }
  if (const auto* more = find_array<std::int64_t>(file, "tokenizer.ggml.eos_token_ids")) {
    for (const std::int64_t id : *more) {
      if (id < 0 || id >= static_cast<std::int64_t>(size)) {
        corrupt(file, "tokenizer.ggml.eos_token_ids holds " + std::to_string(id));
      }
      vocabulary.stops.push_back(static_cast<TokenId>(id));
    }
  }
  complete_stops(vocabulary);
}

// Named, so that a file which leaves them out means the same as elsewhere.
bool adds_bos_by_default(const Vocabulary& vocabulary) {
  if (vocabulary.model == "gpt2") {
    return vocabulary.pre == "llama-bpe" || vocabulary.pre == "llama3" ||
           vocabulary.pre == "llama-v3" || vocabulary.pre == "tekken";
  }
  return vocabulary.model != "t5";
}

}  // namespace

void complete_stops(Vocabulary& vocabulary) {
  std::vector<TokenId>& stops = vocabulary.stops;
  const auto among = [](const auto& names, const std::string& text) {
    return std::find(names.begin(), names.end(), text) != names.end();
  };
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    VocabularyPiece& piece = vocabulary.pieces[id];
    const bool control = piece.kind == TokenKind::kControl;
    const bool text = piece.kind == TokenKind::kNormal || piece.kind == TokenKind::kUserDefined;
    const bool ends_turn = (control || text) && among(kTurnEnds, piece.text);
    if (ends_turn) piece.kind = TokenKind::kControl;
    if (ends_turn || (control && among(kTextEnds, piece.text))) {
      stops.push_back(static_cast<TokenId>(id));
    }
  }
  std::sort(stops.begin(), stops.end());
  stops.erase(std::unique(stops.begin(), stops.end()), stops.end());
}

Vocabulary read_vocabulary(const GgufFile& file) {
  Vocabulary vocabulary;
  vocabulary.model = file.text("tokenizer.ggml.model");
  vocabulary.pre = file.text("tokenizer.ggml.pre", "");
  read_pieces(file, vocabulary);
  if (const auto* merges = find_array<std::string_view>(file, "tokenizer.ggml.merges")) {
    vocabulary.merges.assign(merges->begin(), merges->end());
  }
  if (const auto* map = find_array<std::int64_t>(file, "tokenizer.ggml.precompiled_charsmap")) {
    for (const std::int64_t byte : *map) vocabulary.charsmap.push_back(static_cast<char>(byte));
  }
  const std::size_t size = vocabulary.pieces.size();
  const auto id = [&](std::string_view key) { return special_id(file, key, size); };
  vocabulary.bos = id("tokenizer.ggml.bos_token_id");
  vocabulary.eos = id("tokenizer.ggml.eos_token_id");
  vocabulary.unknown = id("tokenizer.ggml.unknown_token_id");
  vocabulary.separator = id("tokenizer.ggml.seperator_token_id");  // as the format spells it
  vocabulary.padding = id("tokenizer.ggml.padding_token_id");
  vocabulary.mask = id("tokenizer.ggml.mask_token_id");
  const bool bert = vocabulary.model == "bert";
  if (bert && vocabulary.bos < 0) vocabulary.bos = id("tokenizer.ggml.cls_token_id");
  vocabulary.add_bos =
      file.boolean("tokenizer.ggml.add_bos_token", adds_bos_by_default(vocabulary));
  vocabulary.add_eos = file.boolean("tokenizer.ggml.add_eos_token", vocabulary.model == "t5");
  vocabulary.add_space_prefix =
      file.boolean("tokenizer.ggml.add_space_prefix", vocabulary.model == "llama");
  vocabulary.remove_extra_whitespaces =
      file.boolean("tokenizer.ggml.remove_extra_whitespaces", false);
  vocabulary.whitespace_as_suffix =
      file.boolean("tokenizer.ggml.treat_whitespace_as_suffix", false);
  vocabulary.lowercase = file.boolean("tokenizer.ggml.normalizer.lowercase", true);
  read_stops(file, vocabulary);
  return vocabulary;
}

std::shared_ptr<const Tokenizer> make_tokenizer(Vocabulary vocabulary) {
  const std::string model = vocabulary.model;
  if (model == "llama") return make_spm_tokenizer(std::move(vocabulary));
  if (model == "gpt2" || model == "gemma4") return make_bpe_tokenizer(std::move(vocabulary));
  if (model == "bert") return make_wordpiece_tokenizer(std::move(vocabulary));
  if (model == "t5") return make_unigram_tokenizer(std::move(vocabulary));
  throw Error(ErrorCode::kUnsupported,
              "vocabulary: the kind \"" + model +
                  "\" is not supported; this build reads llama, gpt2, gemma4, bert and t5");
}

}  // namespace orkestra::model
