// What the tokenizers of every kind share: the vocabulary, what each token stands for, and the
// user-defined pieces, which are taken out of a text before anything else. Immutable after
// construction; owned through Tokenizer.
#pragma once

#include <orkestra/model/text/constraint/literal_trie.h>
#include <orkestra/model/text/tokenizer/tokenizer.h>
#include <orkestra/model/text/tokenizer/vocabulary.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orkestra::model {

constexpr std::string_view kWordMark = "\xE2\x96\x81";  // U+2581, how SentencePiece spells a space

std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

class VocabularyTokenizer : public Tokenizer {
 public:
  using Tokenizer::encode;
  std::int64_t size() const override { return static_cast<std::int64_t>(pieces_.size()); }
  std::string_view bytes(TokenId id) const override { return bytes_[static_cast<std::size_t>(id)]; }
  std::string_view piece(TokenId id) const override {
    return pieces_[static_cast<std::size_t>(id)].text;
  }

 protected:
  // Byte tokens get their byte; of the others bytes_ is left "".
  explicit VocabularyTokenizer(Vocabulary vocabulary);

  const VocabularyPiece& entry(TokenId id) const { return pieces_[static_cast<std::size_t>(id)]; }

  // The literals of user-defined pieces in texts whose spaces are spelled U+2581.
  void index_user_pieces_with_marks();
  // The same for texts as they are.
  void index_user_pieces();

  // Cuts `text` at user-defined pieces (longest first, none of `forbidden`): calls run(part) for
  // what lies between them, which may be empty, and adds the pieces' ids to `out`.
  template <typename Run>
  void split_at_user_pieces(std::string_view text, const std::vector<TokenId>& forbidden,
                            std::vector<TokenId>& out, Run&& run) const {
    std::size_t begin = 0;
    for (std::size_t at = 0; !user_pieces_.empty() && at < text.size();) {
      const LiteralTrie::Match match = user_pieces_.longest(text.substr(at), forbidden);
      if (match.value < 0) {
        ++at;
        continue;
      }
      run(text.substr(begin, at - begin));
      out.push_back(match.value);
      at += match.length;
      begin = at;
    }
    run(text.substr(begin));
  }

  // `text` as byte tokens; as one unknown token when a byte has none, unless one stands there
  // already or there is no such token.
  void append_bytes(std::string_view text, std::vector<TokenId>& out) const;
  // Throws Error{kCorrupt} when some text could not be encoded.
  void check_every_byte_has_a_token() const;

  std::vector<VocabularyPiece> pieces_;
  std::vector<std::string> bytes_;
  std::array<TokenId, 256> byte_tokens_{};  // -1 = none

 private:
  LiteralTrie user_pieces_;
};

}  // namespace orkestra::model
