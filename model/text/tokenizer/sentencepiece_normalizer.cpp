#include <orkestra/core/error.h>
#include <orkestra/model/text/tokenizer/sentencepiece_normalizer.h>
#include <orkestra/model/text/tokenizer/vocabulary_tokenizer.h>
#include <orkestra/model/text/utf8.h>

#include <algorithm>

namespace orkestra::model {
namespace {

// Keys of real tables are a few characters long. The bound keeps a table made to walk for ever from
// reading the whole text at every place.
constexpr std::size_t kLongestKey = 128;  // bytes

// A unit of the double array, bit by bit as darts-clone packs it.
std::uint32_t offset_of(std::uint32_t unit) { return (unit >> 10U) << ((unit & (1U << 9U)) >> 6U); }
std::uint32_t label_of(std::uint32_t unit) { return unit & ((1U << 31U) | 0xFFU); }
bool has_leaf(std::uint32_t unit) { return ((unit >> 8U) & 1U) != 0; }
std::uint32_t value_of(std::uint32_t unit) { return unit & ((1U << 31U) - 1U); }

std::uint32_t little_endian(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value |= static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[at + i])) << (8U * i);
  }
  return value;
}

}  // namespace

SentencePieceNormalizer::SentencePieceNormalizer(const Vocabulary& vocabulary)
    : add_space_prefix_(vocabulary.add_space_prefix),
      remove_extra_whitespaces_(vocabulary.remove_extra_whitespaces),
      whitespace_as_suffix_(vocabulary.whitespace_as_suffix) {
  std::vector<std::string> spelled(vocabulary.pieces.size());
  std::vector<LiteralTrie::Literal> literals;
  for (std::size_t i = 0; i < vocabulary.pieces.size(); ++i) {
    const VocabularyPiece& piece = vocabulary.pieces[i];
    if (piece.kind == TokenKind::kUserDefined && !piece.text.empty()) {
      // As SentencePiece spells them, which looks for them in a text whose spaces are plain.
      spelled[i] = replace_all(piece.text, " ", kWordMark);
      literals.push_back({spelled[i], static_cast<TokenId>(i)});
    }
  }
  user_pieces_ = LiteralTrie(std::move(literals));
  const std::string_view map = vocabulary.charsmap;
  if (map.empty()) return;
  const std::size_t size = map.size() >= 4 ? little_endian(map, 0) : 0;
  if (size == 0 || size % 4 != 0 || size > map.size() - 4 || map.back() != '\0') {
    throw Error(ErrorCode::kCorrupt,
                "vocabulary: the normalisation table (precompiled_charsmap) is damaged");
  }
  for (std::size_t at = 4; at < 4 + size; at += 4) units_.push_back(little_endian(map, at));
  replacements_ = map.substr(4 + size);
}

SentencePieceNormalizer::Mapped SentencePieceNormalizer::map_at(std::string_view text) const {
  if (!user_pieces_.empty()) {
    if (const auto match = user_pieces_.longest(text); match.value >= 0) {
      return {text.substr(0, match.length), match.length};
    }
  }
  Mapped mapped{{}, 0};
  if (!units_.empty()) {
    std::uint32_t node = offset_of(units_[0]);
    for (std::size_t i = 0; i < std::min(text.size(), kLongestKey); ++i) {
      const auto byte = static_cast<std::uint8_t>(text[i]);
      node ^= byte;
      if (node >= units_.size() || label_of(units_[node]) != byte) break;
      const std::uint32_t unit = units_[node];
      node ^= offset_of(unit);
      if (node >= units_.size()) break;
      if (!has_leaf(unit)) continue;
      const std::size_t at = value_of(units_[node]);
      if (at >= replacements_.size()) break;
      mapped = {std::string_view(replacements_.c_str() + at), i + 1};
    }
  }
  if (mapped.length > 0) return mapped;
  const std::size_t length = std::max<std::size_t>(utf8_length(text, 0), 1);
  return {text.substr(0, length), length};
}

std::string SentencePieceNormalizer::operator()(std::string_view text) const {
  std::string out;
  if (text.empty()) return out;
  out.reserve(text.size() + text.size() / 2 + kWordMark.size());
  if (remove_extra_whitespaces_) {
    while (!text.empty()) {
      const Mapped first = map_at(text);
      if (first.text != " ") break;
      text.remove_prefix(first.length);
    }
    if (text.empty()) return out;
  }
  if (add_space_prefix_ && !whitespace_as_suffix_) out += kWordMark;
  bool after_space = remove_extra_whitespaces_;
  while (!text.empty()) {
    const Mapped mapped = map_at(text);
    std::string_view part = mapped.text;
    while (after_space && part.starts_with(' ')) part.remove_prefix(1);
    if (!part.empty()) {
      for (const char c : part) c == ' ' ? out.append(kWordMark) : out.append(1, c);
      after_space = part.back() == ' ';
    }
    text.remove_prefix(mapped.length);
    if (!remove_extra_whitespaces_) after_space = false;
  }
  while (remove_extra_whitespaces_ && out.ends_with(kWordMark)) {
    out.resize(out.size() - kWordMark.size());
  }
  if (add_space_prefix_ && whitespace_as_suffix_) out += kWordMark;
  return out;
}

}  // namespace orkestra::model
