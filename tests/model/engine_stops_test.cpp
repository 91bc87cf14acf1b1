// Writing ends at each of a model's stop tokens, however its file names them; measuring does not.

#include <orkestra/core/error.h>
#include <orkestra/model/engine/embedded_model.h>
#include <orkestra/model/engine/perplexity.h>
#include <orkestra/model/format/gguf_writer.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/checkpoints.h>

#include <functional>

using namespace orkestra;
using namespace orkestra::model;

namespace {

constexpr const char* kNano = ORKESTRA_SOURCE_DIR "/tests/golden/agent/nano-v0.gguf";

// The bundled model with other metadata.
class Changed {
 public:
  explicit Changed(const std::function<void(GgufWriter&)>& change) {
    const auto file = GgufFile::open(kNano);
    GgufWriter writer;
    writer.copy_metadata(*file);
    change(writer);
    for (const TensorView& t : file->tensors()) writer.add_tensor(t.name, t.type, t.shape);
    writer.begin(path());
    for (const TensorView& t : file->tensors()) writer.write(t.data);
    writer.commit();
  }
  std::filesystem::path path() const { return folder_.path() / "model.gguf"; }

 private:
  tests::TemporaryFolder folder_;
};

// What a model writes on its own, token by token.
std::vector<TokenId> written(const std::filesystem::path& path, FinishReason& finish) {
  EmbeddedModel engine(std::dynamic_pointer_cast<const LoadedModel>(Model::open(path.string())),
                       {.threads = 1});
  GenerateRequest request;
  request.conversation =
      Conversation().with_turn({.role = Role::kUser, .text = "What is the price of the ship?"});
  request.limits.max_tokens = 24;
  const Generation generation = generate(engine, std::move(request));
  finish = generation.finish;
  return generation.turn.generated->ids;
}

// The kinds and pieces of the bundled vocabulary, to be changed and set again.
std::vector<std::int32_t> kinds() {
  const auto file = GgufFile::open(kNano);
  const auto& values = std::get<std::vector<std::int64_t>>(
      std::get<GgufArray>(file->metadata().at("tokenizer.ggml.token_type")));
  return {values.begin(), values.end()};
}
std::vector<std::string> pieces() {
  const auto file = GgufFile::open(kNano);
  const auto& values = std::get<std::vector<std::string_view>>(
      std::get<GgufArray>(file->metadata().at("tokenizer.ggml.tokens")));
  return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("writing ends at every stop token that a file names") {
  FinishReason finish{};
  const std::vector<TokenId> whole = written(kNano, finish);
  REQUIRE(whole.size() >= 6);
  // A token that is not written before.
  std::size_t at = 3;
  while (at + 1 < whole.size() && std::find(whole.begin(), whole.begin() + static_cast<long>(at),
                                            whole[at]) != whole.begin() + static_cast<long>(at)) {
    ++at;
  }
  const TokenId stop = whole[at];
  const std::vector<TokenId> before(whole.begin(), whole.begin() + static_cast<long>(at));
  const auto id = static_cast<std::uint32_t>(stop);
  const std::vector<std::int32_t> list{7, stop};
  const std::function<void(GgufWriter&)> ways[]{
      [&](GgufWriter& w) { w.set("tokenizer.ggml.eos_token_id", id); },
      [&](GgufWriter& w) { w.set("tokenizer.ggml.eot_token_id", id); },
      [&](GgufWriter& w) { w.set("tokenizer.ggml.eom_token_id", id); },
      [&](GgufWriter& w) {
        w.set("tokenizer.ggml.eos_token_ids", std::span<const std::int32_t>(list));
      },
  };
  for (const auto& way : ways) {
    CHECK(written(Changed(way).path(), finish) == before);
    CHECK(finish == FinishReason::kStop);
  }
}

TEST_CASE("what ends a turn in well-known chat formats is a stop token by its name") {
  std::vector<std::string> names = pieces();
  std::vector<std::int32_t> types = kinds();
  const std::size_t free = 1841;  // unused tokens from here
  const char* const known[] = {"<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<end_of_turn>",
                               "<|endoftext|>"};
  for (std::size_t i = 0; i < std::size(known); ++i) {
    names[free + i] = known[i];
    types[free + i] = i == 0 ? 4 : 3;  // user-defined, as older converters have it; control
  }
  names[free + 6] = "<eos>";  // an end of a text only where it is a control token
  types[free + 6] = 1;
  const Changed changed([&](GgufWriter& w) {
    w.set("tokenizer.ggml.tokens", std::span<const std::string>(names));
    w.set("tokenizer.ggml.token_type", std::span<const std::int32_t>(types));
  });
  const auto tokenizer = make_tokenizer(*GgufFile::open(changed.path()));
  CHECK(tokenizer->stops() == std::vector<TokenId>{2, 7, 1841, 1842, 1843, 1844, 1845});
  CHECK(tokenizer->eos() == 7);
  CHECK(tokenizer->kind(1841) == TokenKind::kControl);
  for (const TokenId id : tokenizer->encode("a<|im_end|>b")) CHECK(id != 1841);
}

TEST_CASE("a stop token beyond the vocabulary is refused by its key") {
  for (const char* key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    const Changed changed([&](GgufWriter& w) { w.set(key, std::uint32_t{1856}); });
    CHECK_THROWS_WITH(make_tokenizer(*GgufFile::open(changed.path())),
                      Catch::Matchers::Contains(std::string(key) + " is 1856"));
  }
}

TEST_CASE("perplexity does not depend on what stops writing") {
  const std::string text =
      "Get the price of a ship. Get the balance of a customer. The price of the ship is 12.50, "
      "and the balance of the customer is 7326.41. Get the weight of a parcel.";
  const auto measured = [&](const std::filesystem::path& path) {
    const LoadedModel loaded(GgufFile::open(path));
    CpuBackend backend(loaded.network(), kernels_named("best"), 1);
    const std::vector<TokenId> tokens = loaded.tokenizer().encode(text);
    return perplexity(backend, tokens, {.context = 16, .batch = 16}).perplexity;
  };
  const auto the =
      static_cast<std::uint32_t>(make_tokenizer(*GgufFile::open(kNano))->find("\xE2\x96\x81the"));
  CHECK(measured(Changed([&](GgufWriter& w) {
                   w.set("tokenizer.ggml.eot_token_id", the);
                 }).path()) == measured(kNano));
}
