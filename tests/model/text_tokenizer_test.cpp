#include <orkestra/core/error.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/text_test_models.h>

#include <random>

namespace orkestra::model {
namespace {

using test::chat_ml_vocabulary;
using test::nano_tokenizer;

// Made with SentencePiece 0.1.97 from the model the bundled vocabulary was trained with; 20,000
// random strings agreed as well when this list was made.
struct Golden {
  const char* text;
  std::vector<TokenId> ids;
};
const std::vector<Golden>& golden() {
  static const std::vector<Golden> kGolden{
      {R"({"description":"Get the price of a ship.","name":"zoltrax","parameters":{"ship":"string"}})",
       {10, 525, 1336, 1379, 1337, 1339, 1501, 1771, 11, 1812, 327, 397, 1787, 12, 748, 13, 297}},
      {"What is the price of the ship Stainstend Waishvon?",
       {390, 1338, 1336, 1379, 1337, 1336, 1501, 1756, 422, 375, 295, 435, 1756, 1805, 470, 1786,
        288, 1803}},
      {R"({"name":"get_price","arguments":{"ship":"Stainstend Waishvon"}})",
       {15, 443, 1793, 560, 16, 748, 17, 422, 375, 295, 435, 1756, 1805, 470, 1786, 288, 21}},
      {R"([1] {"url": "https://flunbaish.com/station"})",
       {1779, 1778, 1780, 1756, 315, 609, 395, 1756, 1784, 22, 331, 423, 1783, 470, 1771, 505, 1822,
        789, 319}},
      {"Evidence: none. Verdict: not stated", {362, 1782, 1411, 1771, 1343, 1782, 1394, 1412}},
      {"na\xC3\xAFve 12.50 \xC3\xA9",
       {1764, 1760, 218, 198, 352, 1756, 1778, 1781, 1771, 1794, 1788, 1756, 218, 192}},
      {"  two  spaces\n\tand a tab ",
       {1756, 1496, 1756, 1756, 654, 589, 300, 33, 32, 326, 1339, 1756, 778, 1783, 1756}},
      {"\xE6\x97\xA5\xE6\x9C\xAC \xF0\x9F\x98\x80",
       {253, 174, 188, 253, 179, 195, 1756, 263, 182, 175, 151}},
      {"", {}},
  };
  return kGolden;
}

std::string random_bytes(std::mt19937& random, std::size_t length) {
  std::string text;
  for (std::size_t i = 0; i < length; ++i) text += static_cast<char>(random() & 0xFFU);
  return text;
}

TEST_CASE("the bundled vocabulary tokenises as SentencePiece does") {
  for (const Golden& line : golden()) {
    INFO(line.text);
    CHECK(nano_tokenizer()->encode(line.text) == line.ids);
  }
}

TEST_CASE("any bytes, valid UTF-8 or not, survive a round trip") {
  std::mt19937 random(7);
  for (int i = 0; i < 500; ++i) {
    const std::string text = random_bytes(random, random() % 60);
    CHECK(nano_tokenizer()->decode(nano_tokenizer()->encode(text)) == text);
  }
}

TEST_CASE("plain text never becomes a control, unused or unknown token") {
  for (TokenId id = 0; id < nano_tokenizer()->size(); ++id) {
    const TokenKind kind = nano_tokenizer()->kind(id);
    if (kind == TokenKind::kNormal || kind == TokenKind::kUserDefined) continue;
    const std::string spelled = "a" + std::string(nano_tokenizer()->piece(id)) + "b";
    for (const TokenId token : nano_tokenizer()->encode(spelled)) {
      const TokenKind got = nano_tokenizer()->kind(token);
      CHECK(
          (got == TokenKind::kNormal || got == TokenKind::kUserDefined || got == TokenKind::kByte));
    }
    CHECK(nano_tokenizer()->decode(nano_tokenizer()->encode(spelled)) == spelled);
  }
}

TEST_CASE("a forbidden user-defined piece is spelled by others") {
  const TokenId marker = nano_tokenizer()->find("<tool_call>");
  REQUIRE(marker == 8);
  CHECK(nano_tokenizer()->encode("<tool_call>") == std::vector<TokenId>{marker});
  const auto spelled = nano_tokenizer()->encode("<tool_call>", {marker});
  CHECK(std::find(spelled.begin(), spelled.end(), marker) == spelled.end());
  CHECK(nano_tokenizer()->decode(spelled) == "<tool_call>");
}

TEST_CASE("what a token stands for") {
  const auto tokenizer = nano_tokenizer();
  CHECK(tokenizer->size() == 1856);
  CHECK(tokenizer->bytes(1336) == " the");
  CHECK(tokenizer->piece(1336) == "\xE2\x96\x81the");
  CHECK(tokenizer->bytes(33) == "\n");
  CHECK(tokenizer->bytes(7).empty());
  CHECK(tokenizer->piece(7) == "<|eom|>");
  CHECK(tokenizer->kind(7) == TokenKind::kControl);
  CHECK(tokenizer->kind(1850) == TokenKind::kUnused);
  CHECK(tokenizer->bos() == 1);
  CHECK(tokenizer->unknown() == 0);
  CHECK(tokenizer->eos() == 7);
  CHECK(tokenizer->stops() == std::vector<TokenId>{2, 7});  // </s> ends a text
  CHECK_FALSE(tokenizer->add_bos());
  CHECK(tokenizer->find("no such piece") == -1);
}

TEST_CASE("merges go by score, then from the left") {
  const auto tokenizer = make_spm_tokenizer(chat_ml_vocabulary());
  CHECK(tokenizer->encode("hello") == std::vector<TokenId>{tokenizer->find("hello")});
  CHECK(tokenizer->encode("hellx") ==
        std::vector<TokenId>{tokenizer->find("hell"), tokenizer->find("<0x78>")});
}

TEST_CASE("runs of spaces are matched by user-defined pieces of spaces, and the prefix is added") {
  Vocabulary vocabulary = chat_ml_vocabulary();
  vocabulary.pieces.push_back({"  ", 0, TokenKind::kUserDefined});
  vocabulary.add_space_prefix = true;
  const auto tokenizer = make_spm_tokenizer(vocabulary);
  const auto ids = tokenizer->encode(" x");
  REQUIRE(ids.size() == 2);
  CHECK(ids[0] == tokenizer->find("  "));
}

TEST_CASE("a broken vocabulary is refused") {
  const auto code = [](Vocabulary vocabulary) {
    try {
      make_spm_tokenizer(std::move(vocabulary));
    } catch (const Error& e) {
      return e.code();
    }
    return ErrorCode::kInternal;
  };
  Vocabulary misspelled = chat_ml_vocabulary();
  misspelled.pieces[10].text = "<0xZZ>";
  CHECK(code(misspelled) == ErrorCode::kCorrupt);
  Vocabulary no_byte = chat_ml_vocabulary();
  no_byte.pieces[10].kind = TokenKind::kUnused;
  no_byte.unknown = -1;
  CHECK(code(no_byte) == ErrorCode::kCorrupt);
}

TEST_CASE("long and hostile texts take time in proportion") {
  std::mt19937 random(3);
  const std::vector<std::string> texts{std::string(1 << 20, 'a'), std::string(1 << 20, ' '),
                                       std::string(1 << 20, '<'), std::string(1 << 20, '\xE2'),
                                       random_bytes(random, 1 << 20)};
  for (const std::string& text : texts) {
    // Quadratic merging would take hours: the test's time limit ends it.
    CHECK(nano_tokenizer()->decode(nano_tokenizer()->encode(text)) == text);
  }
}

}  // namespace
}  // namespace orkestra::model
