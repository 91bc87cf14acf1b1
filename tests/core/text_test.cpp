#include <orkestra/core/numbers.h>
#include <orkestra/core/text.h>
#include <orkestra/core/words.h>
#include <orkestra/tests/catch.h>

#include <random>
#include <string>
#include <vector>

namespace {

using namespace orkestra;

std::vector<std::string> keys(std::string_view text) {
  std::vector<std::string> out;
  for (const auto& word : words_only(text)) out.push_back(word.key);
  return out;
}

using Keys = std::vector<std::string>;

TEST_CASE("UTF-8 is checked") {
  CHECK(valid_utf8("Grüße, 日本"));
  CHECK(valid_utf8(""));
  CHECK_FALSE(valid_utf8("ab\xff"));
  CHECK_FALSE(valid_utf8("\xc3"));
  CHECK_FALSE(valid_utf8("\xed\xa0\x80"));  // a surrogate
  CHECK_FALSE(valid_utf8("\xc0\xaf"));      // overlong
}

TEST_CASE("folding makes case and composition equal, nothing else") {
  CHECK(fold("ÄRGER") == fold("ärger"));
  CHECK(fold("Jose\u0301") == fold("José"));
  CHECK(fold("Müller") != fold("Muller"));
  CHECK(fold("m\u00b2") != fold("m2"));
  CHECK(fold("so\u00adft") == "soft");
  CHECK(fold("a\xff") != fold("a\xfe"));
  CHECK(fold(std::string("a\0B", 3)) != fold("a"));
}

TEST_CASE("stems join derivations, singular only inflection") {
  CHECK(stem("manager") == stem("manages"));
  CHECK(singular("manages") != singular("manager"));
  CHECK(singular("orders") == "order");
  CHECK(singular("companies") == "company");
  CHECK(singular("boxes") == "box");
  CHECK(singular("address") == "address");
  CHECK(singular("status") == "status");
}

TEST_CASE("numbers written in many ways are one exact value") {
  const auto value = [](std::string_view text) {
    const auto number = parse_number(text);
    return number ? number->decimal + (number->unit.empty() ? "" : "|" + number->unit) : "none";
  };
  CHECK(value("4,211.50") == "4211.5");
  CHECK(value("4211.5") == "4211.5");
  CHECK(value("4.211,50") == "4211.5");
  CHECK(value("1.234.567") == "1234567");
  CHECK(value("-0") == "0");
  CHECK(value("0.10") == "0.1");
  CHECK(value(".5") == "0.5");
  CHECK(value("\u22125") == "-5");
  CHECK(value("-$5.00") == "-5|$");
  CHECK(value("$-5") == "-5|$");
  CHECK(value("12%") == "12|%");
  CHECK(value("5kg") == "5|kg");
  CHECK(value("10k") == "10000");
  CHECK(value("1.5bn") == "1500000000");
  CHECK(value("900719925474099301") == "900719925474099301");
  for (const auto* text : {"", "-", "1,23", "12,34,567", "007", "1.2.3", "5.", "1e5", "3rd", "5%x",
                           "$5kg", "--5", "4,2115"}) {
    CAPTURE(text);
    CHECK(value(text) == "none");
  }
  CHECK(value(std::string(61, '9')) == "none");
  CHECK(scaled("1.2345", 3) == "1234.5");
  CHECK(scaled("-0.001", 2) == "-0.1");
}

TEST_CASE("words are comparable whatever their form") {
  CHECK(keys("The balance is $4,211.50.") == Keys{"the", "balance", "is", "4211.5", "usd"});
  CHECK(keys("4211.5 dollars") == keys("$4,211.50"));
  CHECK(keys("USD 4211.5") == keys("$4,211.50"));
  CHECK(keys("1.2 million") == Keys{"1200000"});
  CHECK(keys("$1.2 million") == Keys{"1200000", "usd"});
  CHECK(keys("two hundred thousand") == Keys{"200000"});
  CHECK(keys("twenty-one days") == keys("21 days"));
  CHECK(keys("12 percent") == keys("12%"));
  CHECK(keys("12 per cent") == keys("12%"));
  CHECK(keys("5kg") == keys("5 kilograms"));
  CHECK(keys("a 30-day period") == Keys{"a", "30", "day", "period"});
  CHECK(keys("it isn't, can't, won't") == Keys{"it", "is", "not", "can", "not", "will", "not"});
  CHECK(keys("It’s Anna’s") == Keys{"it", "is", "anna", "'s"});
  CHECK(keys("AB-1234's") == Keys{"ab-1234", "'s"});
  CHECK(keys("O'Brien") == Keys{"o'brien"});
  CHECK(keys("(AB-1234), \"v2.1\"; 007") == Keys{"ab-1234", "v2.1", "007"});
  CHECK(keys("write to a.b@c.org.") == Keys{"write", "to", "a.b@c.org"});
  CHECK(keys("10–20 and 10-20") == Keys{"10", "to", "20", "and", "10", "to", "20"});
  CHECK(keys("non-refundable") == Keys{"non", "refundable"});
  CHECK(keys("**4,211.50**") == Keys{"4211.5"});
  CHECK(keys("-5") != keys("5"));
  CHECK(keys("+5") != keys("5"));
  CHECK(keys("< 5") != keys("5"));
  CHECK(keys("❌ paid") != keys("paid"));
  CHECK(keys("C++") != keys("C"));
  CHECK(keys("5 MW") != keys("5 mW"));
  CHECK(keys("1, 2") == Keys{"1", "2"});
}

TEST_CASE("dates and times are comparable whatever their form") {
  for (const auto* text : {"2024-05-03", "3 May 2024", "May 3, 2024", "3rd of May 2024",
                           "May 3rd, 2024", "03 May 2024"}) {
    CAPTURE(text);
    CHECK(keys(text) == Keys{"2024-05-03"});
  }
  CHECK(keys("May 2024") == Keys{"2024-05"});
  CHECK(keys("on 3 May") == Keys{"on", "--05-03"});
  CHECK(keys("you may 3") == Keys{"you", "may", "3"});
  CHECK(keys("9 am") == keys("09:00"));
  CHECK(keys("5:30 p.m.") == keys("17:30"));
  CHECK(keys("5pm") == keys("17:00"));
  CHECK(keys("12 am") == Keys{"0:00"});
  CHECK(keys("9 am") != keys("9 pm"));
}

TEST_CASE("words know where they stand") {
  const std::string text = "Ärger: 1.2 million, isn't";
  for (const auto& word : words(text)) {
    CAPTURE(word.key);
    REQUIRE(word.begin < word.end);
    REQUIRE(word.end <= text.size());
  }
  const auto found = words_only(text);
  REQUIRE(found.size() == 4);
  CHECK(text.substr(found[1].begin, found[1].end - found[1].begin) == "1.2 million");
  CHECK(found[0].capital);
}

TEST_CASE("identifiers become words") {
  const auto as_words = [](std::string_view text) {
    Keys out;
    for (const auto& word : identifier_words(text)) out.push_back(word.key);
    return out;
  };
  CHECK(as_words("unitPrice") == Keys{"unit", "price"});
  CHECK(as_words("get_customer-balance") == Keys{"get", "customer", "balance"});
  CHECK(as_words("count(*)") == Keys{"count"});
}

TEST_CASE("any bytes become words in bounded time") {
  std::mt19937 random(7);
  static constexpr std::string_view kAlphabet =
      "ab M1234567890.,-+$%:'\"/()[]\xe2\x80\x93\xff\xc3\xa9 \n";
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    const std::size_t size = random() % 60;
    for (std::size_t i = 0; i < size; ++i) {
      text +=
          round % 2 ? static_cast<char>(random() & 0xFFU) : kAlphabet[random() % kAlphabet.size()];
    }
    std::size_t last = 0;
    for (const auto& word : words(text)) {
      REQUIRE(word.begin >= last);
      REQUIRE(word.end <= text.size());
      REQUIRE_FALSE(word.key.empty());
      last = word.begin;
    }
  }
  std::string dates;
  while (dates.size() < 400'000) dates += "3 May 2024 1.2 million ";
  CHECK(words(dates).size() > 10'000);
}

}  // namespace
