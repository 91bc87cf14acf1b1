#include <orkestra/core/error.h>
#include <orkestra/model/text/tokenizer/sentencepiece_model.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>

namespace orkestra::model {
namespace {

[[noreturn]] void corrupt(const std::string& what) {
  throw Error(ErrorCode::kCorrupt, "not a SentencePiece model: " + what);
}

// One field of a message: a number (wire type 0), or bytes (2); 32-bit values are numbers, too.
struct Field {
  std::uint64_t number = 0;
  std::uint64_t value = 0;
  std::string_view bytes;
};

// Reads a message field by field (protocol buffers' encoding guide).
class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) : rest_(bytes) {}

  bool next(Field& field) {
    if (rest_.empty()) return false;
    const std::uint64_t tag = varint();
    field = {.number = tag >> 3U};
    switch (tag & 7U) {
      case 0:
        field.value = varint();
        break;
      case 1:
        field.value = fixed(8);
        break;
      case 2:
        field.bytes = take(varint());
        break;
      case 5:
        field.value = fixed(4);
        break;
      default:
        corrupt("a field of unknown type");
    }
    return true;
  }

 private:
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) corrupt("a field is longer than what holds it");
    const std::string_view bytes = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(bytes.size());
    return bytes;
  }
  std::uint64_t fixed(std::size_t size) {
    std::uint64_t value = 0;
    unsigned shift = 0;
    for (const char c : take(size)) {
      value |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(c)) << shift;
      shift += 8;
    }
    return value;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(take(1).front());
      value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if (byte < 0x80U) return value;
    }
    corrupt("a number that does not end");
  }

  std::string_view rest_;
};

VocabularyPiece read_piece(std::string_view message, std::size_t id) {
  constexpr std::array kKinds{TokenKind::kNormal,      TokenKind::kUnknown, TokenKind::kControl,
                              TokenKind::kUserDefined, TokenKind::kUnused,  TokenKind::kByte};
  VocabularyPiece piece;
  MessageReader reader(message);
  for (Field field; reader.next(field);) {
    if (field.number == 1) piece.text = field.bytes;
    if (field.number == 2) {
      piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
    }
    if (field.number == 3) {
      if (field.value < 1 || field.value > kKinds.size()) {
        corrupt("piece " + std::to_string(id) + " is of kind " + std::to_string(field.value));
      }
      piece.kind = kKinds[static_cast<std::size_t>(field.value) - 1];
    }
  }
  if (!std::isfinite(piece.score)) {
    corrupt("the score of piece " + std::to_string(id) + " is no number");
  }
  // Spaces are spelled U+2581 before these pieces are looked for, so that one with a plain space is
  // never found. In a Vocabulary, as in GGUF files, it would be.
  if (piece.kind == TokenKind::kUserDefined && piece.text.find(' ') != std::string::npos) {
    piece.kind = TokenKind::kUnused;
  }
  return piece;
}

struct Trainer {
  std::uint64_t model_type = 1;
  std::int64_t unknown = 0;
  std::int64_t bos = 1;
  std::int64_t eos = 2;
  std::int64_t padding = -1;
};

void read_trainer(std::string_view message, Trainer& trainer, Vocabulary& vocabulary) {
  MessageReader reader(message);
  for (Field field; reader.next(field);) {
    const auto id = static_cast<std::int32_t>(field.value);  // -1 is written as ten bytes
    if (field.number == 3) trainer.model_type = field.value;
    if (field.number == 24) vocabulary.whitespace_as_suffix = field.value != 0;
    if (field.number == 40) trainer.unknown = id;
    if (field.number == 41) trainer.bos = id;
    if (field.number == 42) trainer.eos = id;
    if (field.number == 43) trainer.padding = id;
  }
}

void read_normalizer(std::string_view message, Vocabulary& vocabulary) {
  MessageReader reader(message);
  for (Field field; reader.next(field);) {
    if (field.number == 2) vocabulary.charsmap = field.bytes;
    if (field.number == 3) vocabulary.add_space_prefix = field.value != 0;
    if (field.number == 4) vocabulary.remove_extra_whitespaces = field.value != 0;
    if (field.number == 5 && field.value == 0) {
      throw Error(ErrorCode::kUnsupported,
                  "SentencePiece models that keep spaces as spaces (escape_whitespaces = false) "
                  "can't be written to a GGUF file");
    }
  }
}

}  // namespace

Vocabulary parse_sentencepiece_model(std::string_view bytes, std::size_t max_pieces) {
  Vocabulary vocabulary;
  vocabulary.add_space_prefix = true;  // the defaults of the format
  vocabulary.remove_extra_whitespaces = true;
  Trainer trainer;
  MessageReader reader(bytes);
  for (Field field; reader.next(field);) {
    if (field.number == 1) {
      if (vocabulary.pieces.size() >= max_pieces) {
        corrupt("it holds more than " + std::to_string(max_pieces) +
                " pieces, the most tokens there can be here");
      }
      vocabulary.pieces.push_back(read_piece(field.bytes, vocabulary.pieces.size()));
    }
    if (field.number == 2) read_trainer(field.bytes, trainer, vocabulary);
    if (field.number == 3) read_normalizer(field.bytes, vocabulary);
  }
  if (vocabulary.pieces.empty()) corrupt("it holds no pieces");
  if (trainer.model_type != 1 && trainer.model_type != 2) {
    throw Error(ErrorCode::kUnsupported,
                "SentencePiece models other than BPE and unigram (this one is of kind " +
                    std::to_string(trainer.model_type) + ")");
  }
  vocabulary.model = trainer.model_type == 2 ? "llama" : "t5";
  const auto id_or_none = [&](std::int64_t id) {
    const bool known = id >= 0 && id < static_cast<std::int64_t>(vocabulary.pieces.size());
    return known ? static_cast<TokenId>(id) : TokenId{-1};
  };
  vocabulary.unknown = id_or_none(trainer.unknown);
  vocabulary.bos = id_or_none(trainer.bos);
  vocabulary.eos = id_or_none(trainer.eos);
  vocabulary.padding = id_or_none(trainer.padding);
  // Pieces say so themselves, whatever the trainer was told.
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    if (vocabulary.pieces[id].kind == TokenKind::kUnknown) {
      vocabulary.unknown = static_cast<TokenId>(id);
    }
  }
  return vocabulary;
}

}  // namespace orkestra::model
