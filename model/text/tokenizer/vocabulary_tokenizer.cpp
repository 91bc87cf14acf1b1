#include <orkestra/core/error.h>
#include <orkestra/model/text/tokenizer/vocabulary_tokenizer.h>

#include <algorithm>
#include <charconv>

namespace orkestra::model {

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  std::size_t done = 0;
  for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from, done)) {
    out.append(text.substr(done, at - done)).append(to);
    done = at + from.size();
  }
  return out.append(text.substr(done));
}

VocabularyTokenizer::VocabularyTokenizer(Vocabulary vocabulary)
    : pieces_(std::move(vocabulary.pieces)) {
  bos_ = vocabulary.bos;
  eos_ = vocabulary.eos;
  unknown_ = vocabulary.unknown;
  stops_ = std::move(vocabulary.stops);
  add_bos_ = vocabulary.add_bos;
  byte_tokens_.fill(-1);
  bytes_.resize(pieces_.size());
  kinds_.resize(pieces_.size());
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    kinds_[i] = pieces_[i].kind;
    if (kinds_[i] != TokenKind::kByte) continue;
    unsigned value = 256;
    const std::string_view text = pieces_[i].text;
    if (text.size() == 6 && text.starts_with("<0x") && text.back() == '>') {
      const char* end = text.data() + 5;
      if (std::from_chars(text.data() + 3, end, value, 16).ptr != end) value = 256;
    }
    if (value > 255) {
      throw Error(ErrorCode::kCorrupt,
                  "vocabulary: byte token " + std::to_string(i) + " is not spelled <0xHH>");
    }
    bytes_[i] = std::string(1, static_cast<char>(value));
    if (byte_tokens_[value] < 0) byte_tokens_[value] = static_cast<TokenId>(i);
  }
}

void VocabularyTokenizer::index_user_pieces_with_marks() {
  std::vector<std::string> spelled(pieces_.size());
  std::vector<LiteralTrie::Literal> literals;
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    if (kinds_[i] != TokenKind::kUserDefined || pieces_[i].text.empty()) continue;
    // Files spell these pieces as a text does, with plain spaces.
    spelled[i] = replace_all(pieces_[i].text, " ", kWordMark);
    literals.push_back({spelled[i], static_cast<TokenId>(i)});
  }
  user_pieces_ = LiteralTrie(std::move(literals));
}

void VocabularyTokenizer::index_user_pieces() {
  std::vector<LiteralTrie::Literal> literals;
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    if (kinds_[i] == TokenKind::kUserDefined && !pieces_[i].text.empty()) {
      literals.push_back({pieces_[i].text, static_cast<TokenId>(i)});
    }
  }
  user_pieces_ = LiteralTrie(std::move(literals));
}

void VocabularyTokenizer::append_bytes(std::string_view text, std::vector<TokenId>& out) const {
  const std::size_t begin = out.size();
  for (const char c : text) {
    const TokenId id = byte_tokens_[static_cast<std::uint8_t>(c)];
    if (id >= 0) {
      out.push_back(id);
      continue;
    }
    out.resize(begin);
    if (unknown_ >= 0 && (out.empty() || out.back() != unknown_)) out.push_back(unknown_);
    return;
  }
}

void VocabularyTokenizer::check_every_byte_has_a_token() const {
  if (unknown_ >= 0) return;
  const auto missing = std::find(byte_tokens_.begin(), byte_tokens_.end(), -1);
  if (missing == byte_tokens_.end()) return;
  throw Error(ErrorCode::kCorrupt, "vocabulary: no token for byte " +
                                       std::to_string(missing - byte_tokens_.begin()) +
                                       " and no unknown token");
}

}  // namespace orkestra::model
