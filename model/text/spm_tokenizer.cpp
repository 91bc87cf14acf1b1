#include <orkestra/core/error.h>
#include <orkestra/model/text/spm_tokenizer.h>
#include <orkestra/model/text/utf8.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace orkestra::model {
namespace {

constexpr std::string_view kWordMark = "\xE2\x96\x81";  // U+2581, how a space is spelled

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

std::size_t character_length(std::string_view text, std::size_t at) {
  return std::max<std::size_t>(utf8_length(text, at), 1);
}

class SpmTokenizer final : public Tokenizer {
 public:
  explicit SpmTokenizer(SpmVocabulary vocabulary);

  using Tokenizer::encode;
  std::vector<TokenId> encode(std::string_view text,
                              const std::vector<TokenId>& forbidden) const override;
  std::int64_t size() const override { return static_cast<std::int64_t>(pieces_.size()); }
  std::string_view bytes(TokenId id) const override { return bytes_[static_cast<std::size_t>(id)]; }
  std::string_view piece(TokenId id) const override {
    return pieces_[static_cast<std::size_t>(id)].text;
  }

 private:
  // A piece of the text while merging; a doubly linked list in a vector.
  struct Symbol {
    std::size_t begin = 0;
    std::size_t length = 0;  // 0 = merged into its left neighbour
    std::int32_t left = -1;
    std::int32_t right = -1;
  };
  // A possible merge. Stale when a part has changed: its lengths no longer add up.
  struct Merge {
    float score;
    std::int32_t left;
    std::int32_t right;
    std::size_t length;
    bool operator<(const Merge& other) const {  // highest score first, then leftmost
      return score != other.score ? score < other.score : left > other.left;
    }
  };
  struct UserPiece {
    std::string text;
    TokenId id;
  };

  void index_piece(TokenId id);
  void check_every_byte_has_a_token() const;
  const UserPiece* user_piece_at(std::string_view text, std::size_t at,
                                 const std::vector<TokenId>& forbidden) const;
  void encode_run(std::string_view text, std::vector<TokenId>& out) const;
  void emit(std::string_view piece, std::vector<TokenId>& out) const;

  std::vector<SpmPiece> pieces_;
  std::vector<std::string> bytes_;
  std::unordered_map<std::string_view, TokenId> normal_;  // views of pieces_
  std::size_t longest_normal_ = 0;
  std::array<std::vector<UserPiece>, 256> user_pieces_;  // by first byte, longest first
  std::array<TokenId, 256> byte_tokens_{};
  bool add_space_prefix_ = false;
};

SpmTokenizer::SpmTokenizer(SpmVocabulary vocabulary)
    : pieces_(std::move(vocabulary.pieces)), add_space_prefix_(vocabulary.add_space_prefix) {
  bos_ = vocabulary.bos;
  unknown_ = vocabulary.unknown;
  stops_ = std::move(vocabulary.stops);
  add_bos_ = vocabulary.add_bos;
  byte_tokens_.fill(-1);
  bytes_.resize(pieces_.size());
  kinds_.resize(pieces_.size());
  for (std::size_t id = 0; id < pieces_.size(); ++id) index_piece(static_cast<TokenId>(id));
  for (auto& pieces : user_pieces_) {
    std::stable_sort(pieces.begin(), pieces.end(), [](const UserPiece& a, const UserPiece& b) {
      return a.text.size() > b.text.size();
    });
  }
  check_every_byte_has_a_token();
}

void SpmTokenizer::index_piece(TokenId id) {
  const auto i = static_cast<std::size_t>(id);
  const SpmPiece& piece = pieces_[i];
  kinds_[i] = piece.kind;
  switch (piece.kind) {
    case TokenKind::kNormal:
      bytes_[i] = replace_all(piece.text, kWordMark, " ");
      if (!piece.text.empty()) normal_.emplace(piece.text, id);
      longest_normal_ = std::max(longest_normal_, piece.text.size());
      break;
    case TokenKind::kUserDefined: {
      bytes_[i] = replace_all(piece.text, kWordMark, " ");
      // SentencePiece spells spaces as U+2581 before it looks for these pieces, so one with a
      // plain space in it never matches; but converters spell runs of U+2581 as plain spaces.
      const bool only_spaces = piece.text.find_first_not_of(' ') == std::string::npos;
      if (!piece.text.empty() && (only_spaces || piece.text.find(' ') == std::string::npos)) {
        std::string spelled = replace_all(piece.text, " ", kWordMark);
        user_pieces_[static_cast<std::uint8_t>(spelled.front())].push_back({spelled, id});
      }
      break;
    }
    case TokenKind::kByte: {
      unsigned value = 256;
      const std::string_view text = piece.text;
      if (text.size() == 6 && text.starts_with("<0x") && text.back() == '>') {
        const char* end = text.data() + 5;
        if (std::from_chars(text.data() + 3, end, value, 16).ptr != end) value = 256;
      }
      if (value > 255) {
        throw Error(ErrorCode::kCorrupt,
                    "vocabulary: byte token " + std::to_string(id) + " is not spelled <0xHH>");
      }
      bytes_[i] = std::string(1, static_cast<char>(value));
      if (byte_tokens_[value] < 0) byte_tokens_[value] = id;
      break;
    }
    case TokenKind::kUnknown:
    case TokenKind::kControl:
    case TokenKind::kUnused:
      break;
  }
}

void SpmTokenizer::check_every_byte_has_a_token() const {
  if (unknown_ >= 0) return;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (byte_tokens_[byte] < 0) {
      throw Error(ErrorCode::kCorrupt, "vocabulary: no token for byte " + std::to_string(byte) +
                                           " and no unknown token");
    }
  }
}

const SpmTokenizer::UserPiece* SpmTokenizer::user_piece_at(
    std::string_view text, std::size_t at, const std::vector<TokenId>& forbidden) const {
  for (const UserPiece& piece : user_pieces_[static_cast<std::uint8_t>(text[at])]) {
    if (text.substr(at, piece.text.size()) == piece.text &&
        !std::binary_search(forbidden.begin(), forbidden.end(), piece.id)) {
      return &piece;
    }
  }
  return nullptr;
}

std::vector<TokenId> SpmTokenizer::encode(std::string_view raw,
                                          const std::vector<TokenId>& forbidden) const {
  std::vector<TokenId> out;
  if (raw.empty()) return out;
  std::string text = replace_all(raw, " ", kWordMark);
  if (add_space_prefix_) text.insert(0, kWordMark);
  std::size_t run = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const UserPiece* piece = user_piece_at(text, at, forbidden);
    if (!piece) {
      at += character_length(text, at);
      continue;
    }
    encode_run(std::string_view(text).substr(run, at - run), out);
    out.push_back(piece->id);
    at += piece->text.size();
    run = at;
  }
  encode_run(std::string_view(text).substr(run), out);
  return out;
}

void SpmTokenizer::encode_run(std::string_view text, std::vector<TokenId>& out) const {
  std::vector<Symbol> symbols;
  for (std::size_t at = 0; at < text.size();) {
    const auto index = static_cast<std::int32_t>(symbols.size());
    const std::size_t length = character_length(text, at);
    symbols.push_back({.begin = at,
                       .length = length,
                       .left = index - 1,
                       .right = at + length < text.size() ? index + 1 : -1});
    at += length;
  }
  const auto at = [&](std::int32_t index) -> Symbol& {
    return symbols[static_cast<std::size_t>(index)];
  };
  std::priority_queue<Merge> merges;
  const auto propose = [&](std::int32_t left, std::int32_t right) {
    if (left < 0 || right < 0) return;
    const std::size_t length = at(left).length + at(right).length;
    if (length > longest_normal_) return;
    const auto it = normal_.find(text.substr(at(left).begin, length));
    if (it == normal_.end()) return;
    merges.push({pieces_[static_cast<std::size_t>(it->second)].score, left, right, length});
  };
  for (std::size_t i = 1; i < symbols.size(); ++i) {
    propose(static_cast<std::int32_t>(i) - 1, static_cast<std::int32_t>(i));
  }
  while (!merges.empty()) {
    const Merge merge = merges.top();
    merges.pop();
    Symbol& left = at(merge.left);
    Symbol& right = at(merge.right);
    if (left.length == 0 || right.length == 0 || left.length + right.length != merge.length) {
      continue;
    }
    left.length = merge.length;
    left.right = right.right;
    right.length = 0;
    if (left.right >= 0) at(left.right).left = merge.left;
    propose(left.left, merge.left);
    propose(merge.left, left.right);
  }
  for (const Symbol& symbol : symbols) {
    if (symbol.length > 0) emit(text.substr(symbol.begin, symbol.length), out);
  }
}

void SpmTokenizer::emit(std::string_view piece, std::vector<TokenId>& out) const {
  if (const auto it = normal_.find(piece); it != normal_.end()) {
    out.push_back(it->second);
    return;
  }
  const std::string bytes = piece == kWordMark ? " " : std::string(piece);
  for (const char c : bytes) {
    const TokenId id = byte_tokens_[static_cast<std::uint8_t>(c)];
    if (id >= 0) {
      out.push_back(id);
    } else {  // without byte fallback the whole character is one unknown token
      out.push_back(unknown_);
      break;
    }
  }
}

}  // namespace

std::shared_ptr<const Tokenizer> make_spm_tokenizer(SpmVocabulary vocabulary) {
  return std::make_shared<SpmTokenizer>(std::move(vocabulary));
}

}  // namespace orkestra::model
