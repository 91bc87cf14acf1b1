#include <orkestra/core/error.h>
#include <orkestra/core/json_schema.h>
#include <orkestra/model/text/constraint/constraint_automaton.h>
#include <orkestra/tests/catch.h>

#include <set>

namespace orkestra::model {
namespace {

bool allows(const Constraint& constraint, std::string_view text) {
  ConstraintMatcher matcher(ConstraintAutomaton::compile(constraint));
  return matcher.accept(text) && matcher.complete();
}

struct Table {
  const char* schema;
  std::vector<std::string> accepted;
  std::vector<std::string> rejected;
};

void check(const std::vector<Table>& tables, const std::vector<SpanSource>& sources = {}) {
  for (const Table& table : tables) {
    const Constraint constraint = Constraint::json_schema(Json::parse(table.schema), sources);
    for (const std::string& text : table.accepted) {
      INFO(table.schema << "  should accept  " << text);
      CHECK(allows(constraint, text));
    }
    for (const std::string& text : table.rejected) {
      INFO(table.schema << "  should reject  " << text);
      CHECK_FALSE(allows(constraint, text));
    }
  }
}

TEST_CASE("constraint: strings are well-formed JSON and UTF-8") {
  check({{R"({"type":"string"})",
          {R"("")", R"("a b")", R"("\n\"\\\/\u00e9")", R"("\ud83d\ude00")", "\"\xC3\xA9\"",
           "\"\xF0\x9F\x98\x80\"", "\"\x7F\""},
          {"", "\"", "a", "\"a", "\"a\"b", "\"\n\"", R"("\x")", R"("\u12")", R"("\ud83d")",
           R"("\ude00")", R"("\ud83d\u0041")", "\"\xC3\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"",
           "\"\xF5\x80\x80\x80\"", "\"\xFF\"", " \"a\"", "\"a\" "}},
         {R"({"type":"string","minLength":1,"maxLength":3})",
          {R"("a")", "\"\xC3\xA9\xC3\xA9\xC3\xA9\"", R"("\n\n\n")", R"("\ud83d\ude00ab")"},
          {R"("")", R"("abcd")", "\"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\""}},
         {R"({"type":"string","minLength":2})", {R"("ab")", R"("abcdef")"}, {R"("a")"}}});
}

TEST_CASE("constraint: numbers") {
  check({{R"({"type":"integer"})",
          {"0", "-1", "42", "999999999999999999"},
          {"", "-", "01", "-0", "1.0", "1e3", "+1", "1234567890123456789", "\"1\""}},
         {R"({"type":"number"})",
          {"0", "-0", "0.5", "-12.25", "1e5", "1.5E-3"},
          {"", ".5", "1.", "01", "1e", "--1", "NaN", "1,000"}},
         {R"({"type":"integer","minimum":-5,"maximum":123})",
          {"-5", "-1", "0", "9", "10", "99", "100", "119", "123"},
          {"-6", "-10", "124", "130", "200", "1000", "00", "-0"}},
         {R"({"type":"integer","exclusiveMinimum":17,"exclusiveMaximum":305})",
          {"18", "20", "99", "100", "299", "300", "304"},
          {"17", "1", "2", "305", "310", "-18"}},
         {R"({"type":"integer","minimum":1})", {"1", "10", "999999"}, {"0", "-1"}},
         {R"({"type":"integer","maximum":-3})", {"-3", "-10", "-999"}, {"-2", "0", "3"}},
         {R"({"type":"integer","minimum":0.5,"maximum":2.5})", {"1", "2"}, {"0", "3"}},
         {R"({"type":"number","minimum":0,"maximum":1})",
          {"0", "0.0", "0.999", "1", "1.0", "1.000"},
          {"-0.1", "1.1", "1.0001", "2"}},
         {R"({"type":"number","exclusiveMinimum":0})", {"0.1", "0.001", "5"}, {"0", "0.0", "-1"}},
         {R"({"type":"number","minimum":-2,"exclusiveMaximum":3})",
          {"-2", "-2.0", "-1.5", "-0.5", "0", "2.999"},
          {"-2.1", "-3", "3", "3.0", "3.5"}}});
}

TEST_CASE("constraint: integers in ranges, all of them") {
  for (const auto& [low, high] : std::vector<std::pair<int, int>>{
           {-120, 135}, {0, 9}, {7, 7}, {98, 102}, {-10, -1}, {-1000, -998}, {199, 1001}}) {
    const Json schema{{"type", "integer"}, {"minimum", low}, {"maximum", high}};
    const auto automaton = ConstraintAutomaton::compile(Constraint::json_schema(schema));
    for (int n = -1100; n <= 1100; ++n) {
      ConstraintMatcher matcher(automaton);
      const bool allowed = matcher.accept(std::to_string(n)) && matcher.complete();
      INFO(n << " in " << low << ".." << high);
      REQUIRE(allowed == (n >= low && n <= high));
    }
  }
}

TEST_CASE("constraint: objects") {
  check({{R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"boolean"},
              "c":{"type":"null"}},"required":["b"]})",
          {R"({"b":true})", R"({"a":1,"b":false})", R"({"b":true,"c":null})",
           R"({"a":1,"b":true,"c":null})"},
          {R"({})", R"({"a":1})", R"({"b":true,"a":1})", R"({"b":true,})", R"({,"b":true})",
           R"({"b":true,"d":1})", R"({"b": true})", R"({"b":true)", R"({"b":1})"}},
         {R"({"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"}}})",
          {"{}", R"({"a":null})", R"({"b":null})", R"({"a":null,"b":null})"},
          {"{,}", R"({"b":null,"a":null})"}},
         {R"({"type":"object","additionalProperties":false})", {"{}"}, {R"({"a":1})"}},
         {R"({"type":"object"})", {"{}", R"({"x":[1,{"y":"z"}],"w":null})"}, {"[]", "{x:1}"}},
         {R"({"type":"object","additionalProperties":{"type":"integer"}})",
          {"{}", R"({"x":1,"y":2})"},
          {R"({"x":"a"})"}},
         {R"({"type":"object","required":["q"]})", {R"({"q":[1]})"}, {"{}"}},
         {R"({"type":"object","properties":{"a/~\"":{"const":1}},"required":["a/~\""]})",
          {R"({"a/~\"":1})"},
          {"{}"}}});
}

TEST_CASE("constraint: arrays, choices and alternatives") {
  check({{R"({"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3})",
          {"[1]", "[1,2]", "[1,2,3]"},
          {"[]", "[1,2,3,4]", "[1,]", "[,1]", "[\"a\"]"}},
         {R"({"type":"array","items":{"type":"null"},"maxItems":0})", {"[]"}, {"[null]"}},
         {R"({"type":"array","items":{"type":"null"},"minItems":2})",
          {"[null,null]", "[null,null,null,null]"},
          {"[]", "[null]"}},
         {R"({"type":"array"})", {"[]", "[1,\"a\",[],{}]"}, {"{}"}},
         {R"({"enum":["north","north east",3,null,{"a":[1]}]})",
          {"\"north\"", "\"north east\"", "3", "null", R"({"a":[1]})"},
          {"\"north \"", "\"nor\"", "4", "\"east\""}},
         {R"({"enum":[1,"a",2.5],"type":["integer","string"]})", {"1", "\"a\""}, {"2.5"}},
         {R"({"const":"x\ny"})", {R"("x\ny")"}, {"\"x\"", "\"x\ny\""}},
         {R"({"anyOf":[{"type":"integer"},{"type":"string","maxLength":1}]})",
          {"12", "\"a\""},
          {"\"ab\"", "true"}},
         {R"({"type":["string","null"]})", {"null", "\"\""}, {"1"}},
         {R"({"allOf":[{"type":"null"}]})", {"null"}, {"1"}},
         {R"({"anyOf":[false,{"type":"null"}]})", {"null"}, {"1"}},
         {"{}", {"1", "\"a\"", "[{\"a\":[null,true]}]"}, {"", "tru", "[1"}},
         {R"({"type":"boolean","description":"d","title":"t","default":1,"format":"x"})",
          {"true"},
          {"1"}}});
}

TEST_CASE("constraint: recursion by $ref") {
  check({{R"({"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{
              "v":{"type":"integer"},"kids":{"type":"array","items":{"$ref":"#/$defs/tree"}}},
              "required":["v"]}}})",
          {R"({"v":1})", R"({"v":1,"kids":[{"v":2,"kids":[]},{"v":3}]})"},
          {R"({"kids":[]})", R"({"v":1,"kids":[{}]})", R"({"v":1,"kids":[{"v":2}})"}},
         {R"({"anyOf":[{"type":"integer"},{"type":"array","items":{"$ref":"#"}}]})",
          {"1", "[]", "[1,[2,[3]]]"},
          {"[1,[2]", "\"a\""}}});
  std::string deep;
  for (int i = 0; i < 50; ++i) deep += "[";
  for (int i = 0; i < 50; ++i) deep += "]";
  CHECK(allows(Constraint::json_schema(true), deep));
}

TEST_CASE("constraint: what can't be enforced is refused by its JSON Pointer") {
  struct Bad {
    const char* schema;
    ErrorCode code;
    const char* says;
  };
  for (const Bad& bad : std::vector<Bad>{
           {R"({"type":"object","properties":{"a/b":{"type":"array","uniqueItems":true}}})",
            ErrorCode::kUnsupported, "/properties/a~1b/uniqueItems"},
           {R"({"contains":{"type":"null"}})", ErrorCode::kUnsupported, "/contains"},
           {R"({"not":{"additionalProperties":{"type":"null"}}})", ErrorCode::kUnsupported,
            "/not/additionalProperties"},
           {R"({"anyOf":[{"properties":{"a":true}},true],"unevaluatedProperties":false})",
            ErrorCode::kUnsupported, "/unevaluatedProperties"},
           {R"x({"type":"string","pattern":"a(?=b)"})x", ErrorCode::kUnsupported, "/pattern"},
           {R"({"type":"string","x-copy":true,"maxLength":3})", ErrorCode::kUnsupported, "/x-copy"},
           {R"({"$schema":"http://example.com/own"})", ErrorCode::kUnsupported, "/$schema"},
           {R"({"$ref":"http://x"})", ErrorCode::kUnsupported, "not known here"},
           {R"({"$ref":"#/$defs/none"})", ErrorCode::kInvalid, "not in this schema"},
           {R"({"$ref":"#"})", ErrorCode::kInvalid, "refers to nothing but itself"},
           {R"({"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}],"$defs":{"a":{"anyOf":[
               {"$ref":"#/$defs/b"},{"type":"null"}]},"b":{"$ref":"#/$defs/a"}}})",
            ErrorCode::kInvalid, "refers to nothing but itself"},
           {R"({"type":"text"})", ErrorCode::kInvalid, "/type"},
           {R"({"minLength":-1})", ErrorCode::kInvalid, "/minLength"},
           {R"([1])", ErrorCode::kInvalid, "must be an object"},
           {R"({"type":"integer","minimum":5,"maximum":4})", ErrorCode::kInvalid,
            "nothing can be written"},
           {"false", ErrorCode::kInvalid, "nothing can be written"}}) {
    INFO(bad.schema);
    try {
      ConstraintAutomaton::compile(Constraint::json_schema(Json::parse(bad.schema)));
      FAIL("compiled");
    } catch (const Error& e) {
      CHECK(e.code() == bad.code);
      INFO(e.message());
      CHECK(e.message().find(bad.says) != std::string::npos);
    }
  }
}

// Cases that must come out alike by the validator, by the automaton in any form, and (where it says
// yes) by the one for models.
TEST_CASE("constraint: combined schemas are decided as the validator decides them") {
  const std::vector<std::pair<const char*, std::vector<const char*>>> groups = {
      {R"({"allOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]},
                    {"properties":{"a":{"minimum":3}},"additionalProperties":false}]})",
       {R"({"a":3})", R"({"a":2})", R"({"a":3.5})", "{}", R"({"a":4,"b":1})", "1"}},
      {R"({"type":"integer","oneOf":[{"multipleOf":2},{"minimum":3}]})", {"2", "1", "4", "3"}},
      {R"({"oneOf":[{"required":["a"]},{"required":["b"]}],"type":"object"})",
       {R"({"a":1})", R"({"b":1})", R"({"a":1,"b":1})", "{}"}},
      {R"({"not":{"type":["string","null"]}})", {"1", "\"a\"", "null", "[]"}},
      {R"({"type":"string","not":{"pattern":"^a"}})", {"\"a\"", "\"b\"", "\"ba\"", "\"\""}},
      {R"({"type":"string","pattern":"^[a-c]+$","maxLength":2})",
       {"\"a\"", "\"abc\"", "\"d\"", "\"\"", "\"\\u0061\""}},
      {R"({"if":{"properties":{"k":{"const":1}},"required":["k"]},"then":{"required":["v"]}})",
       {R"({"k":1,"v":1})", R"({"k":1})", R"({"k":2})", "{}", "3"}},
      {R"({"patternProperties":{"^n":{"type":"number"}},"additionalProperties":{"type":"string"}})",
       {R"({"n1":1})", R"({"n1":"x"})", R"({"a":"x"})", R"({"a":1})"}},
      {R"({"propertyNames":{"pattern":"^[a-z]+$"}})", {R"({"ab":1})", R"({"A":1})", "{}"}},
      {R"({"minProperties":1,"maxProperties":2})",
       {"{}", R"({"a":1})", R"({"a":1,"b":2})", R"({"a":1,"b":2,"c":3})"}},
      {R"({"dependentRequired":{"a":["b"]}})", {R"({"a":1})", R"({"a":1,"b":1})", R"({"b":1})"}},
      {R"({"prefixItems":[{"type":"string"},{"type":"null"}],"items":{"type":"integer"}})",
       {"[]", "[\"a\"]", "[\"a\",null,1,2]", "[\"a\",null,\"b\"]", "[null]"}},
      {R"({"multipleOf":0.25,"minimum":-1})", {"0.5", "0.3", "-1", "-1.25", "1e2", "7.75"}},
      {R"({"type":"integer","multipleOf":7,"exclusiveMaximum":50})",
       {"0", "7", "49", "50", "56", "-14", "7.0"}},
      {R"({"enum":["a","b",1,{"x":[1]}],"type":["string","object"]})",
       {"\"a\"", "1", R"({"x":[1]})", R"({"x":[1.0]})", "\"c\""}},
      {R"({"properties":{"x":true,"y":true},"$ref":"#/$defs/o","unevaluatedProperties":false,
           "$defs":{"o":{"properties":{"z":true}}}})",
       {R"({"x":1,"z":1})", R"({"w":1})"}},
      {R"({"type":"integer","minimum":0,"maximum":12,"not":{"enum":[1,5,12]}})",
       {"0", "1", "2", "5", "10", "11", "12", "13"}},
      {R"({"const":"\u00e9\n"})", {"\"\xC3\xA9\\n\"", "\"\\u00e9\\n\"", "\"e\""}},
  };
  // Numbers that are no multiple, or not whole, have no simple form: models can't be held to them.
  const std::set<std::string> groups_any_only{groups[1].first};
  for (const auto& [text, instances] : groups) {
    const Json schema = Json::parse(text);
    const auto valid = JsonSchema::compile(schema);
    for (const char* instance : instances) {
      INFO(text << "  " << instance);
      const bool right = valid->validate(Json::parse(instance)).empty();
      const Constraint any = Constraint::json_schema(schema, {}, JsonForm::kAny);
      CHECK(allows(any, instance) == right);
      CHECK(allows(any, " \n" + std::string(instance) + "\t") == right);
      if (groups_any_only.contains(text)) continue;
      if (allows(Constraint::json_schema(schema), instance)) CHECK(right);
    }
  }
}

TEST_CASE("constraint: in any form, order, spelling and white space are free") {
  const Constraint any = Constraint::json_schema(
      Json::parse(R"({"properties":{"a":{"type":"integer"},"b":{"const":"x"}},"required":["b"]})"),
      {}, JsonForm::kAny);
  for (const char* text : {R"({"b":"x","a":1})", "{ \"a\" : 1e2 ,\n \"b\":\"\\u0078\"}",
                           R"({"c":[1],"\u0062":"x"})"}) {
    INFO(text);
    CHECK(allows(any, text));
  }
  CHECK_FALSE(allows(any, R"({"b":"x","b":"x"})"));
  CHECK_FALSE(allows(any, R"({"a":1})"));
  CHECK_FALSE(allows(any, R"({"b":"x","a":1.5})"));
  CHECK_FALSE(allows(any, "{\"b\":" + std::string(5000, ' ') + "\"x\"}"));
}

TEST_CASE("constraint: formats hold for what models write") {
  const auto compact = [](const char* name, const char* text) {
    return allows(Constraint::json_schema({{"type", "string"}, {"format", name}}),
                  dump_json(Json(text)));
  };
  CHECK(compact("date", "2024-02-29"));
  CHECK_FALSE(compact("date", "2023-02-29"));
  CHECK(compact("date-time", "2024-05-01T10:00:00Z"));
  CHECK(compact("duration", "P1DT2H"));
  CHECK_FALSE(compact("duration", "P"));
  CHECK(compact("email", "a.b@example.com"));
  CHECK(compact("ipv4", "192.168.0.1"));
  CHECK_FALSE(compact("ipv4", "256.1.1.1"));
  CHECK(compact("ipv6", "::1"));
  CHECK(compact("uri", "https://example.com/a?b=c"));
  CHECK(compact("uuid", "123e4567-e89b-12d3-a456-426614174000"));
  CHECK(compact("unknown", "anything"));
  CHECK(allows(Constraint::json_schema({{"format", "date"}}, {}, JsonForm::kAny), "\"soon\""));
}

TEST_CASE("constraint: size and nesting are bounded") {
  Json deep = true;
  for (int i = 0; i < 200; ++i) deep = {{"type", "array"}, {"items", deep}};
  CHECK_THROWS_AS(ConstraintAutomaton::compile(Constraint::json_schema(deep)), Error);
  Json wide = Json::object();
  for (int i = 0; i < 1200; ++i) wide["p" + std::to_string(i)] = true;
  CHECK_THROWS_AS(ConstraintAutomaton::compile(Constraint::json_schema({{"properties", wide}})),
                  Error);
  Constraint nested = Constraint::literal("x");
  for (int i = 0; i < 100; ++i) nested = Constraint::sequence({nested});
  CHECK_THROWS_AS(ConstraintAutomaton::compile(nested), Error);
  // Many readings of one text: bounded, and nothing wrong gets in.
  Json ambiguous = {{"$defs", Json::object()}, {"$ref", "#/$defs/d0"}};
  for (int i = 0; i < 40; ++i) {
    const Json next = {{"$ref", "#/$defs/d" + std::to_string(i + 1)}};
    ambiguous["$defs"]["d" + std::to_string(i)] = {{"anyOf", {next, next}}};
  }
  ambiguous["$defs"]["d40"] = {{"type", "integer"}};
  CHECK(allows(Constraint::json_schema(ambiguous), "12"));
  CHECK_FALSE(allows(Constraint::json_schema(ambiguous), "x"));
}

TEST_CASE("constraint: literals, choices, sequences, alternatives and free text") {
  const Constraint answer = Constraint::sequence(
      {Constraint::literal("The answer is "), Constraint::choices({"yes", "no", "no idea"}),
       Constraint::any_of({Constraint::literal("."), Constraint::literal("!")})});
  CHECK(allows(answer, "The answer is no idea."));
  CHECK(allows(answer, "The answer is no!"));
  CHECK_FALSE(allows(answer, "The answer is no"));
  CHECK_FALSE(allows(answer, "The answer is not."));
  CHECK(allows(Constraint::text(), ""));
  CHECK(allows(Constraint::text(), "\xFF anything"));
  const Constraint ends = Constraint::sequence({Constraint::text(), Constraint::literal("END")});
  CHECK(allows(ends, "so ENDEND"));
  CHECK_FALSE(allows(ends, "so EN"));

  ConstraintMatcher matcher(ConstraintAutomaton::compile(answer));
  CHECK_FALSE(matcher.complete());
  CHECK(matcher.accept("The answer is no"));
  const ConstraintMatcher copy = matcher;
  CHECK_FALSE(matcher.accept("pe"));
  CHECK(matcher.accept("."));  // a refused text changes nothing
  CHECK(matcher.at_end());
  CHECK_FALSE(matcher.accept("x"));
  CHECK_FALSE(copy.complete());
  CHECK(ConstraintMatcher(ConstraintAutomaton::compile(Constraint::text())).unconstrained());
  CHECK_FALSE(ConstraintMatcher(ConstraintAutomaton::compile(ends)).unconstrained());
  CHECK_THROWS_AS(ConstraintAutomaton::compile(Constraint::tool_call({ToolSpec{.name = "t"}})),
                  Error);
}

}  // namespace
}  // namespace orkestra::model
