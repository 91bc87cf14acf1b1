// JSON from outside: what is read is what nlohmann's own parser reads, in bounded work.

#include <orkestra/core/json.h>
#include <orkestra/core/json_builder.h>
#include <orkestra/tests/catch.h>

#include <cmath>
#include <random>
#include <string>

using namespace orkestra;

namespace {

std::string random_json(std::mt19937& random, int depth) {
  switch (random() % (depth > 0 ? 9 : 6)) {
    case 0:
      return "null";
    case 1:
      return random() % 2 == 0 ? "true" : "false";
    case 2:
      return std::to_string(static_cast<int>(random()));
    case 3:
      return std::to_string(random()) + ".5e-3";
    case 4:
      return "\"\\u00e9 \xC3\xA9 \\n\"";
    case 5:
      return "18446744073709551615";
    case 6: {
      std::string text = "[";
      for (std::uint64_t n = random() % 5; n > 0; --n) {
        text += random_json(random, depth - 1) + (n > 1 ? " ,\n" : "");
      }
      return text + "]";
    }
    default: {
      std::string text = "{";
      for (std::uint64_t n = random() % 9; n > 0; --n) {  // names occur twice, too
        text += "\"k" + std::to_string(random() % 6) + "\": " + random_json(random, depth - 1) +
                (n > 1 ? "," : "");
      }
      return text + "}";
    }
  }
}

}  // namespace

TEST_CASE("JSON reads as the library reads it, members in order, the last of a name") {
  std::mt19937 random(5);
  for (int i = 0; i < 3000; ++i) {
    const std::string text = random_json(random, 5);
    CAPTURE(text);
    CHECK(parse_json(text).dump() == Json::parse(text).dump());
  }
  CHECK(parse_json(R"({"b": 1, "a": 2, "b": 3, "c": 4, "a": [5]})").dump() ==
        R"({"b":3,"a":[5],"c":4})");
}

TEST_CASE("what is no JSON is refused with its name and place") {
  for (const char* text :
       {"", "{", "[1,]", "{\"a\" 1}", "nul", "1 2", "\"\xFF\"", "1e999", "{\"a\":1}}", "[1"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH(parse_json(text, "config.json"),
                      Catch::Matchers::StartsWith("config.json: not valid JSON: "));
  }
  CHECK_THROWS_WITH(parse_json("[[[1]]]", "deep", {.max_depth = 2}),
                    "deep: JSON nested deeper than 2 levels");
  CHECK(parse_json("[[1]]", "deep", {.max_depth = 2}).size() == 1);
}

TEST_CASE("names are compared about n log n times, whatever their order") {
  for (const std::size_t n : {1000, 20000}) {
    for (const int order : {0, 1, 2, 3}) {
      std::string text = "{";
      for (std::size_t i = 0; i < n; ++i) {
        const std::size_t number = order == 0   ? i
                                   : order == 1 ? n - i
                                   : order == 2 ? i * 7919 % n
                                                : 0;
        text += (i > 0 ? ",\"" : "\"") + std::to_string(100000 + number) + "\":0";
      }
      text += "}";
      JsonBuilder builder("members", 4);
      REQUIRE(Json::sax_parse(text.begin(), text.end(), &builder));
      const double logarithm = std::log2(static_cast<double>(n));
      CHECK(static_cast<double>(builder.comparisons()) < 4.0 * static_cast<double>(n) * logarithm);
      CHECK(builder.take().size() == (order == 3 ? 1 : n));
    }
  }
}
