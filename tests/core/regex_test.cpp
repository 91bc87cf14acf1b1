#include <orkestra/core/decimal.h>
#include <orkestra/core/regex.h>
#include <orkestra/tests/catch.h>

#include <random>

using namespace orkestra;

namespace {

bool found(const std::string& pattern, const std::string& text) {
  return Regex(pattern).found_in(text).value();
}

struct Case {
  const char* pattern;
  std::vector<const char*> yes;
  std::vector<const char*> no;
};

const std::vector<Case> kCases = {
    {"", {"", "a"}, {}},
    {"a", {"a", "bab"}, {"", "b"}},
    {"^a|b$", {"ax", "xb"}, {"xa", "bx"}},
    {"^(ab)*$", {"", "abab"}, {"aba"}},
    {"^a{2,3}$", {"aa", "aaa"}, {"a", "aaaa"}},
    {"^a{2,}?$", {"aa", "aaaaa"}, {"a"}},
    {"^a{,2}$", {"a{,2}"}, {"aa"}},
    {"^(a*)*b$", {"b", "aaab"}, {"aaac"}},
    {"^[a-c\\d_-]+$", {"a1_-b"}, {"d", ""}},
    {"^[^a-c]$", {"d", "\xC3\xA9"}, {"a", ""}},
    {"^[\\w.]+@\\w+\\.com$", {"a.b@c.com"}, {"a@.com"}},
    {"^.$", {"a", "\xF0\x9F\x98\x80"}, {"\n", "", "ab"}},
    {"^\\u00e9\\x41\\u{1F600}\\cA$",
     {"\xC3\xA9"
      "A\xF0\x9F\x98\x80\x01"},
     {"e"}},
    {"^\\uD83D\\uDE00$", {"\xF0\x9F\x98\x80"}, {}},
    {"^\\p{Lu}\\P{L}$",
     {"\xC3\x84"
      "1"},
     {"a1", "AB"}},
    {"^\\s$", {" ", "\t", "\xC2\xA0"}, {"a"}},
    {"\\bcat\\b", {"a cat!", "cat"}, {"cats", "concat"}},
    {"^(?=.*[0-9])(?!.*x)[a-z0-9]+$", {"a1", "1"}, {"a", "a1x"}},
    {"^(?:a|b)(?<name>c)$", {"ac", "bc"}, {"c"}},
    {"^\\/\\.\\-\\$$", {"/.-$"}, {}},
    {"^]}$", {"]}"}, {}},
    {"[]", {}, {"", "a"}},
    {"^[^]$", {"a", "\n"}, {""}},
};

}  // namespace

TEST_CASE("regular expressions find what ECMA-262 says they find") {
  for (const Case& c : kCases) {
    for (const char* text : c.yes) {
      INFO(c.pattern << " in " << text);
      CHECK(found(c.pattern, text));
    }
    for (const char* text : c.no) {
      INFO(c.pattern << " not in " << text);
      CHECK_FALSE(found(c.pattern, text));
    }
  }
}

TEST_CASE("bad regular expressions are refused, unknown ones by name") {
  for (const char* pattern : {"(", ")", "[", "[b-a]", "*", "a**", "\\", "a{3,2}", "(?<n", "\\u12",
                              "\\x1", "^*", "\\u{110000}", "\\p{", "\xFF", "\\c1"}) {
    INFO(pattern);
    CHECK_THROWS_AS(Regex(pattern), Error);
  }
  for (const char* pattern :
       {"(a)\\1", "(?<=a)b", "(?<!a)b", "\\A", "\\k<n>", "(?i)a", "\\p{Script=Greek}"}) {
    INFO(pattern);
    try {
      Regex{pattern};
      FAIL("was accepted");
    } catch (const Error& e) {
      CHECK(e.code() == ErrorCode::kUnsupported);
    }
  }
  CHECK_THROWS_AS(Regex(std::string(1000, '(')), Error);
  CHECK_THROWS_AS(Regex("((a{1000}){1000}){1000}"), Error);
}

TEST_CASE("a hostile regular expression takes linear time, or says that it takes too long") {
  CHECK_FALSE(found("^(a+)+$", std::string(20'000, 'a') + "!"));
  CHECK_FALSE(found("(x+x+)+y", std::string(20'000, 'x')));
  CHECK(Regex("(a|b|ab){0,7000}c").found_in(std::string(30'000, 'a')) == std::nullopt);
}

TEST_CASE("random regular expressions are read or refused") {
  std::mt19937 random(11);
  const std::string letters = "ab^$.*+?()[]{}|\\-,0123:=!<>dwsbpuxkL\xC3\xA9";
  int read = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string pattern;
    for (std::size_t i = random() % 12; i > 0; --i) pattern += letters[random() % letters.size()];
    try {
      const Regex regex(pattern);
      ++read;
      CHECK(regex.found_in("ab0-\xC3\xA9" + pattern));
    } catch (const Error& e) {
      CHECK((e.code() == ErrorCode::kInvalid || e.code() == ErrorCode::kUnsupported ||
             e.code() == ErrorCode::kExhausted));
    }
  }
  CHECK(read > 2000);
}

TEST_CASE("decimals are compared as they are written") {
  const auto decimal = [](const char* text) { return Decimal::parse(text).value(); };
  CHECK(decimal("1.0") == decimal("1"));
  CHECK(decimal("1e3") == decimal("1000.000"));
  CHECK(decimal("-0") == decimal("0.0e5"));
  CHECK(decimal("0.1") < decimal("0.10000000000000000000000001"));
  CHECK(decimal("-2") < decimal("-1.5"));
  CHECK(decimal("9007199254740993") > decimal("9007199254740992"));
  CHECK(decimal("0.3").is_multiple_of(decimal("0.1")));
  CHECK_FALSE(decimal("0.35").is_multiple_of(decimal("0.1")));
  CHECK(decimal("1e308").is_multiple_of(decimal("0.5")));
  CHECK(decimal("12.0").is_whole());
  CHECK_FALSE(decimal("12.5").is_whole());
  CHECK_FALSE(Decimal::parse("1e99999999999"));
  CHECK_FALSE(Decimal::parse(std::string(20'000, '1')));
  CHECK(Decimal::of(Json(0.1)) == decimal("0.1"));
}
