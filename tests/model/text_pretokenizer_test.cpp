#include <orkestra/model/text/tokenizer/pretokenizer.h>
#include <orkestra/tests/catch.h>

#include <random>
#include <string>
#include <vector>

namespace orkestra::model {
namespace {

std::string cut(std::string_view name, const std::string& text) {
  const PreTokenizer* pretokenizer = find_pretokenizer(name);
  REQUIRE(pretokenizer != nullptr);
  WordCutter cutter(*pretokenizer);
  std::string out;
  std::size_t begin = 0;
  for (const std::uint32_t end : cutter.cut(text)) {
    out += (begin > 0 ? "|" : "") + text.substr(begin, end - begin);
    begin = end;
  }
  CHECK(begin == text.size());
  return out;
}

TEST_CASE("words of gpt-2: letters, numbers and the rest, each with a space before it") {
  CHECK(cut("gpt-2", "It's 12345 o'clock!!") == "It|'s| 12345| o|'|clock|!!");
  CHECK(cut("gpt-2", "a  b \n\n c  ") == "a| | b| \n\n| c|  ");
  CHECK(cut("gpt-2", "\xC3\xA9t\xC3\xA9 \xE6\x97\xA5\xE6\x9C\xAC") ==
        "\xC3\xA9t\xC3\xA9| \xE6\x97\xA5\xE6\x9C\xAC");
  CHECK(cut("gpt-2", "I'M") == "I|'|M");  // contractions in lower case only
  CHECK(cut("starcoder", "x 1234") == "x| |1|2|3|4");
}

TEST_CASE("words of llama-bpe: a sign goes with the word behind it, three digits at most") {
  CHECK(cut("llama-bpe", "(hello) 12345 I'LL") == "(hello|)| |123|45| I|'LL");
  CHECK(cut("llama-bpe", "a \n \n  b") == "a| \n \n| | b");
  CHECK(cut("llama-bpe", "x!!\n\ny") == "x|!!\n\n|y");
  CHECK(cut("qwen2", "n = 123;") == "n| =| |1|2|3|;");
  CHECK(cut("ufakzeka", "ev'de") == "ev|'de");
}

TEST_CASE("marks belong to words where the vocabulary says so") {
  const std::string text =
      "n\xCC\x83"
      "o";  // n, U+0303, o
  CHECK(cut("qwen2", text) ==
        "n|\xCC\x83"
        "o");
  CHECK(cut("qwen35", text) == text);
}

TEST_CASE("words of tekken and gpt-4o end before a capital that begins another") {
  CHECK(cut("tekken", "camelCaseHTTPServer") == "camel|Case|HTTPServer");
  CHECK(cut("tekken", "don't 2024") == "don|'t| |2|0|2|4");
  CHECK(cut("gpt-4o", "DON'T 2024//\n/x") == "DON'T| |202|4|//\n/|x");
  CHECK(cut("gpt-4o",
            "AB\xCA\xB0"
            "CD") == "AB\xCA\xB0|CD");  // a modifier letter ends a word
}

TEST_CASE("words of the deepseek vocabularies") {
  CHECK(cut("deepseek-llm", "Hello, world 2024  ") == "Hello|,| world| |2024|  ");
  CHECK(cut("deepseek-coder", "x = y1;\n") == "x| =| y|1|;|\n");
  CHECK(cut("deepseek-v3", "(foo) bar1234") == "(foo|)| bar|123|4");
  CHECK(cut("falcon", "a1234,b") == "a|123|4|,|b");
  CHECK(cut("default", "it's 1234") == "it|'|s| |123|4");
}

TEST_CASE("an unknown name is not guessed at") {
  CHECK(find_pretokenizer("no-such") == nullptr);
  CHECK(find_pretokenizer("") == find_pretokenizer("default"));
}

TEST_CASE("any bytes are cut into words that cover them, by every pre-tokenizer") {
  std::mt19937 random(11);
  const std::string parts[]{" ",
                            "\n",
                            "a",
                            "B",
                            "1",
                            "'s",
                            "\xC3\xA9",
                            "\xE6\x97\xA5",
                            "\xFF",
                            "!",
                            "/",
                            "\xCC\x81",
                            "\xE2\x80\xA8",
                            "\xF0\x9F\x98\x80",
                            "\xCA\xB0"};
  for (const std::string_view name :
       {"default", "gpt-2", "starcoder", "falcon", "llama-bpe", "qwen2", "qwen35", "seed-coder",
        "minicpm5", "laguna", "tekken", "gpt-4o", "deepseek-llm", "deepseek-coder", "deepseek-v3",
        "bloom", "viking", "gemma4"}) {
    WordCutter cutter(*find_pretokenizer(name));
    for (int i = 0; i < 300; ++i) {
      std::string text;
      for (std::size_t n = random() % 30; n > 0; --n) text += parts[random() % std::size(parts)];
      std::uint32_t last = 0;
      for (const std::uint32_t end : cutter.cut(text)) {
        CHECK(end > last);
        last = end;
      }
      CHECK(last == text.size());
    }
  }
}

}  // namespace
}  // namespace orkestra::model
