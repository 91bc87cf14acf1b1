#include <orkestra/core/error.h>
#include <orkestra/model/text/spm_tokenizer.h>
#include <orkestra/model/text/tokenizer.h>

#include <algorithm>
#include <array>
#include <string>
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

// End-of-turn spellings of well-known chat formats, for files that name only one stop token.
constexpr std::array<std::string_view, 6> kTurnEnds{"<|im_end|>", "<|eot_id|>",    "<|eom_id|>",
                                                    "<|eom|>",    "<end_of_turn>", "<|end|>"};

}  // namespace

TokenId Tokenizer::find(std::string_view wanted) const {
  for (TokenId id = 0; id < size(); ++id) {
    if (piece(id) == wanted) return id;
  }
  return -1;
}

std::string Tokenizer::decode(const std::vector<TokenId>& ids) const {
  std::string text;
  for (const TokenId id : ids) {
    if (id >= 0 && id < size()) text += bytes(id);
  }
  return text;
}

std::shared_ptr<const Tokenizer> make_tokenizer(const GgufFile& file) {
  const std::string_view model = file.text("tokenizer.ggml.model");
  if (model != "llama") {
    throw Error(ErrorCode::kUnsupported,
                file.name() + ": tokenizer \"" + std::string(model) +
                    "\" is not supported; this build reads \"llama\" (SentencePiece BPE)");
  }
  const auto* tokens = find_array<std::string_view>(file, "tokenizer.ggml.tokens");
  const auto* types = find_array<std::int64_t>(file, "tokenizer.ggml.token_type");
  const auto* scores = find_array<double>(file, "tokenizer.ggml.scores");
  if (!tokens || tokens->empty()) corrupt(file, "tokenizer.ggml.tokens is missing or empty");
  if (!types || !scores || types->size() != tokens->size() || scores->size() != tokens->size()) {
    corrupt(file, "tokens, token_type and scores differ in length");
  }
  SpmVocabulary vocabulary;
  const std::size_t size = tokens->size();
  vocabulary.add_space_prefix = file.boolean("tokenizer.ggml.add_space_prefix", true);
  vocabulary.add_bos = file.boolean("tokenizer.ggml.add_bos_token", true);
  vocabulary.bos = special_id(file, "tokenizer.ggml.bos_token_id", size);
  vocabulary.unknown = special_id(file, "tokenizer.ggml.unknown_token_id", size);
  for (std::size_t id = 0; id < size; ++id) {
    vocabulary.pieces.push_back({.text = std::string((*tokens)[id]),
                                 .score = static_cast<float>((*scores)[id]),
                                 .kind = kind_from_file(file, (*types)[id], id)});
  }

  std::vector<TokenId>& stops = vocabulary.stops;
  for (const std::string_view key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                     "tokenizer.ggml.eom_token_id"}) {
    if (const TokenId id = special_id(file, key, size); id >= 0) stops.push_back(id);
  }
  if (const auto* more = find_array<std::int64_t>(file, "tokenizer.ggml.eos_token_ids")) {
    for (const std::int64_t id : *more) {
      if (id < 0 || id >= static_cast<std::int64_t>(size)) {
        corrupt(file, "tokenizer.ggml.eos_token_ids holds " + std::to_string(id));
      }
      stops.push_back(static_cast<TokenId>(id));
    }
  }
  for (std::size_t id = 0; id < size; ++id) {
    const SpmPiece& piece = vocabulary.pieces[id];
    if (piece.kind == TokenKind::kControl &&
        std::find(kTurnEnds.begin(), kTurnEnds.end(), piece.text) != kTurnEnds.end()) {
      stops.push_back(static_cast<TokenId>(id));
    }
  }
  std::sort(stops.begin(), stops.end());
  stops.erase(std::unique(stops.begin(), stops.end()), stops.end());
  try {
    return make_spm_tokenizer(std::move(vocabulary));
  } catch (const Error& e) {
    throw Error(e.code(), file.name() + ": " + e.message());
  }
}

}  // namespace orkestra::model
