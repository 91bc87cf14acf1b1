#include <orkestra/core/error.h>
#include <orkestra/model/format/byte_reader.h>
#include <orkestra/model/text/tokenizer/pretokenizer.h>
#include <orkestra/model/text/tokenizer/tokenizer_json.h>
#include <orkestra/model/text/tokenizer/tokenizer_json_words.h>
#include <orkestra/model/text/tokenizer/vocabulary_tokenizer.h>
#include <orkestra/model/text/utf8.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace orkestra::model {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 32;

[[noreturn]] void corrupt(const std::string& what) { throw Error(ErrorCode::kCorrupt, what); }
[[noreturn]] void unsupported(const std::string& what) {
  throw Error(ErrorCode::kUnsupported, what);
}

// The steps of a normaliser or a pre-tokenizer: a sequence's, or the one.
std::vector<json> steps(const json& part, const char* list) {
  if (!part.is_object()) return {};
  const json& inner = json_member(part, list);
  if (json_text(json_member(part, "type")) != "Sequence") return {part};
  std::vector<json> all;
  if (inner.is_array()) all.assign(inner.begin(), inner.end());
  return all;
}
std::string type_of(const json& step) { return json_text(json_member(step, "type")); }
const json* find_step(const std::vector<json>& all, std::string_view type) {
  const auto it =
      std::find_if(all.begin(), all.end(), [&](const json& step) { return type_of(step) == type; });
  return it == all.end() ? nullptr : &*it;
}
// Whatever changes a text and isn't in `known` would be left out without a word.
void only(const std::vector<json>& all, const char* what,
          std::initializer_list<std::string_view> known) {
  for (const json& step : all) {
    const std::string type = type_of(step);
    if (std::find(known.begin(), known.end(), type) == known.end()) {
      unsupported("its " + std::string(what) + " " + printable(type) +
                  " can't be written to a GGUF file");
    }
  }
}

std::size_t token_id(const json& id, std::size_t max_pieces, const std::string& whose) {
  if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= max_pieces) {
    corrupt("the id of " + printable(whose) + " is not a number below " +
            std::to_string(max_pieces) + ", the most tokens there can be here");
  }
  return id.get<std::size_t>();
}

VocabularyPiece& piece_at(Vocabulary& vocabulary, std::size_t id) {
  if (vocabulary.pieces.size() <= id) {
    vocabulary.pieces.resize(id + 1, {.text = "", .kind = TokenKind::kUnused});
  }
  return vocabulary.pieces[id];
}

void read_vocab_map(const json& model, std::size_t max_pieces, Vocabulary& vocabulary) {
  const json& vocab = json_member(model, "vocab");
  if (!vocab.is_object() || vocab.empty()) corrupt("model.vocab is missing");
  for (const auto& [spelled, id] : vocab.items()) {
    VocabularyPiece& piece = piece_at(vocabulary, token_id(id, max_pieces, spelled));
    if (piece.kind != TokenKind::kUnused) {
      corrupt(printable(piece.text) + " and " + printable(spelled) + " have the same id");
    }
    piece = {.text = spelled};
  }
}

// "left right", or ["left", "right"].
void read_merges(const json& model, Vocabulary& vocabulary) {
  for (const json& merge : json_member(model, "merges")) {
    std::string both;
    if (merge.is_string()) {
      both = merge.get<std::string>();
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      both = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
    }
    const std::size_t space = both.find(' ', 1);
    if (space == std::string::npos || space + 1 == both.size() ||
        both.find(' ', space + 1) != std::string::npos) {
      corrupt("merge " + std::to_string(vocabulary.merges.size()) + " (" + printable(both) +
              ") is not two pieces without spaces");
    }
    vocabulary.merges.push_back(std::move(both));
  }
}

// The two parts of `whole` at every place between its characters.
template <typename Try>
void each_cut(std::string_view whole, Try&& attempt) {
  const auto step = [&](std::size_t at) {
    return std::max<std::size_t>(utf8_length(whole, at), 1);
  };
  for (std::size_t at = whole.empty() ? 0 : step(0); at < whole.size(); at += step(at)) {
    attempt(whole.substr(0, at), whole.substr(at));
  }
}

// SentencePiece BPE written as merges: what is merged earlier has the higher score. There a piece
// may come of any two neighbours that spell it. So all of these must be among the merges, or none:
// then no text holds the piece, and it loses its spelling.
void scores_from_merges(Vocabulary& vocabulary) {
  std::unordered_map<std::string_view, std::size_t> ids;
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    vocabulary.pieces[id].score = -1e9F;  // never the result of a merge
    ids.emplace(vocabulary.pieces[id].text, id);
  }
  const std::unordered_set<std::string_view> merges(vocabulary.merges.begin(),
                                                    vocabulary.merges.end());
  std::vector<bool> merged(vocabulary.pieces.size());
  float score = 0;
  for (const std::string& merge : vocabulary.merges) {
    std::string whole = merge;
    whole.erase(whole.find(' ', 1), 1);
    const auto it = ids.find(whole);
    if (it == ids.end() || merged[it->second]) continue;
    merged[it->second] = true;
    vocabulary.pieces[it->second].score = score;
    score -= 1;
  }
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    VocabularyPiece& piece = vocabulary.pieces[id];
    if (piece.kind != TokenKind::kNormal) continue;
    bool known_parts = false;
    each_cut(piece.text, [&](std::string_view left, std::string_view right) {
      if (!ids.contains(left) || !ids.contains(right)) return;
      known_parts = true;
      if (!merged[id] || merges.contains(std::string(left) + " " + std::string(right))) return;
      unsupported("the piece " + printable(piece.text) +
                  " is merged in only some of the ways that its vocabulary has; a GGUF file can't "
                  "say so for pieces that spell spaces as U+2581");
    });
    if (known_parts && !merged[id]) piece.kind = TokenKind::kUnused;
  }
  for (VocabularyPiece& piece : vocabulary.pieces) {
    if (piece.kind == TokenKind::kUnused) piece.text.clear();
  }
  vocabulary.merges.clear();
}

bool spells_byte(std::string_view piece) {
  return piece.size() == 6 && piece.starts_with("<0x") && piece.back() == '>' &&
         piece.find_first_not_of("0123456789ABCDEF", 3) == 5;
}

void mark_bytes(const json& model, Vocabulary& vocabulary) {
  if (!json_flag(model, "byte_fallback")) return;
  for (VocabularyPiece& piece : vocabulary.pieces) {
    if (spells_byte(piece.text)) piece.kind = TokenKind::kByte;
  }
}

// Whether the pre-tokenizer puts a space before the text.
bool metaspace_prepends(const json& metaspace) {
  const std::string scheme = json_text(json_member(metaspace, "prepend_scheme"));
  return scheme.empty() ? json_flag(metaspace, "add_prefix_space", true) : scheme != "never";
}

void read_bpe(const json& root, const json& model, std::size_t max_pieces, Vocabulary& vocabulary) {
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!json_text(json_member(model, name)).empty()) {
      unsupported("model." + std::string(name) + " can't be written to a GGUF file");
    }
  }
  read_vocab_map(model, max_pieces, vocabulary);
  read_merges(model, vocabulary);
  const std::vector<json> pre = steps(json_member(root, "pre_tokenizer"), "pretokenizers");
  const std::vector<json> normal = steps(json_member(root, "normalizer"), "normalizers");
  if (const json* bytes = find_step(pre, "ByteLevel")) {
    only(normal, "normaliser", {"NFC"});
    vocabulary.model = "gpt2";
    vocabulary.pre = pretokenizer_name(pre, json_flag(model, "ignore_merges"));
    if (json_flag(*bytes, "add_prefix_space")) {
      unsupported(
          "a space before the text (ByteLevel's add_prefix_space) can't be written to a "
          "GGUF file for this kind");
    }
    return;
  }
  only(normal, "normaliser", {"Prepend", "Replace", "NFC"});
  only(pre, "pre-tokenizer", {"Metaspace", "Split"});
  const json* metaspace = find_step(pre, "Metaspace");
  const json* replace = find_step(normal, "Replace");
  const bool marks =
      metaspace != nullptr ||
      (replace != nullptr && json_text(json_member(*replace, "content")) == kWordMark &&
       json_text(json_member(json_member(*replace, "pattern"), "String")) == " ");
  if (!marks) unsupported("BPE that is neither over bytes nor spells spaces as U+2581");
  mark_bytes(model, vocabulary);
  vocabulary.model = "llama";
  scores_from_merges(vocabulary);
  vocabulary.add_space_prefix = metaspace != nullptr ? metaspace_prepends(*metaspace)
                                                     : find_step(normal, "Prepend") != nullptr;
}

std::string from_base64(const std::string& encoded) {
  std::string bytes;
  unsigned bits = 0;
  unsigned count = 0;
  for (const char c : encoded) {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) continue;
    bits = (bits << 6U) | static_cast<unsigned>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>((bits >> count) & 0xFFU));
  }
  return bytes;
}

void read_unigram(const json& root, const json& model, std::size_t max_pieces,
                  Vocabulary& vocabulary) {
  vocabulary.model = "t5";
  const json& vocab = json_member(model, "vocab");
  if (!vocab.is_array() || vocab.empty() || vocab.size() > max_pieces) {
    corrupt("model.vocab is not an array of 1 to " + std::to_string(max_pieces) + " pieces");
  }
  for (const json& entry : vocab) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      corrupt("model.vocab holds something that is not a piece and its score");
    }
    vocabulary.pieces.push_back(
        {.text = entry[0].get<std::string>(), .score = entry[1].get<float>()});
  }
  const json& unknown = json_member(model, "unk_id");
  if (!unknown.is_null()) {
    const std::size_t id = token_id(unknown, vocabulary.pieces.size(), "the unknown token");
    vocabulary.unknown = static_cast<TokenId>(id);
    vocabulary.pieces[id].kind = TokenKind::kUnknown;
  }
  mark_bytes(model, vocabulary);
  const std::vector<json> normal = steps(json_member(root, "normalizer"), "normalizers");
  const std::vector<json> pre = steps(json_member(root, "pre_tokenizer"), "pretokenizers");
  only(normal, "normaliser", {"Precompiled", "Replace", "Strip"});
  only(pre, "pre-tokenizer", {"Metaspace", "WhitespaceSplit"});
  if (const json* table = find_step(normal, "Precompiled")) {
    vocabulary.charsmap = from_base64(json_text(json_member(*table, "precompiled_charsmap")));
  }
  const json* metaspace = find_step(pre, "Metaspace");
  vocabulary.add_space_prefix = metaspace == nullptr || metaspace_prepends(*metaspace);
  // Cutting at white space first (or collapsing it by a replacement) is this rule in SentencePiece.
  vocabulary.remove_extra_whitespaces =
      find_step(pre, "WhitespaceSplit") != nullptr || find_step(normal, "Replace") != nullptr;
}

void find_unknown(const json& model, Vocabulary& vocabulary) {
  const std::string unknown = json_text(json_member(model, "unk_token"));
  if (unknown.empty()) return;
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    VocabularyPiece& piece = vocabulary.pieces[id];
    if (piece.text != unknown) continue;
    vocabulary.unknown = static_cast<TokenId>(id);
    piece.kind = TokenKind::kUnknown;
  }
}

}  // namespace

json parse_large_json(std::string_view source, std::string_view what) {
  const std::string name(what);
  if (source.size() > kMaxTokenizerBytes) {
    throw Error(ErrorCode::kInvalid, name + ": more than 128 MiB of JSON");
  }
  if (source.find('\0') != std::string_view::npos) {  // the parser would take it for the end
    throw Error(ErrorCode::kInvalid, name + ": not valid JSON: it holds a NUL byte");
  }
  const auto bounded = [&](int depth, json::parse_event_t event, json&) {
    const bool opens =
        event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (opens && depth >= kMaxDepth) {
      throw Error(ErrorCode::kInvalid, name + ": JSON nested deeper than 32 levels");
    }
    return true;
  };
  try {
    return json::parse(source.begin(), source.end(), bounded);
  } catch (const json::exception& e) {
    throw Error(ErrorCode::kInvalid, name + ": not valid JSON: " + e.what());
  }
}

const json& json_member(const json& object, const char* name) {
  static const json kNull;
  if (!object.is_object()) return kNull;
  const auto it = object.find(name);
  return it == object.end() ? kNull : *it;
}
std::string json_text(const json& value) {
  return value.is_string() ? value.get<std::string>() : "";
}
bool json_flag(const json& object, const char* name, bool fallback) {
  const json& value = json_member(object, name);
  return value.is_boolean() ? value.get<bool>() : fallback;
}

Vocabulary read_tokenizer_json(const json& root, std::size_t max_pieces) {
  const json& model = json_member(root, "model");
  std::string type = json_text(json_member(model, "type"));
  if (type.empty() && json_member(model, "merges").is_array()) type = "BPE";
  max_pieces = std::min(max_pieces, kMaxPieces);
  Vocabulary vocabulary;
  if (type == "BPE") {
    read_bpe(root, model, max_pieces, vocabulary);
  } else if (type == "Unigram") {
    read_unigram(root, model, max_pieces, vocabulary);
  } else {
    unsupported("the kind of model " + printable(type) + " (BPE and Unigram are known)");
  }
  find_unknown(model, vocabulary);
  return vocabulary;
}

}  // namespace orkestra::model
