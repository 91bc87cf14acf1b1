#include <orkestra/core/error.h>
#include <orkestra/core/text.h>
#include <orkestra/model/text/tokenizer/bpe_merges.h>
#include <orkestra/model/text/tokenizer/bpe_tokenizer.h>
#include <orkestra/model/text/tokenizer/pretokenizer.h>
#include <orkestra/model/text/tokenizer/vocabulary_tokenizer.h>
#include <orkestra/model/text/utf8.h>

#include <algorithm>
#include <array>
#include <unordered_map>

namespace orkestra::model {
namespace {

// The printable Latin-1 characters spell themselves; the other bytes, in order, U+0100 and up.
struct PrintableBytes {
  std::array<std::int32_t, 256> code_points{};
  std::array<std::int16_t, 0x144> bytes{};  // by code point; -1 = spells none

  PrintableBytes() {
    bytes.fill(-1);
    std::int32_t next = 0x100;
    for (std::int32_t byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
      const std::int32_t c = printable ? byte : next++;
      code_points[static_cast<std::size_t>(byte)] = c;
      bytes[static_cast<std::size_t>(c)] = static_cast<std::int16_t>(byte);
    }
  }
};
const PrintableBytes& printable_bytes() {
  static const PrintableBytes kBytes;
  return kBytes;
}

class BpeTokenizer final : public VocabularyTokenizer {
 public:
  explicit BpeTokenizer(Vocabulary vocabulary);

  using Tokenizer::encode;
  std::vector<TokenId> encode(std::string_view text,
                              const std::vector<TokenId>& forbidden) const override;

 private:
  void index_pieces();
  void index_merges(const std::vector<std::string>& merges);
  // The tokens that a word's merging begins with.
  void append_characters(std::string_view word, std::vector<TokenId>& out) const;

  const bool over_bytes_;
  const PreTokenizer* pretokenizer_;
  std::unordered_map<std::string_view, TokenId> normal_;  // by bytes_, or by piece
  BpeMerges merges_;
};

const PreTokenizer* pretokenizer_of(const Vocabulary& vocabulary) {
  const std::string name = vocabulary.model == "gemma4" ? "gemma4" : vocabulary.pre;
  const PreTokenizer* found = find_pretokenizer(name);
  if (found == nullptr) {
    throw Error(ErrorCode::kUnsupported,
                "vocabulary: the pre-tokenizer \"" + name + "\" is not known to this build");
  }
  return found;
}

BpeTokenizer::BpeTokenizer(Vocabulary vocabulary)
    : VocabularyTokenizer(vocabulary),
      over_bytes_(vocabulary.model != "gemma4"),
      pretokenizer_(pretokenizer_of(vocabulary)),
      merges_(vocabulary.merges.size()) {
  index_pieces();
  index_merges(vocabulary.merges);
  over_bytes_ ? index_user_pieces() : index_user_pieces_with_marks();
  // Some byte-level vocabularies lack bytes that their training text did not hold, and have no
  // unknown token either: those bytes are left out, as everywhere.
  if (!over_bytes_) check_every_byte_has_a_token();
}

void BpeTokenizer::index_pieces() {
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const VocabularyPiece& piece = pieces_[i];
    if (piece.kind == TokenKind::kUserDefined) {
      bytes_[i] = over_bytes_ ? piece.text : replace_all(piece.text, kWordMark, " ");
    }
    if (piece.kind != TokenKind::kNormal || piece.text.empty()) continue;
    bytes_[i] =
        over_bytes_ ? bytes_from_printable(piece.text) : replace_all(piece.text, kWordMark, " ");
    // A piece that is not spelled in the byte alphabet can't come of merging bytes.
    if (over_bytes_ && printable_from_bytes(bytes_[i]) != piece.text) continue;
    normal_.emplace(over_bytes_ ? std::string_view(bytes_[i]) : std::string_view(piece.text),
                    static_cast<TokenId>(i));
    if (over_bytes_ && bytes_[i].size() == 1) {
      TokenId& token = byte_tokens_[static_cast<std::uint8_t>(bytes_[i].front())];
      if (token < 0) token = static_cast<TokenId>(i);
    }
  }
}

void BpeTokenizer::index_merges(const std::vector<std::string>& merges) {
  const auto token = [&](std::string_view spelled) -> TokenId {
    const auto it =
        normal_.find(over_bytes_ ? bytes_from_printable(spelled) : std::string(spelled));
    return it == normal_.end() ? -1 : it->second;
  };
  for (const std::string& merge : merges) {
    // A part may begin with a space ("gemma4" has none, but pieces of spaces elsewhere).
    const std::size_t space = merge.find(' ', 1);
    if (space == std::string::npos) {
      throw Error(ErrorCode::kCorrupt, "vocabulary: a merge without two parts");
    }
    const std::string left = merge.substr(0, space);
    const std::string right = merge.substr(space + 1);
    const TokenId ids[]{token(left), token(right), token(left + right)};
    // Merges of pieces that the vocabulary lacks could never be reached.
    if (ids[0] >= 0 && ids[1] >= 0 && ids[2] >= 0) merges_.add(ids[0], ids[1], ids[2]);
  }
}

void BpeTokenizer::append_characters(std::string_view word, std::vector<TokenId>& out) const {
  if (over_bytes_) {
    for (const char c : word) append_bytes(std::string_view(&c, 1), out);
    return;
  }
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t length = std::max<std::size_t>(utf8_length(word, at), 1);
    const std::string_view character = word.substr(at, length);
    const auto it = normal_.find(character);
    if (it != normal_.end()) {
      out.push_back(it->second);
    } else {
      append_bytes(character == kWordMark ? " " : character, out);
    }
    at += length;
  }
}

std::vector<TokenId> BpeTokenizer::encode(std::string_view text,
                                          const std::vector<TokenId>& forbidden) const {
  std::vector<TokenId> out;
  WordCutter cutter(*pretokenizer_);
  BpeMerges::Work work;
  std::vector<TokenId> word_ids;
  const auto encode_run = [&](std::string_view run) {
    std::size_t begin = 0;
    for (const std::uint32_t end : cutter.cut(run)) {
      const std::string_view word = run.substr(begin, end - begin);
      begin = end;
      const auto whole = pretokenizer_->whole_words_first ? normal_.find(word) : normal_.end();
      if (whole != normal_.end()) {
        out.push_back(whole->second);
        continue;
      }
      word_ids.clear();
      append_characters(word, word_ids);
      merges_.apply(word_ids, work);
      out.insert(out.end(), word_ids.begin(), word_ids.end());
    }
  };
  const std::string marked = over_bytes_ ? "" : replace_all(text, " ", kWordMark);
  split_at_user_pieces(over_bytes_ ? text : std::string_view(marked), forbidden, out, encode_run);
  return out;
}

}  // namespace

std::string bytes_from_printable(std::string_view spelled) {
  std::string bytes;
  const auto& table = printable_bytes().bytes;
  for (std::size_t at = 0; at < spelled.size();) {
    const CodePoint c = code_point_at(spelled, at);
    const bool known = c.value >= 0 && c.value < static_cast<std::int32_t>(table.size());
    const int byte = known ? table[static_cast<std::size_t>(c.value)] : -1;
    if (byte >= 0) {
      bytes.push_back(static_cast<char>(byte));
    } else {
      bytes += spelled.substr(at, c.size);
    }
    at += c.size;
  }
  return bytes;
}

std::string printable_from_bytes(std::string_view bytes) {
  std::string spelled;
  for (const char byte : bytes) {
    append_utf8(printable_bytes().code_points[static_cast<std::uint8_t>(byte)], spelled);
  }
  return spelled;
}

std::shared_ptr<const Tokenizer> make_bpe_tokenizer(Vocabulary vocabulary) {
  return std::make_shared<BpeTokenizer>(std::move(vocabulary));
}

}  // namespace orkestra::model
