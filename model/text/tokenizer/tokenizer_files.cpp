#include <orkestra/core/error.h>
#include <orkestra/model/format/byte_reader.h>
#include <orkestra/model/format/mapped_file.h>
#include <orkestra/model/text/tokenizer/sentencepiece_model.h>
#include <orkestra/model/text/tokenizer/tokenizer_files.h>
#include <orkestra/model/text/tokenizer/tokenizer_json.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

namespace orkestra::model {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::optional<std::string> read_file(const fs::path& path) {
  std::error_code missing;
  if (!fs::exists(path, missing)) return std::nullopt;
  const auto mapping = MappedFile::open(path);
  const auto bytes = mapping->bytes();
  if (bytes.size() > kMaxTokenizerBytes) {
    throw Error(ErrorCode::kInvalid, path.string() + ": more than 128 MiB");
  }
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// An absent file reads as {}.
json read_object(const fs::path& path) {
  const std::optional<std::string> text = read_file(path);
  if (!text) return json::object();
  json value = parse_large_json(*text, path.string());
  if (!value.is_object()) throw Error(ErrorCode::kCorrupt, path.string() + ": not a JSON object");
  return value;
}

// Puts the file's name before what `read` finds wrong with it.
template <typename Read>
void reading(const fs::path& path, Read&& read) {
  try {
    read();
  } catch (const Error& e) {
    throw Error(e.code(), path.string() + ": " + e.message());
  }
}

TokenId find_piece(const Vocabulary& vocabulary, const std::string& text) {
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    if (vocabulary.pieces[id].text == text) return static_cast<TokenId>(id);
  }
  return -1;
}

// A token that was added behind or over the vocabulary: {"content": .., "special": ..}.
void add_token(Vocabulary& vocabulary, std::uint64_t id, std::size_t max_pieces,
               const json& token) {
  const json& content = json_member(token, "content");
  if (!content.is_string()) {
    throw Error(ErrorCode::kCorrupt, "added token " + std::to_string(id) + " has no \"content\"");
  }
  std::string text = content.get<std::string>();
  if (id >= max_pieces) {
    throw Error(ErrorCode::kCorrupt, "added token " + printable(text) + " has the id " +
                                         std::to_string(id) + ", there can be " +
                                         std::to_string(max_pieces) + " tokens here");
  }
  const auto at = static_cast<std::size_t>(id);
  if (vocabulary.pieces.size() <= at) {
    vocabulary.pieces.resize(at + 1, {.text = "", .kind = TokenKind::kUnused});
  }
  VocabularyPiece& piece = vocabulary.pieces[at];
  piece.text = std::move(text);
  if (piece.kind == TokenKind::kUnknown || piece.kind == TokenKind::kByte) return;
  piece.kind = json_flag(token, "special") ? TokenKind::kControl : TokenKind::kUserDefined;
}

void add_listed_tokens(Vocabulary& vocabulary, const json& tokenizer, std::size_t max_pieces) {
  for (const json& token : json_member(tokenizer, "added_tokens")) {
    const json& id = json_member(token, "id");
    if (!id.is_number_unsigned()) {
      throw Error(ErrorCode::kCorrupt, "an added token has no \"id\"");
    }
    add_token(vocabulary, id.get<std::uint64_t>(), max_pieces, token);
  }
}

void add_decoder_tokens(Vocabulary& vocabulary, const json& config, std::size_t max_pieces) {
  const json& tokens = json_member(config, "added_tokens_decoder");
  if (!tokens.is_object()) return;
  for (const auto& [id, token] : tokens.items()) {
    std::uint64_t number = 0;
    const char* end = id.data() + id.size();
    const auto [rest, code] = std::from_chars(id.data(), end, number);
    if (code != std::errc() || rest != end) {
      throw Error(ErrorCode::kCorrupt,
                  "added_tokens_decoder: " + printable(id) + " is not a token's id");
    }
    add_token(vocabulary, number, max_pieces, token);
  }
}

// "<s>" or {"content": "<s>"}.
std::string token_text(const json& value) {
  return json_text(value.is_object() ? json_member(value, "content") : value);
}

void set_special(Vocabulary& vocabulary, const json& config, const char* name, TokenId& id) {
  const std::string text = token_text(json_member(config, name));
  const TokenId found = text.empty() ? -1 : find_piece(vocabulary, text);
  if (found >= 0) id = found;
}

// Every id has a name, as GGUF files want it; there are at least `size` of them.
void name_unused(Vocabulary& vocabulary, std::size_t size) {
  if (vocabulary.pieces.size() < size) {
    vocabulary.pieces.resize(size, {.text = "", .kind = TokenKind::kUnused});
  }
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    VocabularyPiece& piece = vocabulary.pieces[id];
    if (piece.kind == TokenKind::kUnused && piece.text.empty()) {
      piece.text = "[PAD" + std::to_string(id) + "]";
    }
  }
}

// Ids under `name`: a number or a list.
std::vector<TokenId> ids_of(const json& config, const char* name, std::size_t size) {
  std::vector<TokenId> ids;
  const auto add = [&](const json& id) {
    if (id.is_number_unsigned() && id.get<std::uint64_t>() < size) {
      ids.push_back(id.get<TokenId>());
    }
  };
  const json& value = json_member(config, name);
  if (value.is_array()) {
    for (const json& id : value) add(id);
  } else {
    add(value);
  }
  return ids;
}

// Whether tokenizer.json's post-processor puts `token` first.
bool puts_first(const json& tokenizer, const std::string& token) {
  if (token.empty()) return false;
  const json& processor = json_member(tokenizer, "post_processor");
  std::vector<const json*> all{&processor};
  for (const json& one : json_member(processor, "processors")) all.push_back(&one);
  for (const json* one : all) {
    const json& single = json_member(*one, "single");
    if (!single.is_array() || single.empty()) continue;
    const json& special = json_member(single[0], "SpecialToken");
    if (json_text(json_member(special, "id")) == token) return true;
  }
  return false;
}

void read_special_tokens(const fs::path& folder, const json& tokenizer, const json& config,
                         Vocabulary& vocabulary) {
  const json general = read_object(folder / "config.json");
  const json generation = read_object(folder / "generation_config.json");
  const std::size_t size = vocabulary.pieces.size();
  const auto from_ids = [&](const char* name, TokenId& id) {
    if (id >= 0) return;
    const std::vector<TokenId> ids = ids_of(general, name, size);
    if (!ids.empty()) id = ids.front();
  };
  const json map = read_object(folder / "special_tokens_map.json");
  for (const json* file : {&map, &config}) {  // the latter has the last word
    set_special(vocabulary, *file, "bos_token", vocabulary.bos);
    set_special(vocabulary, *file, "eos_token", vocabulary.eos);
    set_special(vocabulary, *file, "unk_token", vocabulary.unknown);
    set_special(vocabulary, *file, "pad_token", vocabulary.padding);
    set_special(vocabulary, *file, "mask_token", vocabulary.mask);
    set_special(vocabulary, *file, "sep_token", vocabulary.separator);
  }
  from_ids("bos_token_id", vocabulary.bos);
  from_ids("eos_token_id", vocabulary.eos);
  if (vocabulary.eos >= 0) vocabulary.stops.push_back(vocabulary.eos);
  for (const json* file : {&general, &generation}) {
    for (const TokenId id : ids_of(*file, "eos_token_id", size)) vocabulary.stops.push_back(id);
  }
  complete_stops(vocabulary);

  const std::string bos =
      vocabulary.bos < 0 ? "" : vocabulary.pieces[static_cast<std::size_t>(vocabulary.bos)].text;
  const json& add_bos = json_member(config, "add_bos_token");
  const json& add_eos = json_member(config, "add_eos_token");
  const std::string kind = json_text(json_member(config, "tokenizer_class"));
  const bool llama = kind.starts_with("Llama") || kind.starts_with("Gemma");
  vocabulary.add_bos = add_bos.is_boolean() ? add_bos.get<bool>()
                                            : (llama && !bos.empty()) || puts_first(tokenizer, bos);
  vocabulary.add_eos = add_eos.is_boolean() ? add_eos.get<bool>() : vocabulary.model == "t5";
}

// In a file of its own, or in the configuration: a text, or a list of named ones.
std::string read_chat_template(const fs::path& folder, const json& config) {
  if (const auto file = read_file(folder / "chat_template.jinja")) return *file;
  const json own = read_object(folder / "chat_template.json");
  const json& from_own = json_member(own, "chat_template");
  const json& value = from_own.is_null() ? json_member(config, "chat_template") : from_own;
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return "";
  std::string first;
  for (const json& one : value) {
    if (!one.is_object()) continue;
    const std::string text = token_text(json_member(one, "template"));
    if (token_text(json_member(one, "name")) == "default") return text;
    if (first.empty()) first = text;
  }
  return first;
}

}  // namespace

TokenizerFiles read_tokenizer_files(const fs::path& folder, std::int64_t n_vocab) {
  const fs::path config_path = folder / "tokenizer_config.json";
  const fs::path model_path = folder / "tokenizer.model";
  const fs::path json_path = folder / "tokenizer.json";
  const json config = read_object(config_path);
  const json tokenizer = read_object(json_path);
  const std::optional<std::string> model = read_file(model_path);
  const std::size_t max_pieces =
      n_vocab > 0 ? std::min(static_cast<std::size_t>(n_vocab), kMaxPieces) : kMaxPieces;
  TokenizerFiles files;
  Vocabulary& vocabulary = files.vocabulary;
  // Some publish another library's file under this name; SentencePiece's begins with a piece.
  if (model && (model->starts_with('\n') || tokenizer.empty())) {
    reading(model_path, [&] { vocabulary = parse_sentencepiece_model(*model, max_pieces); });
  } else if (!tokenizer.empty()) {
    reading(json_path, [&] { vocabulary = read_tokenizer_json(tokenizer, max_pieces); });
  } else {
    throw Error(ErrorCode::kNotFound,
                folder.string() + ": holds neither tokenizer.json nor tokenizer.model");
  }
  reading(json_path, [&] { add_listed_tokens(vocabulary, tokenizer, max_pieces); });
  reading(config_path, [&] { add_decoder_tokens(vocabulary, config, max_pieces); });
  name_unused(vocabulary, n_vocab > 0 ? max_pieces : 0);
  read_special_tokens(folder, tokenizer, config, vocabulary);
  files.chat_template = read_chat_template(folder, config);
  return files;
}

}  // namespace orkestra::model
