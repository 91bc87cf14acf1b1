// What the writer writes, the reader reads; and a file is there whole or not at all.

#include <orkestra/core/error.h>
#include <orkestra/model/format/gguf.h>
#include <orkestra/model/format/gguf_writer.h>
#include <orkestra/tests/catch.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <numeric>

using namespace orkestra;
using model::GgufFile;
using model::GgufWriter;
using model::TensorType;

namespace {

struct TemporaryFolder {
  TemporaryFolder() {
    path =
        std::filesystem::temp_directory_path() / ("orkestra-writer-" + std::to_string(::getpid()));
    std::filesystem::create_directories(path);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::size_t n_files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path), {}));
  }
  std::filesystem::path path;
};

constexpr std::array<std::int64_t, 2> kShape{5, 3};
constexpr std::array<std::int64_t, 1> kBlocks{64};

void fill(GgufWriter& out) {
  out.set("general.architecture", "jamba");
  out.set("a.number", std::uint32_t{7});
  out.set("a.number", std::uint32_t{8});
  out.set("a.signed", std::int32_t{-3});
  out.set("a.large", std::uint64_t{1} << 40U);
  out.set("a.real", 0.5F);
  out.set("a.flag", true);
  out.set("a.gone", true);
  out.remove("a.gone");
  const std::vector<std::string> words{"one", "", "three"};
  out.set("a.words", std::span<const std::string>(words));
  const std::vector<std::int32_t> numbers{1, -2};
  out.set("a.numbers", std::span<const std::int32_t>(numbers));
  out.add_tensor("odd.weight", TensorType::kF32, kShape);
  out.add_tensor("blocks.weight", TensorType::kQ8_0, kBlocks);
}

const std::vector<std::byte>& data() {
  static const std::vector<std::byte> bytes = [] {
    std::vector<std::byte> all(5 * 3 * 4 + 2 * 34);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::byte>(i);
    return all;
  }();
  return bytes;
}

}  // namespace

TEST_CASE("a written GGUF file reads back, its data given in any pieces") {
  const TemporaryFolder folder;
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, data().size()}) {
    const auto path = folder.path / "a.gguf";
    GgufWriter out;
    fill(out);
    out.begin(path);
    for (std::size_t at = 0; at < data().size(); at += piece) {
      out.write(std::span(data()).subspan(at, std::min(piece, data().size() - at)));
    }
    out.commit();
    const auto file = GgufFile::open(path);
    CHECK(file->metadata().size() == 8);
    CHECK(file->integer("a.number") == 8);
    CHECK(file->integer("a.signed") == -3);
    CHECK(file->integer("a.large") == std::int64_t{1} << 40);
    CHECK(file->number("a.real") == 0.5);
    CHECK(file->boolean("a.flag", false));
    const auto array = [&](const char* key) {
      return std::get<model::GgufArray>(file->metadata().find(key)->second);
    };
    CHECK(std::get<std::vector<std::string_view>>(array("a.words")) ==
          std::vector<std::string_view>{"one", "", "three"});
    CHECK(std::get<std::vector<std::int64_t>>(array("a.numbers")) ==
          std::vector<std::int64_t>{1, -2});
    REQUIRE(file->tensors().size() == 2);
    CHECK(file->tensors()[0].shape == std::vector<std::int64_t>{5, 3});
    CHECK(
        std::equal(file->tensors()[0].data.begin(), file->tensors()[0].data.end(), data().begin()));
    CHECK(file->tensors()[1].type == TensorType::kQ8_0);
    CHECK(std::equal(file->tensors()[1].data.begin(), file->tensors()[1].data.end(),
                     data().begin() + 60));
    CHECK(folder.n_files() == 1);
  }
}

TEST_CASE("a file that was not committed leaves what was there before") {
  const TemporaryFolder folder;
  const auto path = folder.path / "a.gguf";
  std::ofstream(path) << "before";
  {
    GgufWriter out;
    fill(out);
    out.begin(path);
    out.write(std::span(data()).first(10));
    CHECK_THROWS_AS(out.commit(), Error);
  }
  CHECK(std::filesystem::file_size(path) == 6);
  CHECK(folder.n_files() == 1);
}

TEST_CASE("what can't be written is refused by name") {
  const TemporaryFolder folder;
  const auto code = [](auto work) {
    try {
      work();
    } catch (const Error& error) {
      CHECK(!error.message().empty());
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  GgufWriter out;
  fill(out);
  CHECK(code([&] { out.begin(folder.path / "no" / "such" / "folder.gguf"); }) ==
        ErrorCode::kNotFound);
  constexpr std::array<std::int64_t, 1> kOdd{33};
  CHECK(code([&] { out.add_tensor("odd", TensorType::kQ8_0, kOdd); }) == ErrorCode::kInvalid);
  CHECK(code([&] {
          model::AtomicFile file("/dev/full/x");
          static_cast<void>(file);
        }) == ErrorCode::kNotFound);
}
