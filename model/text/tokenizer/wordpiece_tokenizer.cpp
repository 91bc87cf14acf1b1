#include <orkestra/core/error.h>
#include <orkestra/core/text.h>
#include <orkestra/core/unicode.h>
#include <orkestra/model/text/tokenizer/vocabulary_tokenizer.h>
#include <orkestra/model/text/tokenizer/wordpiece_tokenizer.h>
#include <orkestra/model/text/utf8.h>

namespace orkestra::model {
namespace {

constexpr std::size_t kLongestWord = 100;  // characters; BERT calls longer ones unknown

bool is_chinese(std::int32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

bool is_punctuation(std::int32_t c) {
  const bool ascii = (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
                     (c >= '{' && c <= '~');
  return ascii || unicode_class(c) == UnicodeClass::kPunctuation;
}

class WordPieceTokenizer final : public VocabularyTokenizer {
 public:
  explicit WordPieceTokenizer(Vocabulary vocabulary)
      : VocabularyTokenizer(vocabulary), lowercase_(vocabulary.lowercase) {
    if (unknown_ < 0) throw Error(ErrorCode::kCorrupt, "vocabulary: no unknown token");
    std::vector<LiteralTrie::Literal> literals;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      if (pieces_[i].kind != TokenKind::kNormal || pieces_[i].text.empty()) continue;
      bytes_[i] = replace_all(pieces_[i].text, kWordMark, " ");
      literals.push_back({pieces_[i].text, static_cast<TokenId>(i)});
    }
    normal_ = LiteralTrie(std::move(literals));
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      if (pieces_[i].kind == TokenKind::kUserDefined) bytes_[i] = pieces_[i].text;
    }
    index_user_pieces();
  }

  using Tokenizer::encode;
  std::vector<TokenId> encode(std::string_view text,
                              const std::vector<TokenId>& forbidden) const override {
    std::vector<TokenId> out;
    split_at_user_pieces(text, forbidden, out, [&](std::string_view run) { encode_run(run, out); });
    return out;
  }

 private:
  void encode_run(std::string_view text, std::vector<TokenId>& out) const {
    std::string word;
    std::size_t length = 0;  // characters
    const auto finish = [&] {
      if (length > 0) encode_word(word, length, out);
      word.clear();
      length = 0;
    };
    const auto add = [&](std::int32_t c) {
      append_utf8(c, word);
      ++length;
    };
    std::vector<std::int32_t> parts;
    for (std::size_t at = 0; at < text.size();) {
      const CodePoint code = code_point_at(text, at);
      at += code.size;
      const std::int32_t c = code.value;
      if (c == '\t' || c == '\n' || c == '\r') {
        finish();
        continue;
      }
      const UnicodeClass kind = unicode_class(c);
      if (c <= 0 || c == 0xFFFD || kind == UnicodeClass::kControl || kind == UnicodeClass::kOther) {
        continue;
      }
      if (is_space(c)) {
        finish();
        continue;
      }
      parts.clear();
      lowercase_ ? append_decomposed(c, parts) : parts.push_back(c);
      for (const std::int32_t part : parts) {
        if (lowercase_ && is_nonspacing_mark(part)) continue;
        const std::int32_t written = lowercase_ ? to_lower(part) : part;
        const bool alone = is_punctuation(written) || is_chinese(c);
        if (alone) finish();
        add(written);
        if (alone) finish();
      }
    }
    finish();
  }

  void encode_word(std::string_view word, std::size_t length, std::vector<TokenId>& out) const {
    const std::size_t begin = out.size();
    const std::string marked = std::string(kWordMark).append(word);
    std::string_view rest = marked;
    while (length <= kLongestWord && !rest.empty()) {
      const LiteralTrie::Match match = normal_.longest(rest);
      if (match.value < 0) break;
      out.push_back(match.value);
      rest.remove_prefix(match.length);
    }
    if (rest.empty()) return;
    out.resize(begin);
    out.push_back(unknown_);
  }

  const bool lowercase_;
  LiteralTrie normal_;
};

}  // namespace

std::shared_ptr<const Tokenizer> make_wordpiece_tokenizer(Vocabulary vocabulary) {
  return std::make_shared<WordPieceTokenizer>(std::move(vocabulary));
}

}  // namespace orkestra::model
