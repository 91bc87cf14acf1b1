#include <orkestra/core/error.h>
#include <orkestra/model/text/tokenizer/sentencepiece_normalizer.h>
#include <orkestra/model/text/tokenizer/unigram_tokenizer.h>
#include <orkestra/model/text/tokenizer/vocabulary_tokenizer.h>
#include <orkestra/model/text/utf8.h>

#include <algorithm>
#include <limits>

namespace orkestra::model {
namespace {

constexpr float kUnknownPenalty = 10.0F;
constexpr std::size_t kLongestPiece = 4096;  // bytes; the time per character goes with it

class UnigramTokenizer final : public VocabularyTokenizer {
 public:
  explicit UnigramTokenizer(Vocabulary vocabulary)
      : VocabularyTokenizer(vocabulary), normalize_(vocabulary) {
    adds_space_ = vocabulary.add_space_prefix && !vocabulary.whitespace_as_suffix;
    if (unknown_ < 0) throw Error(ErrorCode::kCorrupt, "vocabulary: no unknown token");
    std::vector<std::string> spelled(pieces_.size());
    std::vector<LiteralTrie::Literal> literals;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      const VocabularyPiece& piece = pieces_[i];
      const bool normal = piece.kind == TokenKind::kNormal;
      if (!(normal || piece.kind == TokenKind::kUserDefined) || piece.text.empty()) continue;
      if (piece.text.size() > kLongestPiece) {
        throw Error(ErrorCode::kCorrupt,
                    "vocabulary: piece " + std::to_string(i) + " is longer than 4 KiB");
      }
      bytes_[i] = replace_all(piece.text, kWordMark, " ");
      spelled[i] = normal ? piece.text : replace_all(piece.text, " ", kWordMark);
      literals.push_back({spelled[i], static_cast<TokenId>(i)});
      if (!normal) continue;
      lowest_ = std::min(lowest_, piece.score);
      highest_ = std::max(highest_, piece.score);
    }
    trie_ = LiteralTrie(std::move(literals));
  }

  using Tokenizer::encode;
  std::vector<TokenId> encode(std::string_view text,
                              const std::vector<TokenId>& forbidden) const override;

 private:
  // The best way to spell the text up to here; SentencePiece's precision, so that ties fall alike.
  struct Node {
    TokenId id = -1;
    float score = 0.0F;
    std::uint32_t begin = 0;
    bool reached = false;
  };

  SentencePieceNormalizer normalize_;
  LiteralTrie trie_;
  float lowest_ = std::numeric_limits<float>::max();
  // From above zero, as in SentencePiece: scores are logarithms, so that it stays there and what is
  // user-defined costs almost nothing.
  float highest_ = std::numeric_limits<float>::min();
};

std::vector<TokenId> UnigramTokenizer::encode(std::string_view raw,
                                              const std::vector<TokenId>& forbidden) const {
  const std::string text = normalize_(raw);
  std::vector<Node> best(text.size() + 1);
  const auto offer = [&](std::size_t end, TokenId id, double score, std::size_t begin) {
    Node& node = best[end];
    if (node.reached && !(score > static_cast<double>(node.score))) return;
    node = {id, static_cast<float>(score), static_cast<std::uint32_t>(begin), true};
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = std::max<std::size_t>(utf8_length(text, at), 1);
    const float before = best[at].score;
    bool spelled = false;  // this character by itself
    trie_.each_prefix(std::string_view(text).substr(at), [&](std::size_t n, TokenId id) {
      const bool user_defined = kind(id) == TokenKind::kUserDefined;
      if (user_defined && std::binary_search(forbidden.begin(), forbidden.end(), id)) return;
      const double score = user_defined
                               ? static_cast<double>(static_cast<float>(n) * highest_) - 0.1
                               : static_cast<double>(entry(id).score);
      offer(at + n, id, score + static_cast<double>(before), at);
      spelled = spelled || n == length;
    });
    if (!spelled) {
      const float score = lowest_ - kUnknownPenalty + before;
      offer(at + length, unknown_, static_cast<double>(score), at);
    }
    at += length;
  }
  std::vector<Node> path;
  std::vector<std::size_t> ends;
  for (std::size_t at = text.size(); at > 0; at = best[at].begin) {
    path.push_back(best[at]);
    ends.push_back(at);
  }
  std::vector<TokenId> out;
  for (std::size_t i = path.size(); i-- > 0;) {
    if (path[i].id != unknown_) {
      out.push_back(path[i].id);
    } else {
      append_bytes(std::string_view(text).substr(path[i].begin, ends[i] - path[i].begin), out);
    }
  }
  return out;
}

}  // namespace

std::shared_ptr<const Tokenizer> make_unigram_tokenizer(Vocabulary vocabulary) {
  return std::make_shared<UnigramTokenizer>(std::move(vocabulary));
}

}  // namespace orkestra::model
