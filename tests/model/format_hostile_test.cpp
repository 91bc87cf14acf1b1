// Hostile GGUF files: one field of a good file overwritten at a time.

#include <orkestra/core/error.h>
#include <orkestra/model/format/gguf.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/fuzz/gguf_fields.h>
#include <orkestra/tests/model/format_gguf_builder.h>

#include <algorithm>
#include <limits>

using namespace orkestra;
using namespace orkestra::tests;
using model::GgufFile;

namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

struct Refusal {
  std::string code = "read without complaint";
  std::string message;
};

Refusal refusal(const Bytes& bytes) {
  try {
    GgufFile::parse(bytes, "hostile");
  } catch (const Error& e) {
    return {std::string(info(e.code()).name), e.message()};
  }
  return {};
}

// The sample file with one field overwritten.
Bytes with_field(Bytes bytes, const std::string& name, std::uint64_t value) {
  const GgufFieldWalk walk(bytes);
  const auto& fields = walk.fields();
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const GgufField& f) { return f.name == name; });
  if (found == fields.end()) throw std::runtime_error("no field " + name);
  std::memcpy(bytes.data() + found->at, &value, found->width);
  return bytes;
}

}  // namespace

TEST_CASE("a hostile field is refused with its place") {
  struct Row {
    std::string field;
    std::uint64_t value;
    std::string code;
    std::string says;  // part of the message
  };
  const Row rows[] = {
      {"magic", 0x46554746, "corrupt", "not a GGUF file"},
      {"version", 1, "unsupported", "GGUF version 1"},
      {"version", 4, "unsupported", "GGUF version 4"},
      {"version", 0x03000000, "unsupported", "big-endian"},
      {"tensor_count", kMax, "corrupt", "a tensor count of 18446744073709551615"},
      {"tensor_count", 8, "corrupt", "tensor table entry 7"},
      {"metadata_count", kMax, "corrupt", "a metadata count of 18446744073709551615"},
      {"metadata_count", 1000, "corrupt", "can't fit"},
      {"metadata_count", 18, "corrupt", "tensor table entry 0 at byte 506"},
      {"metadata[0].key.length", kMax, "corrupt", "metadata entry 0 at byte 32"},
      {"metadata[0].key.length", std::uint64_t{1} << 63U, "corrupt", "needs 9223372036854775808"},
      {"metadata[0].key.length", 0, "corrupt", "a metadata key of 0 bytes"},
      {"metadata[0].type", 13, "corrupt", "metadata entry 0 (general.name) at byte 48"},
      {"metadata[0].type", 0xFFFFFFFF, "corrupt", "unknown value type 4294967295"},
      {"metadata[0].text.length", kMax, "corrupt", "a string value needs"},
      {"metadata[8].value", 2, "corrupt", "a boolean must be 0 or 1"},
      {"metadata[9].value", kMax, "unsupported", "exceeds 2^63 - 1"},
      {"metadata[12].count", kMax, "corrupt", "metadata entry 12 (words)"},
      {"metadata[12].count", std::uint64_t{1} << 61U, "corrupt", "an array of 2305843009213693952"},
      {"metadata[12].element_type", 9, "unsupported", "arrays of arrays"},
      {"metadata[12].element_type", 77, "corrupt", "unknown array element type 77"},
      {"metadata[12].element[1].length", kMax - 7, "corrupt", "an array's string needs"},
      {"metadata[13].count", std::uint64_t{1} << 62U, "corrupt", "metadata entry 13 (numbers)"},
      {"metadata[15].element[0]", 3, "corrupt", "a boolean must be 0 or 1"},
      {"tensor[0].name.length", 0, "corrupt", "a tensor name of 0 bytes"},
      {"tensor[0].name.length", kMax, "corrupt", "tensor table entry 0 at byte"},
      {"tensor[0].dimensions", 0, "corrupt", "0 dimensions"},
      {"tensor[0].dimensions", 5, "corrupt", "tensor table entry 0 (f32.weight)"},
      {"tensor[0].extent[0]", 0, "corrupt", "dimension 0 is 0"},
      {"tensor[0].extent[0]", kMax, "corrupt", "not positive"},
      {"tensor[0].extent[1]", std::uint64_t{1} << 60U, "corrupt", "overflows"},
      {"tensor[0].extent[1]", std::uint64_t{1} << 59U, "corrupt", "overflows"},
      {"tensor[0].extent[1]", 4, "corrupt", "overlap"},
      {"tensor[6].extent[0]", 1024, "corrupt", "tensor table entry 6 (q6_k.weight)"},
      {"tensor[1].type", 16, "unsupported", "(f16.weight) at byte"},
      {"tensor[1].type", 16, "unsupported", "tensor type number 16 is not supported"},
      {"tensor[1].type", 4, "unsupported", "quantise the model to one of F32, F16, BF16, Q4_0"},
      {"tensor[1].type", 8, "corrupt", "no multiple of the 32 of a Q8_0 block"},
      {"tensor[3].extent[0]", 65, "corrupt", "no multiple of the 32 of a Q8_0 block"},
      {"tensor[5].extent[0]", 128, "corrupt", "no multiple of the 256 of a Q4_K block"},
      {"tensor[1].offset", 161, "corrupt", "no multiple of the alignment 32"},
      {"tensor[1].offset", 0, "corrupt", "entries 0 (f32.weight) and 1 (f16.weight) overlap"},
      {"tensor[1].offset", kMax - 31, "corrupt", "reach beyond"},
      {"tensor[1].offset", 1 << 20, "corrupt", "cut short or damaged"},
  };
  const Bytes good = sample_file().build();
  REQUIRE(refusal(good).message == "");
  for (const Row& row : rows) {
    const Refusal got = refusal(with_field(good, row.field, row.value));
    INFO(row.field << " = " << row.value << ": " << got.message);
    CHECK(got.code == row.code);
    CHECK_THAT(got.message, Catch::Matchers::Contains(row.says));
    CHECK_THAT(got.message, Catch::Matchers::StartsWith("hostile: "));
  }
}

TEST_CASE("bad alignments are refused") {
  for (const std::uint32_t alignment : {0U, 1U, 4U, 24U, 33U, 131072U, 0xFFFFFFFFU}) {
    GgufBuilder b;
    const Refusal got = refusal(b.value("general.alignment", 4, alignment).build());
    INFO(alignment);
    CHECK(got.code == "corrupt");
    CHECK_THAT(got.message, Catch::Matchers::Contains("general.alignment must be a power of two"));
  }
  GgufBuilder b;
  CHECK(refusal(b.value("general.alignment", 5, std::int32_t{-32}).build()).code == "corrupt");
  GgufBuilder text;
  CHECK(refusal(text.string("general.alignment", "32").build()).code == "corrupt");
}

TEST_CASE("duplicate keys and tensor names are refused") {
  GgufBuilder keys;
  keys.string("a", "x").string("b", "x").string("a", "y");
  CHECK_THAT(refusal(keys.build()).message, Catch::Matchers::Contains("metadata entry 2 (a)") &&
                                                Catch::Matchers::Contains("the key occurs twice"));
  GgufBuilder names;
  names.tensor("t", 0, {4}, 16).tensor("u", 0, {4}, 16).tensor("t", 0, {4}, 16);
  CHECK_THAT(refusal(names.build()).message,
             Catch::Matchers::Contains("entries 0 (t) and 2 (t) have the same name"));
}

TEST_CASE("a file cut anywhere is refused as corrupt") {
  const Bytes good = sample_file().build();
  for (std::size_t size = 0; size < good.size(); ++size) {
    // A copy, so that a read beyond the end is a read beyond an allocation.
    const Refusal got = refusal(Bytes(good.begin(), good.begin() + static_cast<long>(size)));
    INFO(size << ": " << got.message);
    REQUIRE(got.code == "corrupt");
  }
}

TEST_CASE("names from a file are shown safely") {
  GgufBuilder b;
  b.value(std::string("k\x1b[31m\xff\n") + std::string(200, 'x'), 99, std::uint8_t{0});
  const Refusal got = refusal(b.build());
  CHECK_THAT(got.message, Catch::Matchers::Contains("(k?[31m??xxx"));
  CHECK(got.message.size() < 200);
}

TEST_CASE("a long metadata section is refused before it is taken in") {
  GgufBuilder b;
  b.array<std::uint8_t>("bytes", 0, std::vector<std::uint8_t>(std::size_t{70} << 20U));
  const Refusal got = refusal(b.build());
  CHECK(got.code == "corrupt");
  CHECK_THAT(got.message, Catch::Matchers::Contains("may take 64 MiB"));
}
