#include <orkestra/tests/catch.h>
#include <orkestra/tools/calculator.h>
#include <orkestra/tools/rational.h>

#include <chrono>
#include <optional>
#include <random>

using namespace orkestra;
using tools::calculate;
using tools::Integer;
using tools::Rational;

namespace {

std::optional<Error> error_of(const std::string& expression) {
  try {
    calculate(expression);
  } catch (const Error& e) {
    return e;
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("exact results are exact") {
  const std::pair<const char*, const char*> cases[] = {
      {"1+2*3", "7"},
      {"(1+2)*3", "9"},
      {"0.1+0.2", "0.3"},
      {"1/8", "0.125"},
      {"-2^2", "-4"},
      {"(-2)^2", "4"},
      {"2^3^2", "512"},
      {"2^-3", "0.125"},
      {"2^10-2^-1", "1023.5"},
      {"--3", "3"},
      {"-+-3", "3"},
      {"2*-3", "-6"},
      {"7-2-1", "4"},
      {"8/4/2", "1"},
      {"10%3", "1"},
      {"-7 % 3", "2"},
      {"7.5 % 2", "1.5"},
      {"15%", "0.15"},
      {"200*15%", "30"},
      {"50% + 1", "1.5"},
      {"(5%)", "0.05"},
      {"1,234,567.89 + 1", "1234568.89"},
      {"1,234 * 2", "2468"},
      {"max(1,234)", "234"},
      {"max(1,(2,345))", "expected an operator or )"},
      {"min(3, -2, 5)", "-2"},
      {"max(3; -2; 5)", "5"},
      {"abs(-3.5)", "3.5"},
      {"round(2.5)", "3"},
      {"round(-2.5)", "-3"},
      {"round(1234.5678, 2)", "1234.57"},
      {"round(1234.5678, -2)", "1200"},
      {"sqrt(144)", "12"},
      {"sqrt(2.25)", "1.5"},
      {"sqrt(0)", "0"},
      {".5 + 5.", "5.5"},
      {"007", "7"},
      {"0^0", "1"},
      {"0^5", "0"},
      {"1^999999999999999999999", "1"},
      {"(-1)^999999999999999999999", "-1"},
      {"99999999999999999999 * 99999999999999999999", "9999999999999999999800000000000000000001"},
      {"12 \xC3\x97 3 \xC3\xB7 4 \xE2\x88\x92 1", "8"},
      {" \t1 \n+\r 1 ", "2"},
      {"0.000001", "0.000001"},
      {"1000000", "1000000"},
      {"-0", "0"},
  };
  for (const auto& [expression, value] : cases) {
    INFO(expression);
    if (const auto error = error_of(expression)) {
      CHECK(error->message().find(value) != std::string::npos);
      continue;
    }
    CHECK(calculate(expression).decimal == value);
    CHECK(calculate(expression).exact);
  }
}

TEST_CASE("signs may be written as words") {
  CHECK(calculate("17 times 23").decimal == "391");
  CHECK(calculate("17 x 23").decimal == "391");
  CHECK(calculate("17x23").decimal == "391");
  CHECK(calculate("2 plus 3 times 4 minus 1").decimal == "13");
  CHECK(calculate("9 divided by 2").decimal == "4.5");
  CHECK(calculate("max(2, 3) multiplied by 2").decimal == "6");
  CHECK(calculate("Multiply 17 by 23").decimal == "391");
  CHECK(calculate("divide 9 by 2").decimal == "4.5");
  CHECK(calculate("add 2 and 3").decimal == "5");
  CHECK(calculate("add 2 to 3").decimal == "5");
  CHECK(calculate("subtract 2 from 3").decimal == "1");
  CHECK_THROWS_AS(calculate("subtract 2 by 3"), Error);
  CHECK_THROWS_AS(calculate("divide 2 by 0"), Error);
  CHECK_THROWS_AS(calculate("multiply 2"), Error);
  CHECK_THROWS_AS(calculate("multiply"), Error);
  CHECK_THROWS_AS(calculate("17 xy 23"), Error);
  CHECK_THROWS_AS(calculate("17 timeses 23"), Error);
  CHECK_THROWS_AS(calculate("times 23"), Error);
}

TEST_CASE("what has no finite decimal is rounded to 20 digits and marked") {
  const std::pair<const char*, const char*> cases[] = {
      {"1/3", "0.33333333333333333333"},
      {"2/3", "0.66666666666666666667"},
      {"-2/3", "-0.66666666666666666667"},
      {"20000/3", "6666.6666666666666667"},
      {"1/30000", "0.000033333333333333333333"},
      {"10^30/7", "142857142857142857140000000000"},
      {"sqrt(2)", "1.4142135623730950488"},
      {"sqrt(200000000000000000000000000000)", "447213595499957.93928"},
      {"sqrt(0.00000000002)", "0.0000044721359549995793928"},
      {"2^-100", "0.00000000000000000000000000000078886090522101180541"},
  };
  for (const auto& [expression, value] : cases) {
    INFO(expression);
    const tools::CalculatorResult result = calculate(expression);
    CHECK(result.decimal == value);
    CHECK_FALSE(result.exact);
  }
  CHECK(calculate("1/3*3").exact);
  CHECK_FALSE(calculate("sqrt(2)*0 + 1").exact);
}

TEST_CASE("what is wrong is said, with its place") {
  const std::pair<const char*, const char*> cases[] = {
      {"", "at character 1: expected a number, a sign, a function or (, but the expression ends"},
      {"1+", "at character 3: expected a number, a sign, a function or (, but the expression ends"},
      {"(1", "at character 3: expected an operator or ), but the expression ends"},
      {"1)", "at character 2: expected an operator or the end"},
      {"1 2", "at character 3: expected an operator or the end"},
      {"2y", "at character 2: expected an operator after the number"},
      {"1.2.3", "at character 4: expected an operator after the number"},
      {"1e5", "at character 2: expected an operator after the number"},
      {"1,23", "at character 2: expected an operator or the end"},
      {"12345,678", "at character 6: expected an operator or the end"},
      {"1/0", "at character 2: division by zero"},
      {"5%(1-1)", "at character 2: division by zero"},
      {"0^-1", "at character 2: 0 has no negative power"},
      {"2^0.5", "at character 2: the exponent must be a whole number; for square roots use sqrt"},
      {"2**3", "at character 2: for powers write ^ instead of **"},
      {"sqrt(-1)", "at character 1: a negative number has no square root"},
      {"sqrt(1,2)", "at character 1: sqrt takes one number"},
      {"log(2)", "at character 1: there is no function \"log\""},
      {"balance * 2", "at character 1: \"balance\" is not a number"},
      {"round(1, 1.5)", "at character 1: round takes"},
      {"round(1, 10^30)", "at character 1: round takes"},
      {"min()", "at character 5: expected"},
      {"1 $ 2", "at character 3: expected an operator or the end"},
  };
  for (const auto& [expression, message] : cases) {
    INFO(expression);
    const auto error = error_of(expression);
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kInvalid);
    CHECK(error->message().find(message) == 0);
  }
  CHECK(error_of(std::string("1\0+1", 4)).has_value());
}

TEST_CASE("size is bounded before anything large is computed") {
  const auto start = std::chrono::steady_clock::now();
  const std::string deep(2000, '(');
  std::string towers = "9";
  for (int i = 0; i < 30; ++i) towers += "^9";
  std::string product = "9";
  for (int i = 0; i < 1300; ++i) product += "*7";
  std::string primes = "1";
  for (int i = 3; i < 700; i += 2) primes += "+1/" + std::to_string(i);
  for (const std::string& expression : std::vector<std::string>{
           std::string("9^99999999"), std::string("9^9^9^9"), towers, std::string("10^4097"),
           std::string("(1/7)^99999"), deep, std::string(2000, '-') + "1", std::string(5000, '1'),
           "(10^4000)*(10^4000)"}) {
    INFO(expression.substr(0, 60));
    const auto error = error_of(expression);
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kExhausted);
  }
  CHECK(calculate("10^4000").decimal.size() == 4001);
  CHECK(calculate(product).exact);
  CHECK_FALSE(calculate(primes).exact);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

namespace {

// A random expression as text together with its value, computed beside the calculator.
struct Expression {
  std::string text;
  Rational value;
};

class Expressions {
 public:
  explicit Expressions(unsigned seed) : random_(seed) {}

  // Fully bracketed with random spaces; never a division by zero.
  Expression make(int depth) {
    const int kind = depth == 0 ? 0 : pick(8);
    if (kind <= 1) return number();
    Expression a = make(depth - 1);
    if (kind == 2) return {"-(" + a.text + ")", Rational(-a.value)};
    Expression b = make(depth - 1);
    const auto joined = [&](const char* sign) {
      return "(" + a.text + space() + sign + space() + b.text + ")";
    };
    if (kind == 3) return {joined("+"), Rational(a.value + b.value)};
    if (kind == 4) return {joined("-"), Rational(a.value - b.value)};
    if (kind == 5) return {joined("*"), Rational(a.value * b.value)};
    if (kind == 6 && b.value != 0) return {joined("/"), Rational(a.value / b.value)};
    return {"max(" + a.text + "," + space() + b.text + ")", std::max(a.value, b.value)};
  }

  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

 private:
  Expression number() {
    const int whole = pick(1000), hundredths = pick(100);
    if (pick(2) == 0) return {std::to_string(whole), Rational(whole)};
    const std::string digits = std::to_string(100 + hundredths).substr(1);
    return {std::to_string(whole) + "." + digits, Rational(whole * 100 + hundredths, 100)};
  }
  std::string space() { return pick(3) == 0 ? " " : ""; }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("random expressions agree with values computed beside them") {
  Expressions expressions(11);
  int exact = 0;
  for (int i = 0; i < 3000; ++i) {
    const Expression e = expressions.make(5);
    INFO(e.text);
    const tools::CalculatorResult result = calculate(e.text);
    // The decimal, read back digit by digit.
    std::string digits = result.decimal;
    const std::size_t point = digits.find('.');
    const std::size_t places = point == std::string::npos ? 0 : digits.size() - point - 1;
    if (places) digits.erase(point, 1);
    const bool negative = digits[0] == '-';
    if (negative) digits.erase(0, 1);
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
    Rational read(Integer(digits), Integer(pow(Integer(10), static_cast<unsigned>(places))));
    if (negative) read = -read;
    if (result.exact) {
      ++exact;
      CHECK(read == e.value);
    } else {
      const Rational off = abs(Rational(read - e.value));
      CHECK(off * Integer(pow(Integer(10), 19)) <= abs(e.value));
      CHECK(off != 0);
    }
  }
  CHECK(exact > 1000);
  CHECK(exact < 3000);
}

TEST_CASE("precedence agrees with the same expression in brackets") {
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string flat = std::to_string(random() % 50 + 1);
    std::vector<std::string> terms = {flat};
    std::string sum;
    for (auto n = random() % 8; n > 0; --n) {
      const char sign = "+-*/"[random() % 4];
      const std::string number = std::to_string(random() % 50 + 1);
      flat += sign + number;
      if (sign == '+' || sign == '-') {
        sum += "(" + terms.back() + ")" + sign;
        terms.back() = number;
      } else {
        terms.back() = "(" + terms.back() + ")" + sign + number;
      }
    }
    // a+b-c reads from the left: ((a)+(b))-(c) is what + and - alone give.
    sum += "(" + terms.back() + ")";
    INFO(flat << " and " << sum);
    CHECK(calculate(flat).decimal == calculate(sum).decimal);
  }
}

TEST_CASE("random bytes never crash the calculator") {
  std::mt19937 random(5);
  const std::string alphabet = "0123456789.,+-*/%^() minaxsqrtboud\xC3\x97;e";
  int valid = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (auto n = random() % 24; n > 0; --n) {
      text +=
          random() % 50 == 0 ? static_cast<char>(random()) : alphabet[random() % alphabet.size()];
    }
    if (!error_of(text)) ++valid;
  }
  CHECK(valid > 100);
}

TEST_CASE("the calculator is a tool") {
  const auto tool = tools::make_calculator_tool();
  const ToolResult result =
      tool->run({"c", "calculator", Json{{"expression", "4211.5 * 2"}}}, Limits{});
  REQUIRE(result.ok);
  CHECK(result.value == Json{{"result", "8423"}});
  CHECK(result.origin.kind == Origin::Kind::kTool);
  CHECK(tool->run({"c", "calculator", Json{{"expression", "1/3"}}}, Limits{}).value.at("exact") ==
        false);
}
