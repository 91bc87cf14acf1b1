// The tokenizer files beside published weights become vocabularies that read texts as the files'
// own libraries do; what can't be taken over is refused by name.

#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/model/convert/vocabulary_keys.h>
#include <orkestra/model/text/tokenizer/sentencepiece_model.h>
#include <orkestra/model/text/tokenizer/tokenizer_files.h>
#include <orkestra/model/text/tokenizer/vocabulary_tokenizer.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/checkpoints.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

using namespace orkestra;
using namespace orkestra::model;
using namespace orkestra::tests;
namespace fs = std::filesystem;

namespace {

using Ids = std::vector<TokenId>;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// A folder with one of the tokenizers of tests/golden, to be added to or damaged.
struct Copy {
  explicit Copy(const std::string& name) {
    fs::copy(golden_path("tokenizers/" + name), folder.path(), fs::copy_options::recursive);
  }
  fs::path file(const std::string& name) const { return folder.path() / name; }
  Json json(const std::string& name) const { return Json::parse(read(file(name))); }
  void write_json(const std::string& name, const Json& json) const {
    write(file(name), json.dump());
  }
  std::string refusal(ErrorCode code, std::int64_t n_vocab = 0) const {
    try {
      read_tokenizer_files(folder.path(), n_vocab);
    } catch (const Error& e) {
      CHECK(e.code() == code);
      return e.message();
    }
    FAIL("it was read");
    return {};
  }
  TemporaryFolder folder;
};

bool mentions(const std::string& text, const std::string& part) {
  CAPTURE(text, part);
  return text.find(part) != std::string::npos;
}

std::shared_ptr<const Tokenizer> through_gguf(const Vocabulary& vocabulary) {
  const TemporaryFolder folder;
  GgufWriter writer;
  set_vocabulary(writer, vocabulary);
  writer.begin(folder.path() / "vocabulary.gguf");
  writer.commit();
  return make_tokenizer(*GgufFile::open(folder.path() / "vocabulary.gguf"));
}

}  // namespace

TEST_CASE("texts are read as SentencePiece and Hugging Face's tokenizers read them") {
  for (const char* name : {"bpe", "bpe-rules", "unigram", "unigram-symbols", "merges", "bytes"}) {
    const Copy copy(name);
    const Vocabulary vocabulary = read_tokenizer_files(copy.folder.path()).vocabulary;
    const auto direct = make_tokenizer(vocabulary);
    const auto converted = through_gguf(vocabulary);
    const Json cases = copy.json("cases.json");
    CHECK(cases.size() == 160);
    for (const Json& one : cases) {
      const auto text = one[0].get<std::string>();
      CAPTURE(name, text);
      CHECK(direct->encode(text) == one[1].get<Ids>());
      CHECK(converted->encode(text) == one[1].get<Ids>());
    }
  }
}

TEST_CASE("special tokens come from the files that name them") {
  const Copy copy("bytes");
  const std::int64_t last = 256 + 150 + 1;  // <tool_call>
  copy.write_json("tokenizer_config.json",
                  {{"bos_token", "<s>"},
                   {"eos_token", {{"content", "<|end|>"}}},
                   {"add_bos_token", true},
                   {"added_tokens_decoder",
                    {{"409", {{"content", "<|end|>"}, {"special", true}}},
                     {"410", {{"content", "<|eot_id|>"}, {"special", true}}},
                     {"412", {{"content", "<think>"}, {"special", false}}}}},
                   {"chat_template",
                    {{{"name", "tool_use"}, {"template", "T"}},
                     {{"name", "default"}, {"template", "{{ messages }}"}}}}});
  copy.write_json("generation_config.json", {{"eos_token_id", {409, 407, 100000}}});
  const TokenizerFiles files = read_tokenizer_files(copy.folder.path(), 420);
  const Vocabulary& v = files.vocabulary;
  REQUIRE(v.pieces.size() == 420);
  CHECK(v.bos == last - 1);
  CHECK(v.eos == 409);
  CHECK(v.add_bos);
  CHECK(v.stops == Ids{407, 409, 410});  // the last by its name
  CHECK(v.pieces[411].text == "[PAD411]");
  CHECK(v.pieces[411].kind == TokenKind::kUnused);
  CHECK(v.pieces[412].kind == TokenKind::kUserDefined);
  CHECK(files.chat_template == "{{ messages }}");
  const auto converted = through_gguf(v);
  CHECK(converted->stops() == v.stops);
  CHECK(converted->bos() == v.bos);
  CHECK(converted->add_bos());
  CHECK(converted->encode("<think>") == Ids{412});

  write(copy.file("chat_template.jinja"), "from a file");
  CHECK(read_tokenizer_files(copy.folder.path(), 420).chat_template == "from a file");
}

TEST_CASE("a symbol with a plain space, which SentencePiece never finds, is not used") {
  const Copy copy("bpe-rules");
  const Vocabulary vocabulary = read_tokenizer_files(copy.folder.path()).vocabulary;
  std::map<std::string, TokenKind> kinds;
  for (const VocabularyPiece& piece : vocabulary.pieces) kinds[piece.text] = piece.kind;
  CHECK(kinds.at("a b") == TokenKind::kUnused);
  CHECK(kinds.at("x\xE2\x96\x81y") == TokenKind::kUserDefined);
  // In a file it is spelled as in a text.
  const auto converted = through_gguf(vocabulary);
  CHECK(converted->find("x y") >= 0);
  CHECK(converted->encode("x y") == Ids{converted->find("x y")});
}

TEST_CASE("a piece that no merge leads to is never made") {
  const Copy copy("merges");
  Json json = copy.json("tokenizer.json");
  const auto before = make_tokenizer(read_tokenizer_files(copy.folder.path()).vocabulary);
  // The first merge, of two characters; whatever is merged with its result stays.
  const auto first = json["model"]["merges"][0].get<std::string>();
  const std::size_t space = first.find(' ', 1);
  const std::string left = first.substr(0, space);
  const std::string right = first.substr(space + 1);
  json["model"]["merges"].erase(0);
  copy.write_json("tokenizer.json", json);
  const auto after = make_tokenizer(read_tokenizer_files(copy.folder.path()).vocabulary);
  const std::string text = replace_all(left + right, "\xE2\x96\x81", " ");
  CHECK(before->encode("." + text + ".").size() + 1 == after->encode("." + text + ".").size());
  for (const TokenId id : after->encode(text + text)) {
    CHECK(after->piece(id) != left + right);
  }
}

TEST_CASE("another library's file under SentencePiece's name is passed over") {
  const Copy copy("bytes");
  write(copy.file("tokenizer.model"), "IQ== 0\nIg== 1\n");
  CHECK(read_tokenizer_files(copy.folder.path()).vocabulary.model == "gpt2");
  fs::remove(copy.file("tokenizer.json"));
  CHECK(mentions(copy.refusal(ErrorCode::kCorrupt), "tokenizer.model: not a SentencePiece model"));
  fs::remove(copy.file("tokenizer.model"));
  CHECK(mentions(copy.refusal(ErrorCode::kNotFound), "neither tokenizer.json nor"));
}

TEST_CASE("what a tokenizer.json says that can't be taken over is refused by name") {
  struct Case {
    const char* name;
    std::function<void(Json&)> change;
    ErrorCode code;
    const char* says;
  };
  const std::vector<Case> cases{
      {"bytes", [](Json& j) { j["model"]["type"] = "WordLevel"; }, ErrorCode::kUnsupported,
       "the kind of model WordLevel"},
      {"bytes",
       [](Json& j) {
         j["normalizer"] = {{"type", "Lowercase"}};
       },
       ErrorCode::kUnsupported, "its normaliser Lowercase"},
      {"bytes", [](Json& j) { j["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "a+"; },
       ErrorCode::kUnsupported, "no way to cut words like this is known (whole words first): a+"},
      {"bytes", [](Json& j) { j["pre_tokenizer"]["pretokenizers"][0]["behavior"] = 7; },
       ErrorCode::kUnsupported, "an unknown step Split"},
      {"bytes", [](Json& j) { j["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = true; },
       ErrorCode::kUnsupported, "add_prefix_space"},
      {"bytes", [](Json& j) { j["model"]["end_of_word_suffix"] = "</w>"; }, ErrorCode::kUnsupported,
       "model.end_of_word_suffix"},
      {"bytes", [](Json& j) { j["model"].erase("vocab"); }, ErrorCode::kCorrupt,
       "tokenizer.json: model.vocab is missing"},
      {"bytes", [](Json& j) { j["model"]["vocab"]["zz"] = 3; }, ErrorCode::kCorrupt,
       "have the same id"},
      {"bytes", [](Json& j) { j["model"]["vocab"]["zz"] = -3; }, ErrorCode::kCorrupt,
       "the id of zz is not a number below"},
      {"bytes", [](Json& j) { j["model"]["vocab"]["zz"] = 4000000; }, ErrorCode::kCorrupt,
       "the id of zz is not a number below 4000000"},
      {"bytes", [](Json& j) { j["model"]["merges"][2] = "a b c"; }, ErrorCode::kCorrupt,
       "merge 2 (a b c) is not two pieces"},
      {"bytes",
       [](Json& j) {
         j["model"]["merges"][3] = {"a", 5};
       },
       ErrorCode::kCorrupt, "merge 3 () is not two pieces"},
      {"bytes", [](Json& j) { j["added_tokens"][0].erase("id"); }, ErrorCode::kCorrupt,
       "an added token has no \"id\""},
      {"bytes", [](Json& j) { j["added_tokens"][0].erase("content"); }, ErrorCode::kCorrupt,
       "added token 406 has no \"content\""},
      {"merges", [](Json& j) { j["normalizer"] = nullptr; }, ErrorCode::kUnsupported,
       "neither over bytes nor"},
      {"merges",
       [](Json& j) {
         // A piece of three characters can be spelled in two ways; leave one.
         Json kept = Json::array();
         for (const Json& merge : j["model"]["merges"]) {
           const auto text = merge.get<std::string>();
           if (text.size() != 4 || text[1] != ' ') kept.push_back(merge);
         }
         j["model"]["merges"] = kept;
       },
       ErrorCode::kUnsupported, "is merged in only some of the ways"},
  };
  for (const Case& one : cases) {
    const Copy copy(one.name);
    Json json = copy.json("tokenizer.json");
    one.change(json);
    copy.write_json("tokenizer.json", json);
    const std::string message = copy.refusal(one.code);
    CHECK(mentions(message, one.says));
    CHECK(mentions(message, "tokenizer.json"));
  }
}

TEST_CASE("a tokenizer has no more tokens than the embedding has rows") {
  CHECK(mentions(Copy("bytes").refusal(ErrorCode::kCorrupt, 407),
                 "added token <tool_call> has the id 407, there can be 407 tokens here"));
  CHECK(mentions(Copy("bytes").refusal(ErrorCode::kCorrupt, 300), "not a number below 300"));
  CHECK(mentions(Copy("bpe").refusal(ErrorCode::kCorrupt, 459), "more than 459 pieces"));
  CHECK(read_tokenizer_files(Copy("bpe").folder.path(), 460).vocabulary.pieces.size() == 460);
}

TEST_CASE("a tokenizer.model cut short anywhere is an Error or a shorter model") {
  const std::string whole = read(golden_path("tokenizers/unigram-symbols/tokenizer.model"));
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    try {
      const Vocabulary v = parse_sentencepiece_model(whole.substr(0, size), 1000);
      CHECK(v.pieces.size() <= 460);
    } catch (const Error& e) {
      CHECK((e.code() == ErrorCode::kCorrupt || e.code() == ErrorCode::kUnsupported));
    }
  }
  CHECK_THROWS_AS(parse_sentencepiece_model(std::string(64, '\xFF'), 1000), Error);
}
