#include <orkestra/tools/calculator.h>

#include <orkestra/tools/rational.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace orkestra::tools {
namespace {

constexpr std::size_t kMaxBytes = 4096;
constexpr int kMaxDepth = 64;
constexpr int kSignificantDigits = 20;
constexpr int kMaxRoundDigits = 64;

// Signs that people and models write for the ASCII ones.
constexpr std::pair<std::string_view, char> kSigns[] = {
    {"\xC3\x97", '*'},      // multiplication sign
    {"\xC3\xB7", '/'},      // division sign
    {"\xC2\xB7", '*'},      // middle dot
    {"\xE2\x88\x92", '-'},  // minus sign
    {"\xC2\xA0", ' '},      // no-break space
};

// Words that people write for them, between operands.
constexpr std::pair<std::string_view, char> kSignWords[] = {
    {"times", '*'}, {"multiplied by", '*'}, {"x", '*'},
    {"plus", '+'},  {"divided by", '/'},    {"minus", '-'},
};

// "multiply A by B": what joins the two, and the sign between them; of "subtract" the second comes
// first.
struct Order {
  std::string_view verb, joined;
  char sign;
};
constexpr Order kOrders[] = {
    {"multiply", "by", '*'}, {"divide", "by", '/'},     {"add", "and", '+'},
    {"add", "to", '+'},      {"subtract", "from", '-'},
};

// What of a request is an expression: figures with signs between them.
constexpr const char* kExpression =
    R"((([Mm]ultiply|[Dd]ivide|[Aa]dd|[Ss]ubtract) [0-9]+([.,][0-9]+)* (by|and|to|from) [0-9]+([.,][0-9]+)*)|)"
    R"([(\-]*[0-9]+([.,][0-9]+)*%?[)]*(\s*([-+*/^×÷·−]|x|times|plus|minus|multiplied by|divided by))"
    R"(\s*[(\-]*[0-9]+([.,][0-9]+)*%?[)]*)+)";

// A Pratt parser: one function reads an operand and then every operator that binds tighter than
// `minimum`. It computes as it reads.
class Calculation {
 public:
  explicit Calculation(std::string_view text) : text_(text) {}

  CalculatorResult run() {
    if (text_.size() > kMaxBytes) {
      throw Error(ErrorCode::kExhausted, "the expression is longer than 4096 characters");
    }
    const Rational value = expression(0);
    if (peek() != '\0') throw expected("an operator or the end");
    CalculatorResult result;
    result.exact = exact_;
    result.decimal = to_decimal(value, kSignificantDigits, result.exact);
    return result;
  }

 private:
  // Of binary operators; a sign before an operand binds like '*', below '^': -2^2 = -4.
  static constexpr int kSum = 1, kProduct = 2, kPower = 3;

  Rational expression(int minimum) {
    const Depth depth(*this);
    Rational left = operand();
    for (;;) {
      const char sign = peek();
      if ((sign == '+' || sign == '-') && minimum <= kSum) {
        advance();
        const Rational right = expression(kSum + 1);
        left = bounded(sign == '+' ? Rational(left + right) : Rational(left - right));
      } else if ((sign == '*' || sign == '/') && minimum <= kProduct) {
        const std::size_t at = advance();
        if (sign == '*' && raw(0) == '*') {
          throw error_at(at, "for powers write ^ instead of **");
        }
        const Rational right = expression(kProduct + 1);
        if (sign == '/' && right == 0) throw error_at(at, "division by zero");
        left = bounded(sign == '*' ? Rational(left * right) : Rational(left / right));
      } else if (sign == '%' && starts_operand_after_percent()) {
        if (minimum > kProduct) return left;
        const std::size_t at = advance();
        const Rational right = expression(kProduct + 1);
        if (right == 0) throw error_at(at, "division by zero");
        left = bounded(Rational(left - right * Rational(floor(Rational(left / right)))));
      } else if (sign == '%') {
        advance();
        left = bounded(Rational(left / 100));
      } else if (sign == '^' && minimum <= kPower) {
        const std::size_t at = advance();
        // Binds to the right: 2^3^2 = 2^9.
        const Rational exponent = expression(kPower);
        if (denominator(exponent) != 1) {
          throw error_at(at, "the exponent must be a whole number; for square roots use sqrt");
        }
        left = at_place(at, [&] { return power(left, numerator(exponent)); });
      } else {
        return left;
      }
    }
  }

  Rational operand() {
    const char c = peek();
    if (c == '(') {
      advance();
      Rational value = expression(0);
      close();
      return value;
    }
    if (c == '-' || c == '+') {
      advance();
      const Rational value = expression(kProduct + 1);
      return c == '-' ? Rational(-value) : value;
    }
    if (is_digit(c) || c == '.') return number();
    if (is_letter(c)) return call();
    throw expected("a number, a sign, a function or (");
  }

  // Digits with an optional fraction; commas only between groups of three: 1,234,567.89. Between
  // the arguments of a function a comma separates them: max(1,234) is 234.
  Rational number() {
    const std::size_t start = at_;
    std::string whole = digits();
    if (calls_ == 0 && !whole.empty() && whole.size() <= 3 && raw(0) == ',' && group_follows()) {
      while (raw(0) == ',' && group_follows()) {
        ++at_;
        whole += digits();
      }
    }
    std::string fraction;
    if (raw(0) == '.') {
      ++at_;
      fraction = digits();
      if (whole.empty() && fraction.empty()) throw error_at(start, "expected a digit");
    }
    const bool joined = is_letter(raw(0)) && is_letter(sign_at(at_).first);
    if (joined || raw(0) == '.') throw expected("an operator after the number");
    if (whole.size() + fraction.size() > kMaxDigits) {
      throw Error(ErrorCode::kExhausted, "a number has more than 4096 digits");
    }
    const std::size_t places = fraction.size();
    std::string all = whole + fraction;
    // A leading zero would make it octal.
    all.erase(0, std::min(all.find_first_not_of('0'), all.size() - 1));
    return {Integer(all), boost::multiprecision::pow(Integer(10), static_cast<unsigned>(places))};
  }

  Rational call() {
    const std::size_t start = at_;
    std::string name;
    while (is_letter(raw(0))) name += text_[at_++];
    if (const auto told = order(name)) return *told;
    if (peek() != '(') {
      throw error_at(start, "\"" + name +
                                "\" is not a number; only numbers, + - * / % ^ ( ) and "
                                "min, max, abs, round, sqrt are known");
    }
    advance();
    std::vector<Rational> values;
    ++calls_;
    do {
      if (!values.empty()) advance();
      values.push_back(expression(0));
    } while (peek() == ',' || peek() == ';');
    --calls_;
    close();
    return at_place(start, [&] { return apply(name, values); });
  }

  // The value of "multiply A by B", behind its verb; nothing for any other word.
  std::optional<Rational> order(const std::string& name) {
    const auto is_verb = [&](const Order& order) {
      return name.substr(1) == order.verb.substr(1) && (name[0] | 0x20) == order.verb[0];
    };
    if (std::none_of(std::begin(kOrders), std::end(kOrders), is_verb)) return std::nullopt;
    const Rational first = expression(kSum);
    peek();
    const std::size_t at = at_;
    std::string joined;
    while (is_letter(raw(0))) joined += text_[at_++];
    for (const Order& order : kOrders) {
      if (!is_verb(order) || joined != order.joined) continue;
      const Rational second = expression(kSum);
      if (order.sign == '+') return bounded(Rational(first + second));
      if (order.sign == '-') return bounded(Rational(second - first));
      if (order.sign == '*') return bounded(Rational(first * second));
      if (second == 0) throw error_at(at, "division by zero");
      return bounded(Rational(first / second));
    }
    throw error_at(at, "expected by, and, to or from, as in multiply 2 by 3");
  }

  Rational apply(const std::string& name, const std::vector<Rational>& values) {
    const auto takes = [&](bool right, const char* what) {
      if (!right) throw Error(ErrorCode::kInvalid, name + " takes " + what);
    };
    if (name == "min") return *std::min_element(values.begin(), values.end());
    if (name == "max") return *std::max_element(values.begin(), values.end());
    if (name == "abs") {
      takes(values.size() == 1, "one number");
      return abs(values[0]);
    }
    if (name == "sqrt") {
      takes(values.size() == 1, "one number");
      return square_root(values[0], exact_);
    }
    if (name == "round") {
      const bool right = values.size() == 1 || (values.size() == 2 && denominator(values[1]) == 1 &&
                                                abs(values[1]) <= kMaxRoundDigits);
      takes(right, "a number and, if wanted, a whole number of decimal places up to 64");
      return bounded(
          round_to(values[0], values.size() == 1 ? 0 : numerator(values[1]).convert_to<int>()));
    }
    throw Error(ErrorCode::kInvalid,
                "there is no function \"" + name + "\"; there are min, max, abs, round, sqrt");
  }

  // A % with an operand behind it is the remainder, else it is percent: 10 % 3, 50% + 1, (5%).
  bool starts_operand_after_percent() const {
    std::size_t at = at_ + 1;
    while (at < text_.size() && is_space(text_[at])) ++at;
    return at < text_.size() &&
           (is_digit(text_[at]) || text_[at] == '.' || text_[at] == '(' || is_letter(text_[at]));
  }

  bool group_follows() const {
    for (std::size_t i = 1; i <= 3; ++i) {
      if (!is_digit(raw(i))) return false;
    }
    return !is_digit(raw(4));
  }

  std::string digits() {
    const std::size_t start = at_;
    while (is_digit(raw(0))) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  void close() {
    if (peek() != ')') throw expected("an operator or )");
    advance();
  }

  // The next character that is not white space, one of kSigns as its ASCII sign; NUL at the end.
  char peek() {
    while (at_ < text_.size()) {
      const char c = sign_at(at_).first;
      if (!is_space(c)) return c;
      at_ += sign_at(at_).second;
    }
    return '\0';
  }

  // Steps over what peek() showed; returns where it was.
  std::size_t advance() {
    const std::size_t was = at_;
    at_ += sign_at(at_).second;
    return was;
  }

  std::pair<char, std::size_t> sign_at(std::size_t at) const {
    for (const auto& [sign, ascii] : kSigns) {
      if (text_.substr(at).starts_with(sign)) return {ascii, sign.size()};
    }
    for (const auto& [word, ascii] : kSignWords) {
      const std::size_t end = at + word.size();
      const bool whole =
          (at == 0 || !is_letter(text_[at - 1])) && (end >= text_.size() || !is_letter(text_[end]));
      if (whole && text_.substr(at).starts_with(word)) return {ascii, word.size()};
    }
    // A NUL in the text must not look like its end.
    return {text_[at] == '\0' ? '\1' : text_[at], 1};
  }

  char raw(std::size_t ahead) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  static Error error_at(std::size_t at, const std::string& what) {
    return {ErrorCode::kInvalid, "at character " + std::to_string(at + 1) + ": " + what};
  }

  Error expected(const std::string& what) {
    const bool end = peek() == '\0';
    return error_at(at_, "expected " + what + (end ? ", but the expression ends" : ""));
  }

  // Adds the place to an Error that knows none.
  template <typename Compute>
  Rational at_place(std::size_t at, Compute compute) {
    try {
      return compute();
    } catch (const Error& e) {
      throw Error(e.code(), error_at(at, e.message()).message());
    }
  }

  struct Depth {
    explicit Depth(Calculation& of) : calculation(of) {
      if (++calculation.depth_ > kMaxDepth) {
        throw Error(ErrorCode::kExhausted, "the expression is nested deeper than 64 levels");
      }
    }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    ~Depth() { --calculation.depth_; }
    Calculation& calculation;
  };

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int calls_ = 0;  // function calls around the place that is read
  bool exact_ = true;
};

class CalculatorTool final : public Tool {
 public:
  CalculatorTool() {
    spec_.name = "calculator";
    spec_.description = "Evaluate an arithmetic expression.";
    spec_.parameters =
        Json{{"type", "object"},
             {"properties", {{"expression", {{"type", "string"}, {"x-span", kExpression}}}}},
             {"required", Json::array({"expression"})},
             {"additionalProperties", false}};
  }

  const ToolSpec& spec() const override { return spec_; }

  ToolResult run(const ToolCall& call, const Limits&) override {
    const CalculatorResult result = calculate(call.arguments.at("expression").get<std::string>());
    Json value = {{"result", result.decimal}};
    if (!result.exact) value["exact"] = false;
    return ToolResult::success(std::move(value),
                               {.kind = Origin::Kind::kTool,
                                .locator = spec_.name,
                                .detail = Json{{"arguments", call.arguments}}},
                               {Integrity::kTrusted, Confidentiality::kPrivate});
  }

 private:
  ToolSpec spec_;
};

}  // namespace

CalculatorResult calculate(std::string_view expression) { return Calculation(expression).run(); }

std::unique_ptr<Tool> make_calculator_tool() { return std::make_unique<CalculatorTool>(); }

}  // namespace orkestra::tools
