#include <orkestra/core/error.h>
#include <orkestra/model/text/tokenizer/bpe_tokenizer.h>
#include <orkestra/model/text/tokenizer/vocabulary.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/text_test_models.h>

#include <random>

namespace orkestra::model {
namespace {

using Ids = std::vector<TokenId>;

void add(Vocabulary& vocabulary, std::string text, float score = 0,
         TokenKind kind = TokenKind::kNormal) {
  vocabulary.pieces.push_back({std::move(text), score, kind});
}

// Every byte (id = byte), then merges, a control token and a user-defined one.
Vocabulary byte_vocabulary() {
  Vocabulary v{.model = "gpt2", .pre = "llama-bpe"};
  for (int byte = 0; byte < 256; ++byte) {
    add(v, printable_from_bytes(std::string(1, static_cast<char>(byte))));
  }
  for (const char* merge : {"l l", "h e", "he ll", "hell o", "a a", "aa aa", "\xC4\xA0 he"}) {
    v.merges.emplace_back(merge);
    std::string merged = merge;
    merged.erase(merged.find(' '), 1);
    add(v, merged);
  }
  add(v, "<|im_end|>", 0, TokenKind::kControl);
  add(v, "<tool_call>", 0, TokenKind::kUserDefined);
  add(v, "whole");  // no merges lead there
  return v;
}

Vocabulary word_vocabulary() {
  Vocabulary v{.model = "bert", .unknown = 0};
  add(v, "[UNK]", 0, TokenKind::kControl);
  for (const char* piece : {"\xE2\x96\x81"
                            "play",
                            "ing",
                            "\xE2\x96\x81"
                            "caf",
                            "e", "s", "\xE2\x96\x81!", "\xE2\x96\x81\xE6\x97\xA5",
                            "\xE2\x96\x81"
                            "e"}) {
    add(v, piece);
  }
  return v;
}

Vocabulary unigram_vocabulary() {
  Vocabulary v{.model = "t5", .unknown = 0, .add_space_prefix = true};
  v.remove_extra_whitespaces = true;
  add(v, "<unk>", 0, TokenKind::kUnknown);
  add(v, "\xE2\x96\x81", -3);
  add(v, "a", -2);
  add(v, "b", -2);
  add(v, "ab", -3);
  add(v,
      "\xE2\x96\x81"
      "ab",
      -4.5F);
  add(v, "ba", -1);
  add(v, "<mark>", 0, TokenKind::kUserDefined);
  return v;
}

std::string random_text(std::mt19937& random, std::size_t length) {
  std::string text;
  for (std::size_t i = 0; i < length; ++i) text += static_cast<char>(random() & 0xFFU);
  return text;
}

TEST_CASE("byte-level BPE merges by rank and takes whole words first") {
  const auto tokenizer = make_tokenizer(byte_vocabulary());
  CHECK(tokenizer->encode("hello") == Ids{259});
  CHECK(tokenizer->encode("hell") == Ids{258});
  CHECK(tokenizer->encode("aaaaa") == Ids{261, 'a'});
  CHECK(tokenizer->encode(" he") == Ids{262});
  CHECK(tokenizer->encode("whole") == Ids{265});
  CHECK(tokenizer->bytes(262) == " he");
  Vocabulary other = byte_vocabulary();
  other.pre = "qwen2";
  CHECK(make_tokenizer(other)->encode("whole") == Ids{'w', 'h', 'o', 'l', 'e'});
}

TEST_CASE("text never becomes a control token, nor a forbidden marker, in any kind") {
  Vocabulary spm = test::chat_ml_vocabulary();
  Vocabulary unigram = unigram_vocabulary();
  add(unigram, "<|im_end|>", 0, TokenKind::kControl);
  Vocabulary words = word_vocabulary();
  add(words, "<|im_end|>", 0, TokenKind::kControl);
  Vocabulary characters = test::chat_ml_vocabulary();
  characters.model = "gemma4";
  for (const Vocabulary& vocabulary : {byte_vocabulary(), spm, unigram, words, characters}) {
    INFO(vocabulary.model);
    const auto tokenizer = make_tokenizer(vocabulary);
    const TokenId marker = tokenizer->find("<tool_call>");
    for (const char* text : {"<|im_end|>", "a<|im_end|>b", " <|im_end|> ", "<tool_call>"}) {
      for (const TokenId id : tokenizer->encode(text, {marker})) {
        CHECK((id == tokenizer->unknown() || tokenizer->kind(id) != TokenKind::kControl));
        CHECK((id != marker || marker < 0));
      }
    }
    if (marker >= 0) CHECK(tokenizer->encode("<tool_call>").back() == marker);
  }
}

TEST_CASE("any bytes survive a round trip through BPE over bytes and over characters") {
  Vocabulary characters = test::chat_ml_vocabulary();
  characters.model = "gemma4";
  std::mt19937 random(5);
  for (const auto& tokenizer : {make_tokenizer(byte_vocabulary()), make_tokenizer(characters)}) {
    for (int i = 0; i < 300; ++i) {
      const std::string text = random_text(random, random() % 60);
      CHECK(tokenizer->decode(tokenizer->encode(text)) == text);
    }
  }
}

TEST_CASE("a byte that no token spells is left out, as the vocabulary's own library does") {
  Vocabulary v = byte_vocabulary();
  v.pieces[3].kind = TokenKind::kUnused;
  CHECK(make_tokenizer(v)->encode("a\x03"
                                  "b") == Ids{'a', 'b'});
  v.unknown = 3;
  CHECK(make_tokenizer(v)->encode("a\x03"
                                  "b") == Ids{'a', 3, 'b'});
}

TEST_CASE("pieces that are not spelled in bytes can't be merged into") {
  Vocabulary v = byte_vocabulary();
  v.pieces.insert(v.pieces.begin() + 256, {"\xE2\x80\x8D", 0, TokenKind::kNormal});
  CHECK(make_tokenizer(v)->encode("\xE2\x80\x8D") == Ids{0xE2, 0x80, 0x8D});
}

TEST_CASE("WordPiece: no case, no accents, longest pieces first, whole words unknown") {
  const auto tokenizer = make_tokenizer(word_vocabulary());
  CHECK(tokenizer->encode("Playing caf\xC3\xA9s!") == Ids{1, 2, 3, 4, 5, 6});
  CHECK(tokenizer->encode("e\xCC\x81 \t\n playxing") == Ids{8, 0});
  CHECK(tokenizer->encode("\xE6\x97\xA5\xE6\x97\xA5") == Ids{7, 7});
  CHECK(tokenizer->encode("play" + std::string(200, 'e')) == Ids{0});
  CHECK(tokenizer->encode("\xFF\x01").empty());
  Vocabulary cased = word_vocabulary();
  cased.lowercase = false;
  CHECK(make_tokenizer(cased)->encode("Play play") == Ids{0, 1});
}

TEST_CASE("Unigram: the likeliest spelling, unknown runs as one") {
  const auto tokenizer = make_tokenizer(unigram_vocabulary());
  CHECK(tokenizer->encode("ab") == Ids{5});
  CHECK(tokenizer->encode("aba") == Ids{1, 2, 6});  // -3 -2 -1 beats -4.5 -2
  CHECK(tokenizer->encode("  a   b ") == Ids{1, 2, 1, 3});
  CHECK(tokenizer->encode("axyb") == Ids{1, 2, 0, 3});
  CHECK(tokenizer->encode("a<mark>b") == Ids{1, 2, 7, 3});
  CHECK(tokenizer->decode_whole(tokenizer->encode("ab a")) == "ab a");
  CHECK(tokenizer->encode("").empty());
}

TEST_CASE("SentencePiece's rules for white space") {
  Vocabulary v = unigram_vocabulary();
  v.whitespace_as_suffix = true;
  CHECK(make_tokenizer(v)->encode("a  b") == Ids{2, 1, 3, 1});
  v.remove_extra_whitespaces = v.whitespace_as_suffix = v.add_space_prefix = false;
  CHECK(make_tokenizer(v)->encode("a  b") == Ids{2, 1, 1, 3});
}

TEST_CASE("an unused piece is taken apart again into what it was merged from") {
  Vocabulary v = test::chat_ml_vocabulary();
  const auto at = [&](const char* text) {
    for (std::size_t i = 0; i < v.pieces.size(); ++i) {
      if (v.pieces[i].text == text) return i;
    }
    return std::size_t{0};
  };
  v.pieces[at("hello")].kind = TokenKind::kUnused;
  const auto tokenizer = make_tokenizer(v);
  CHECK(tokenizer->encode("hello") == Ids{tokenizer->find("hell"), tokenizer->find("<0x6F>")});
}

TEST_CASE("hostile normalisation tables are refused or end") {
  const auto with = [](std::string charsmap) {
    Vocabulary v = unigram_vocabulary();
    v.charsmap = std::move(charsmap);
    return v;
  };
  CHECK_THROWS_AS(make_tokenizer(with("x")), Error);
  CHECK_THROWS_AS(make_tokenizer(with(std::string("\xFF\xFF\xFF\xFF", 4) + std::string(8, '\0'))),
                  Error);
  std::mt19937 random(9);
  for (int i = 0; i < 200; ++i) {
    std::string map("\x00\x01\x00\x00", 4);
    map += random_text(random, 256 + random() % 64);
    map += '\0';
    const auto tokenizer = make_tokenizer(with(map));
    tokenizer->encode(random_text(random, 100));
  }
}

TEST_CASE("what this build does not know is refused by name") {
  const auto message = [](const Vocabulary& v) -> std::string {
    try {
      make_tokenizer(v);
    } catch (const Error& e) {
      return e.code() == ErrorCode::kUnsupported ? e.message() : "";
    }
    return "";
  };
  Vocabulary v = byte_vocabulary();
  v.pre = "from-the-future";
  CHECK(message(v).find("from-the-future") != std::string::npos);
  v.model = "rwkv";
  CHECK(message(v).find("rwkv") != std::string::npos);
  Vocabulary broken = byte_vocabulary();
  broken.merges.emplace_back("nospace");
  CHECK_THROWS_AS(make_tokenizer(broken), Error);
}

TEST_CASE("hostile texts take time in proportion, in every kind") {
  Vocabulary characters = test::chat_ml_vocabulary();
  characters.model = "gemma4";
  std::mt19937 random(3);
  const std::vector<std::string> texts{std::string(1 << 20, 'a'), std::string(1 << 20, ' '),
                                       std::string(1 << 20, '<'), random_text(random, 1 << 20)};
  for (const Vocabulary& vocabulary :
       {byte_vocabulary(), characters, word_vocabulary(), unigram_vocabulary()}) {
    const auto tokenizer = make_tokenizer(vocabulary);
    for (const std::string& text : texts) {
      // Quadratic work would take hours: the test's time limit ends it.
      CHECK(tokenizer->encode(text).size() <= text.size() + 8);
    }
  }
}

}  // namespace
}  // namespace orkestra::model
