// A model split over several files is opened by any of them, or refused with the part's name.

#include <orkestra/core/error.h>
#include <orkestra/model/format/gguf.h>
#include <orkestra/model/format/gguf_split.h>
#include <orkestra/model/format/gguf_writer.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/checkpoints.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

using namespace orkestra;
using namespace orkestra::model;
namespace fs = std::filesystem;

namespace {

struct Part {
  std::uint32_t no = 0;
  std::uint32_t count = 3;
  std::int32_t tensors = 5;
  std::vector<std::string> names;  // of its tensors: 8 floats each, all the length of the name
};

void write_part(const fs::path& path, const Part& part) {
  GgufWriter writer;
  if (part.no == 0) {
    writer.set("general.architecture", "llama");
    writer.set("general.name", "split");
  }
  writer.set("split.no", part.no);
  writer.set("split.count", part.count);
  writer.set("split.tensors.count", part.tensors);
  constexpr std::array<std::int64_t, 1> kShape{8};
  for (const std::string& name : part.names) writer.add_tensor(name, TensorType::kF32, kShape);
  writer.begin(path);
  for (const std::string& name : part.names) {
    const std::vector<float> values(8, static_cast<float>(name.size()));
    writer.write(std::as_bytes(std::span(values)));
  }
  writer.commit();
}

// Three parts, the first without tensors.
struct Split {
  Split() {
    write(1, {.no = 0});
    write(2, {.no = 1, .names = {"aaa", "b", "cc"}});
    write(3, {.no = 2, .names = {"dddd", "eeeee"}});
  }
  fs::path path(int number, int count = 3) const {
    return folder.path() /
           ("m-0000" + std::to_string(number) + "-of-0000" + std::to_string(count) + ".gguf");
  }
  void write(int number, const Part& part) const { write_part(path(number), part); }
  std::string refusal(ErrorCode code, int number = 1) const {
    try {
      GgufFile::open(path(number));
    } catch (const Error& e) {
      CHECK(e.code() == code);
      return e.message();
    }
    FAIL("it was opened");
    return {};
  }
  tests::TemporaryFolder folder;
};

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

using Catch::Matchers::Contains;

}  // namespace

TEST_CASE("any part opens the whole model") {
  const Split split;
  std::string header;
  for (int number = 1; number <= 3; ++number) {
    const auto file = GgufFile::open(split.path(number));
    CHECK(file->name() == split.path(1).string());
    CHECK(file->text("general.name") == "split");
    REQUIRE(file->tensors().size() == 5);
    for (const TensorView& tensor : file->tensors()) {
      CHECK(file->find_tensor(tensor.name) == &tensor);
      const auto* values = reinterpret_cast<const float*>(tensor.data.data());
      CHECK(tensor.data.size() == 32);
      CHECK(values[7] == static_cast<float>(tensor.name.size()));
      file->forget(tensor.data);
      CHECK(values[0] == static_cast<float>(tensor.name.size()));
    }
    CHECK(file->find_tensor("f") == nullptr);
    CHECK(split_paths(*file) == std::vector<fs::path>{split.path(1), split.path(2), split.path(3)});
    // What identifies the model is the same whichever part was named.
    const auto bytes = file->header_bytes();
    const std::string now(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    CHECK((header.empty() || header == now));
    header = now;
  }
}

TEST_CASE("a copy of a split model's metadata is not split") {
  const Split split;
  GgufWriter writer;
  writer.copy_metadata(*GgufFile::open(split.path(2)));
  writer.begin(split.folder.path() / "whole.gguf");
  writer.commit();
  const auto whole = GgufFile::open(split.folder.path() / "whole.gguf");
  CHECK(whole->text("general.name") == "split");
  CHECK(whole->metadata().size() == 2);
  CHECK(split_paths(*whole).size() == 1);
}

TEST_CASE("a part that is missing, renamed or of another model is named") {
  {
    const Split split;
    fs::remove(split.path(3));
    CHECK_THAT(split.refusal(ErrorCode::kNotFound),
               Contains(split.path(3).string() + ": part 3 of 3 of the model is missing"));
  }
  {
    const Split split;
    fs::rename(split.path(2), split.folder.path() / "other.gguf");
    try {
      GgufFile::open(split.folder.path() / "other.gguf");
      FAIL("it was opened");
    } catch (const Error& e) {
      CHECK(e.code() == ErrorCode::kInvalid);
      CHECK_THAT(e.message(), Contains("its name must end in -00002-of-00003.gguf"));
    }
  }
  {
    const Split split;
    fs::rename(split.path(2), split.folder.path() / "kept");
    fs::rename(split.path(3), split.path(2));
    fs::rename(split.folder.path() / "kept", split.path(3));
    CHECK_THAT(split.refusal(ErrorCode::kCorrupt),
               Contains(split.path(2).string() + ": not part 2 of 3 of " + split.path(1).string() +
                        ": split.no is 2 where 1 is needed"));
    CHECK_THAT(split.refusal(ErrorCode::kInvalid, 2), Contains("must end in -00003-of-00003.gguf"));
  }
  {
    const Split split;
    split.write(3, {.no = 2, .tensors = 6, .names = {"dddd", "eeeee"}});
    CHECK_THAT(
        split.refusal(ErrorCode::kCorrupt),
        Contains(split.path(3).string()) && Contains("split.tensors.count is 6 where 5 is needed"));
  }
  {
    const Split split;
    split.write(3, {.no = 2, .count = 4, .names = {"dddd", "eeeee"}});
    CHECK_THAT(split.refusal(ErrorCode::kCorrupt), Contains("split.count is 4 where 3 is needed"));
  }
  {
    const Split split;
    split.write(3, {.no = 2, .names = {"dddd", "aaa"}});
    CHECK_THAT(
        split.refusal(ErrorCode::kCorrupt),
        Contains(split.path(3).string() + ": tensor aaa is also in " + split.path(2).string()));
  }
  {
    const Split split;
    split.write(3, {.no = 2, .names = {"dddd"}});
    CHECK_THAT(split.refusal(ErrorCode::kCorrupt),
               Contains("the model has 5 tensors (split.tensors.count), its parts hold 4"));
  }
  {
    const Split split;
    split.write(1, {.no = 0, .count = 1001});
    CHECK_THAT(split.refusal(ErrorCode::kCorrupt), Contains("split.count must be from 1 to 1000"));
    split.write(1, {.no = 3});
    CHECK_THAT(split.refusal(ErrorCode::kCorrupt), Contains("split.no must be from 0 to 2"));
  }
  {
    const Split split;
    GgufWriter writer;
    writer.set("general.architecture", "llama");
    writer.begin(split.path(3));
    writer.commit();
    CHECK_THAT(split.refusal(ErrorCode::kCorrupt),
               Contains(split.path(3).string() + ": metadata key split.no is missing"));
  }
}

TEST_CASE("a part is not read from memory as if it were a model") {
  const Split split;
  const std::string text = read(split.path(2));
  std::vector<std::uint64_t> aligned((text.size() + 7) / 8);
  std::memcpy(aligned.data(), text.data(), text.size());
  CHECK_THROWS_WITH(GgufFile::parse(std::as_bytes(std::span(aligned)).first(text.size()), "part"),
                    Contains("part: a part of a split model can't be read from memory"));
}

TEST_CASE("damaged parts end in the whole model or an Error") {
  const Split split;
  std::mt19937_64 random(11);
  int opened = 0;
  for (int round = 0; round < 600; ++round) {
    const int number = 1 + static_cast<int>(random() % 3);
    const std::string good = read(split.path(number));
    std::string bad = good;
    if (random() % 6 == 0) {
      bad.resize(random() % bad.size());
    } else {
      for (std::uint64_t n = 1 + random() % 3; n > 0; --n) {
        const char values[] = {'\0', '\1', '\xFF', static_cast<char>(random() % 256)};
        bad[24 + random() % (bad.size() - 24)] = values[random() % 4];
      }
    }
    std::ofstream(split.path(number), std::ios::binary) << bad;
    try {
      const auto file = GgufFile::open(split.path(1 + static_cast<int>(random() % 3)));
      volatile unsigned char last = 0;  // every tensor's memory can be read
      for (const TensorView& tensor : file->tensors()) {
        last = static_cast<unsigned char>(tensor.data.back());
      }
      static_cast<void>(last);
      ++opened;
    } catch (const Error& e) {
      CHECK(e.code() != ErrorCode::kInternal);
      CHECK_THAT(e.message(), Contains("-of-00003.gguf"));
    }
    std::ofstream(split.path(number), std::ios::binary) << good;
  }
  CHECK(opened > 50);
  CHECK(opened < 550);
}
