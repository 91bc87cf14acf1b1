// What the text tests share: the bundled model's tokenizer and chat format, a small vocabulary
// built in memory, and tools.
#pragma once

#include <orkestra/model/format/gguf.h>
#include <orkestra/model/text/chat/chat_format.h>
#include <orkestra/model/text/tokenizer/spm_tokenizer.h>

#include <memory>
#include <string>
#include <vector>

namespace orkestra::model::test {

inline std::shared_ptr<const GgufFile> nano_file() {
  static const auto file = GgufFile::open(ORKESTRA_SOURCE_DIR "/tests/golden/agent/nano-v0.gguf");
  return file;
}

inline std::shared_ptr<const Tokenizer> nano_tokenizer() {
  static const auto tokenizer = make_tokenizer(*nano_file());
  return tokenizer;
}

inline std::shared_ptr<const ChatFormat> nano_format() {
  static const auto format = ChatFormat::make(
      nano_tokenizer(), std::string(nano_file()->text("tokenizer.chat_template")), "nano");
  return format;
}

// Every byte, the control tokens of ChatML, two markers and a few merges.
inline Vocabulary chat_ml_vocabulary() {
  Vocabulary vocabulary{.bos = 1, .unknown = 0, .stops = {3}, .add_bos = true};
  const auto add = [&](std::string text, TokenKind kind, float score = 0) {
    vocabulary.pieces.push_back({std::move(text), score, kind});
  };
  add("<unk>", TokenKind::kUnknown);
  add("<s>", TokenKind::kControl);
  add("<|im_start|>", TokenKind::kControl);
  add("<|im_end|>", TokenKind::kControl);
  add("<tool_call>", TokenKind::kUserDefined);
  add("</tool_call>", TokenKind::kUserDefined);
  constexpr const char* kHex = "0123456789ABCDEF";
  for (unsigned byte = 0; byte < 256; ++byte) {
    add(std::string("<0x") + kHex[byte >> 4U] + kHex[byte & 15U] + ">", TokenKind::kByte);
  }
  for (const char* piece : {"he", "ll", "hell", "hello", "us", "er", "user"}) {
    add(piece, TokenKind::kNormal, -static_cast<float>(vocabulary.pieces.size()));
  }
  return vocabulary;
}

inline ToolSpec price_tool() {
  return {.name = "zoltrax",
          .description = "Get the price of a ship.",
          .parameters = Json::parse(R"({"type":"object","properties":{"ship":{"type":"string",
              "x-copy":true}},"required":["ship"]})")};
}

inline ToolSpec add_tool() {
  return {.name = "add",
          .description = "Add two numbers.",
          .parameters = Json::parse(R"({"type":"object","properties":{"a":{"type":"number",
              "x-copy":true},"b":{"type":"number","x-copy":true}},"required":["a","b"]})")};
}

inline std::string pieces_of(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  std::string text;
  for (const TokenId id : ids) {
    text += tokenizer.kind(id) == TokenKind::kControl ? std::string(tokenizer.piece(id))
                                                      : std::string(tokenizer.bytes(id));
  }
  return text;
}

}  // namespace orkestra::model::test
