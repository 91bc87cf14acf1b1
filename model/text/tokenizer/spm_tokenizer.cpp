#include <orkestra/model/text/tokenizer/sentencepiece_normalizer.h>
#include <orkestra/model/text/tokenizer/spm_tokenizer.h>
#include <orkestra/model/text/tokenizer/vocabulary_tokenizer.h>
#include <orkestra/model/text/utf8.h>

#include <algorithm>
#include <queue>
#include <string_view>
#include <unordered_map>

namespace orkestra::model {
namespace {

class SpmTokenizer final : public VocabularyTokenizer {
 public:
  explicit SpmTokenizer(Vocabulary vocabulary);

  using Tokenizer::encode;
  std::vector<TokenId> encode(std::string_view text,
                              const std::vector<TokenId>& forbidden) const override;

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
  // What an unused piece was merged from: where its second part begins.
  using Cuts = std::unordered_map<std::string_view, std::size_t>;

  void encode_run(std::string_view text, std::vector<TokenId>& out) const;
  void emit(std::string_view piece, const Cuts& cuts, std::vector<TokenId>& out) const;

  SentencePieceNormalizer normalize_;
  std::unordered_map<std::string_view, TokenId> mergeable_;  // views of pieces_
  std::size_t longest_ = 0;
};

SpmTokenizer::SpmTokenizer(Vocabulary vocabulary)
    : VocabularyTokenizer(vocabulary), normalize_(vocabulary) {
  adds_space_ = vocabulary.add_space_prefix && !vocabulary.whitespace_as_suffix;
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const VocabularyPiece& piece = pieces_[i];
    const bool normal = piece.kind == TokenKind::kNormal;
    if (normal || piece.kind == TokenKind::kUserDefined) {
      bytes_[i] = replace_all(piece.text, kWordMark, " ");
    }
    if ((normal || piece.kind == TokenKind::kUnused) && !piece.text.empty()) {
      mergeable_.emplace(piece.text, static_cast<TokenId>(i));
      longest_ = std::max(longest_, piece.text.size());
    }
  }
  index_user_pieces_with_marks();
  check_every_byte_has_a_token();
}

std::vector<TokenId> SpmTokenizer::encode(std::string_view text,
                                          const std::vector<TokenId>& forbidden) const {
  std::vector<TokenId> out;
  if (text.empty()) return out;
  split_at_user_pieces(normalize_(text), forbidden, out,
                       [&](std::string_view run) { encode_run(run, out); });
  return out;
}

void SpmTokenizer::encode_run(std::string_view text, std::vector<TokenId>& out) const {
  std::vector<Symbol> symbols;
  for (std::size_t at = 0; at < text.size();) {
    const auto index = static_cast<std::int32_t>(symbols.size());
    const std::size_t length = std::max<std::size_t>(utf8_length(text, at), 1);
    symbols.push_back({.begin = at,
                       .length = length,
                       .left = index - 1,
                       .right = at + length < text.size() ? index + 1 : -1});
    at += length;
  }
  const auto at = [&](std::int32_t index) -> Symbol& {
    return symbols[static_cast<std::size_t>(index)];
  };
  Cuts cuts;
  std::priority_queue<Merge> merges;
  const auto propose = [&](std::int32_t left, std::int32_t right) {
    if (left < 0 || right < 0) return;
    const std::size_t length = at(left).length + at(right).length;
    if (length > longest_) return;
    const std::string_view merged = text.substr(at(left).begin, length);
    const auto it = mergeable_.find(merged);
    if (it == mergeable_.end()) return;
    if (kind(it->second) == TokenKind::kUnused) cuts[merged] = at(left).length;
    merges.push({entry(it->second).score, left, right, length});
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
    if (symbol.length > 0) emit(text.substr(symbol.begin, symbol.length), cuts, out);
  }
}

void SpmTokenizer::emit(std::string_view piece, const Cuts& cuts, std::vector<TokenId>& out) const {
  std::vector<std::string_view> open{piece};
  while (!open.empty()) {
    const std::string_view part = open.back();
    open.pop_back();
    const auto it = mergeable_.find(part);
    if (it != mergeable_.end() && kind(it->second) == TokenKind::kNormal) {
      out.push_back(it->second);
    } else if (const auto cut = cuts.find(part); cut != cuts.end()) {
      open.push_back(part.substr(cut->second));
      open.push_back(part.substr(0, cut->second));
    } else {
      append_bytes(part == kWordMark ? " " : part, out);
    }
  }
}

}  // namespace

std::shared_ptr<const Tokenizer> make_spm_tokenizer(Vocabulary vocabulary) {
  return std::make_shared<SpmTokenizer>(std::move(vocabulary));
}

}  // namespace orkestra::model
