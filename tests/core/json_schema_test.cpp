#include <orkestra/core/json_schema.h>
#include <orkestra/tests/catch.h>

#include <chrono>
#include <random>

using namespace orkestra;

namespace {

Json json(const std::string& text) { return parse_json(text); }

bool accepts(const std::string& schema, const std::string& instance) {
  return JsonSchema::compile(json(schema))->validate(json(instance)).empty();
}

std::string message(const std::string& schema, const std::string& instance) {
  return to_text(JsonSchema::compile(json(schema))->validate(json(instance)));
}

// Every instance in `yes` is valid, every one in `no` is not.
struct Case {
  const char* schema;
  std::vector<const char*> yes;
  std::vector<const char*> no;
};

const std::vector<Case> kCases = {
    {"true", {"1", "null", "{}"}, {}},
    {"false", {}, {"1", "null", "{}"}},
    {"{}", {"1", "null", "[]"}, {}},
    {R"({"type":"string"})", {R"("")", R"("a")"}, {"1", "null", "[]", "{}", "true"}},
    {R"({"type":"integer"})", {"1", "-3", "1.0", "1e3"}, {"1.5", R"("1")", "true"}},
    {R"({"type":"number"})", {"1", "1.5", "-0"}, {R"("1")", "null"}},
    {R"({"type":"boolean"})", {"true", "false"}, {"0", "null"}},
    {R"({"type":["string","null"]})", {R"("a")", "null"}, {"1"}},
    {R"({"enum":["a",1,null,[1,2],{"x":1,"y":2}]})",
     {R"("a")", "1", "1.0", "null", "[1,2]", R"({"y":2,"x":1})"},
     {R"("b")", "2", "[2,1]", "true", "{}", "false"}},
    {R"({"const":0})", {"0", "0.0", "-0.0"}, {"false", "null", R"("0")"}},
    {R"({"const":9007199254740993})", {"9007199254740993"}, {"9007199254740992"}},
    {R"({"properties":{"a":{"type":"string"}},"required":["a"]})",
     {R"({"a":"x"})", R"({"a":"x","b":1})", "1"},
     {"{}", R"({"a":1})", R"({"b":"x"})"}},
    {R"({"properties":{"a":{}},"additionalProperties":false})",
     {"{}", R"({"a":1})"},
     {R"({"b":1})", R"({"a":1,"b":1})"}},
    {R"({"additionalProperties":{"type":"number"}})", {"{}", R"({"a":1})"}, {R"({"a":"1"})"}},
    {R"({"items":{"type":"number"}})", {"[]", "[1,2]", "1"}, {R"([1,"2"])"}},
    {R"({"prefixItems":[{"type":"string"},{"type":"number"}],"items":false})",
     {"[]", R"(["a"])", R"(["a",1])"},
     {"[1]", R"(["a",1,2])"}},
    {R"({"minItems":1,"maxItems":2})", {"[1]", "[1,2]", R"("abc")"}, {"[]", "[1,2,3]"}},
    {R"({"uniqueItems":true})",
     {"[]", "[1,2]", "[1,true]", R"([1,"1"])"},
     {"[1,1]", "[1,1.0]", R"([{"a":1,"b":2},{"b":2,"a":1}])"}},
    {R"({"minLength":2,"maxLength":3})", {R"("ab")", R"("äöü")", "1"}, {R"("a")", R"("abcd")"}},
    {R"({"pattern":"^[A-Z]{2}-[0-9]+$"})", {R"("AB-12")", "3"}, {R"("ab-12")", R"("AB-")"}},
    {R"({"pattern":"b"})", {R"("abc")"}, {R"("ac")"}},
    {R"({"minimum":1,"maximum":2})", {"1", "1.5", "2", R"("9")"}, {"0.999", "2.001"}},
    {R"({"exclusiveMinimum":1,"exclusiveMaximum":2})", {"1.5"}, {"1", "2"}},
    {R"({"maximum":9007199254740992})", {"9007199254740992"}, {"9007199254740993"}},
    {R"({"multipleOf":0.1})", {"0.3", "1", "-0.7"}, {"0.35"}},
    {R"({"multipleOf":3})", {"0", "9", "-3"}, {"10", "1.5"}},
    {R"({"anyOf":[{"type":"string"},{"minimum":3}]})", {R"("a")", "3"}, {"2"}},
    {R"({"oneOf":[{"minimum":3},{"maximum":5}]})", {"1", "7"}, {"4"}},
    {R"({"allOf":[{"minimum":3},{"maximum":5}]})", {"4"}, {"1", "7"}},
    {R"({"not":{"type":"string"}})", {"1"}, {R"("a")"}},
    {R"({"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"string"}}})", {R"("x")"}, {"1"}},
    {R"({"type":"object","properties":{"child":{"$ref":"#"}},"additionalProperties":false})",
     {"{}", R"({"child":{"child":{}}})"},
     {R"({"child":{"kid":{}}})", R"({"child":1})"}},
    {R"({"type":"string","x-domain":["Ann","Bob"],"x-copy":true,"x-note":1})",
     {R"("Ann")"},
     {R"("Cid")"}},
    {R"({"patternProperties":{"^n_":{"type":"number"}},"additionalProperties":{"type":"string"}})",
     {R"({"n_a":1,"b":"x"})"},
     {R"({"n_a":"1"})", R"({"b":1})"}},
    {R"({"propertyNames":{"maxLength":2}})", {R"({"ab":1})"}, {R"({"abc":1})"}},
    {R"({"minProperties":1,"maxProperties":1})", {R"({"a":1})"}, {"{}", R"({"a":1,"b":1})"}},
    {R"({"dependentRequired":{"a":["b"]}})", {"{}", R"({"a":1,"b":1})"}, {R"({"a":1})"}},
    {R"({"dependentSchemas":{"a":{"required":["b"]}}})", {R"({"b":1})"}, {R"({"a":1})"}},
    {R"({"contains":{"const":1},"minContains":2,"maxContains":3})",
     {"[1,1]", "[1,2,1,1]"},
     {"[1]", "[1,1,1,1]", "[]"}},
    {R"({"contains":{"const":1},"minContains":0})", {"[]", "[2]"}, {}},
    {R"({"if":{"required":["a"]},"then":{"required":["b"]},"else":{"maxProperties":1}})",
     {R"({"a":1,"b":1})", R"({"c":1})"},
     {R"({"a":1})", R"({"c":1,"d":1})"}},
    {R"({"allOf":[{"properties":{"a":true}}],"properties":{"b":true},
         "unevaluatedProperties":false})",
     {R"({"a":1,"b":1})"},
     {R"({"a":1,"c":1})"}},
    {R"({"anyOf":[{"properties":{"a":{"const":1}},"required":["a"]},
                  {"properties":{"b":{"const":1}},"required":["b"]}],
         "unevaluatedProperties":false})",
     {R"({"a":1})", R"({"a":1,"b":1})"},
     {R"({"a":1,"b":2})"}},
    {R"({"prefixItems":[true],"contains":{"const":9},"unevaluatedItems":false})",
     {"[1,9,9]"},
     {"[1,9,8]"}},
    {R"({"$ref":"#/$defs/s","maxLength":2,"$defs":{"s":{"type":"string"}}})",
     {R"("ab")"},
     {R"("abc")", "1"}},
    {R"({"$id":"http://a.example/root","properties":{"x":{"$ref":"inner"}},
         "$defs":{"i":{"$id":"inner","$ref":"#here","$defs":{"h":{"$anchor":"here","type":"null"}}}}})",
     {R"({"x":null})"},
     {R"({"x":1})"}},
    {R"({"$id":"http://a.example/strict","$dynamicAnchor":"node","$ref":"tree",
         "unevaluatedProperties":false,
         "$defs":{"t":{"$id":"tree","$dynamicAnchor":"node","type":"object",
           "properties":{"children":{"items":{"$dynamicRef":"#node"}}}}}})",
     {R"({"children":[{"children":[]}]})"},
     {R"({"children":[{"extra":1}]})"}},
    {R"({"$ref":"https://json-schema.org/draft/2020-12/schema"})",
     {R"({"properties":{"a":{"type":"string"}}})"},
     {R"({"properties":{"a":{"type":"text"}}})", "1"}},
    {R"({"$schema":"http://json-schema.org/draft-07/schema#","items":[{"type":"string"}],
         "additionalItems":false,"dependencies":{"a":["b"]}})",
     {R"(["a"])", R"({"a":1,"b":1})"},
     {"[1]", R"(["a","b"])", R"({"a":1})"}},
    {R"({"$schema":"http://json-schema.org/draft-04/schema#","minimum":1,
         "exclusiveMinimum":true})",
     {"2"},
     {"1"}},
    {R"({"unknown":{"type":"nothing"},"format":"email","contentEncoding":"base64"})", {"1"}, {}},
    {R"({"multipleOf":1e-8})", {"12391239123", "1e308"}, {"1e-9"}},
    {R"({"title":"t","description":"d","default":1,"format":"date","examples":[],"$comment":"c",
         "deprecated":false,"$schema":"s","$id":"i"})",
     {"1", R"("not a date")"},
     {}},
};

}  // namespace

TEST_CASE("instances are judged as the specification says") {
  for (const Case& c : kCases) {
    for (const char* instance : c.yes) {
      INFO(c.schema << " should accept " << instance);
      CHECK(accepts(c.schema, instance));
    }
    for (const char* instance : c.no) {
      INFO(c.schema << " should refuse " << instance);
      CHECK_FALSE(accepts(c.schema, instance));
    }
  }
}

TEST_CASE("what can't be decided here is refused by its place, never dropped") {
  const std::pair<const char*, const char*> schemas[] = {
      {R"({"properties":{"a/b":{"tpye":"string"}}})", "/properties/a~1b/tpye"},
      {R"({"items":{"minLenght":3}})", "did you mean minLength?"},
      {R"({"$ref":"http://example.com/s"})", "/$ref"},
      {R"({"$recursiveRef":"#"})", "/$recursiveRef"},
      {R"x({"pattern":"(a)\\1"})x", "/pattern"},
      {R"x({"patternProperties":{"(?<=a)b":true}})x", "/patternProperties/(?<=a)b"},
  };
  for (const auto& [schema, place] : schemas) {
    INFO(schema);
    try {
      JsonSchema::compile(json(schema));
      FAIL("was accepted");
    } catch (const Error& e) {
      CHECK(e.code() == ErrorCode::kUnsupported);
      CHECK(e.message().find(place) != std::string::npos);
    }
  }
}

TEST_CASE("a malformed schema is invalid, with its place") {
  const std::pair<const char*, const char*> schemas[] = {
      {"1", "the schema"},
      {"[]", "the schema"},
      {R"({"type":"text"})", "/type"},
      {R"({"type":[]})", "/type"},
      {R"({"enum":1})", "/enum"},
      {R"({"properties":[]})", "/properties"},
      {R"({"properties":{"a":1}})", "/properties/a"},
      {R"({"required":"a"})", "/required"},
      {R"({"required":[1]})", "/required"},
      {R"({"items":[{}]})", "/items"},
      {R"({"anyOf":[]})", "/anyOf"},
      {R"({"minItems":-1})", "/minItems"},
      {R"({"minItems":1.5})", "/minItems"},
      {R"({"maxLength":1e300})", "/maxLength"},
      {R"({"minimum":"1"})", "/minimum"},
      {R"({"multipleOf":0})", "/multipleOf"},
      {R"({"pattern":"("})", "/pattern"},
      {R"({"$ref":"#/$defs/none"})", "/$ref"},
      {R"({"x-domain":"a"})", "/x-domain"},
      {R"({"x-copy":"yes"})", "/x-copy"},
  };
  for (const auto& [schema, place] : schemas) {
    INFO(schema);
    try {
      JsonSchema::compile(json(schema));
      FAIL("was accepted");
    } catch (const Error& e) {
      CHECK(e.code() == ErrorCode::kInvalid);
      CHECK(e.message().find(place) != std::string::npos);
    }
  }
}

TEST_CASE("messages say what is wrong, where, and what to write instead") {
  CHECK(message(R"({"properties":{"region":{"type":"string"}}})", R"({"region":5})") ==
        "/region must be a string, got the number 5");
  CHECK(
      message(R"({"properties":{"region":{"enum":["North","South"]}}})", R"({"region":"Nort"})") ==
      R"(/region must be one of "North", "South" (got "Nort"; did you mean "North"?))");
  CHECK(message(R"({"required":["a"]})", "{}") == "/a is required but missing");
  CHECK(
      message(R"({"properties":{"region":{}},"additionalProperties":false})", R"({"reigon":1})") ==
      R"(/reigon is not a known property (known: "region"; did you mean "region"?))");
  CHECK(message(R"({"type":"object"})", "[]") == "the value must be an object, got an array");
  CHECK(message(R"({"items":{"minimum":3}})", "[3,1]") == "/1 must be at least 3, got 1");
  CHECK(message(R"({"anyOf":[{"type":"string"},{"type":"null"}]})", "1") ==
        "the value fits none of the alternatives: (1) the value must be a string, got the number "
        "1, (2) the value must be null, got the number 1");
}

TEST_CASE("a violation names both places") {
  const auto violations = JsonSchema::compile(json(R"({"$defs":{"n":{"minimum":1}},
      "properties":{"a/b":{"items":{"$ref":"#/$defs/n"}}}})"))
                              ->validate(json(R"({"a/b":[1,0]})"));
  REQUIRE(violations.size() == 1);
  CHECK(violations[0].instance_path == "/a~1b/1");
  CHECK(violations[0].schema_path == "/$defs/n/minimum");
}

TEST_CASE("at most 16 violations are listed") {
  std::string many = "[0";
  for (int i = 0; i < 100; ++i) many += ",0";
  CHECK(
      JsonSchema::compile(json(R"({"items":{"minimum":1}})"))->validate(json(many + "]")).size() ==
      16);
}

TEST_CASE("a long list of values is shown by its head") {
  Json schema = {{"enum", Json::array()}};
  for (int i = 0; i < 10'000; ++i) schema["enum"].push_back("customer " + std::to_string(i));
  const auto compiled = JsonSchema::compile(schema);
  CHECK(compiled->validate("customer 77").empty());
  const std::string text = to_text(compiled->validate("customer x77"));
  CHECK(text.size() < 600);
  CHECK(text.find("10000 in all") != std::string::npos);
  CHECK(text.find("did you mean") != std::string::npos);
}

TEST_CASE("schemas that refer to themselves without end are given up, not accepted") {
  for (const char* schema :
       {R"({"$ref":"#"})", R"({"not":{"$ref":"#"}})", R"({"anyOf":[{"$ref":"#"},{"$ref":"#"}]})",
        R"({"oneOf":[{"$ref":"#"},{"$ref":"#"},{"$ref":"#"}]})",
        R"({"allOf":[{"$ref":"#"},{"$ref":"#"}]})"}) {
    INFO(schema);
    CHECK(message(schema, "1").find("too deep") != std::string::npos);
  }
}

TEST_CASE("instances deeper than any JSON that was parsed are given up") {
  const auto schema = JsonSchema::compile(json(R"({"items":{"$ref":"#"}})"));
  Json deep = 1;
  for (int i = 0; i < 2000; ++i) deep = Json::array({std::move(deep)});
  CHECK_FALSE(schema->validate(deep).empty());
}

TEST_CASE("other documents are known only through the caller") {
  const SchemaOptions options{.resolve = [](const std::string& uri) -> std::optional<Json> {
    if (uri != "http://a.example/int") return std::nullopt;
    return json(R"({"$defs":{"positive":{"minimum":1}},"type":"integer"})");
  }};
  const Json schema = json(R"({"items":{"$ref":"http://a.example/int#/$defs/positive"}})");
  const auto compiled = JsonSchema::compile(schema, options);
  CHECK(compiled->validate(json("[1]")).empty());
  const auto violations = compiled->validate(json("[0]"));
  REQUIRE(violations.size() == 1);
  CHECK(violations[0].schema_path == "http://a.example/int#/$defs/positive/minimum");
  CHECK_THROWS_AS(JsonSchema::compile(schema), Error);
}

TEST_CASE("a part of a schema can judge by itself") {
  const auto schema = JsonSchema::compile(json(R"({"properties":{"a":{"type":"string"}}})"));
  CHECK(schema->valid_at("/properties/a", json(R"("x")")) == true);
  CHECK(schema->valid_at("/properties/a", json("1")) == false);
  CHECK(schema->valid_at("/properties/b", json("1")) == std::nullopt);
}

TEST_CASE("a schema nested too deeply is refused") {
  Json schema = true;
  for (int i = 0; i < 100; ++i) schema = Json{{"not", std::move(schema)}};
  CHECK_THROWS_AS(JsonSchema::compile(schema), Error);
}

TEST_CASE("random schemas compile or are refused, and validate in bounded time") {
  std::mt19937 random(7);
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::vector<std::string> keywords = {"type",
                                             "enum",
                                             "const",
                                             "properties",
                                             "required",
                                             "additionalProperties",
                                             "items",
                                             "prefixItems",
                                             "minItems",
                                             "uniqueItems",
                                             "minLength",
                                             "pattern",
                                             "minimum",
                                             "multipleOf",
                                             "anyOf",
                                             "oneOf",
                                             "allOf",
                                             "not",
                                             "$ref",
                                             "$defs",
                                             "x-domain",
                                             "if",
                                             "contains",
                                             "patternProperties",
                                             "then",
                                             "unevaluatedItems",
                                             "propertyNames",
                                             "$dynamicRef",
                                             "$dynamicAnchor",
                                             "$anchor",
                                             "$id",
                                             "unevaluatedProperties"};
  const std::function<Json(int)> value = [&](int depth) -> Json {
    switch (pick(depth > 4 ? 6 : 9)) {
      case 0:
        return nullptr;
      case 1:
        return static_cast<int>(pick(7)) - 2;
      case 2:
        return 0.5 * static_cast<double>(pick(9));
      case 3:
        return pick(2) == 0;
      case 4:
        return std::vector<std::string>{"a",      "b",       "#",       "#/$defs/a",
                                        "string", "integer", "(a|b)*c", "\xff"}[pick(8)];
      case 5:
        return Json::array();
      case 6: {
        Json out = Json::array();
        for (std::size_t i = pick(4); i > 0; --i) out.push_back(value(depth + 1));
        return out;
      }
      default: {
        Json out = Json::object();
        for (std::size_t i = pick(4); i > 0; --i) {
          out[pick(4) == 0 ? std::string(1, static_cast<char>('a' + pick(3)))
                           : keywords[pick(keywords.size())]] = value(depth + 1);
        }
        return out;
      }
    }
  };
  int compiled = 0, refused = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int round = 0; round < 20'000; ++round) {
    try {
      const auto schema = JsonSchema::compile(value(0));
      ++compiled;
      for (int i = 0; i < 3; ++i) CHECK(schema->validate(value(0)).size() <= 16);
    } catch (const Error& e) {
      ++refused;
      CHECK((e.code() == ErrorCode::kInvalid || e.code() == ErrorCode::kUnsupported ||
             e.code() == ErrorCode::kExhausted));
    }
  }
  CHECK(compiled > 500);
  CHECK(refused > 500);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));
}
