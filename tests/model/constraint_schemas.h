// Constraints of every kind, for tests that write under them and programs that measure.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/constraint.h>

#include <string>
#include <vector>

namespace orkestra::model::test {

inline std::vector<Json> own_schemas() {
  constexpr const char* kSchemas[] = {
      R"(true)",
      R"({"type":"string"})",
      R"({"type":"string","minLength":3,"maxLength":9})",
      R"({"type":"string","minLength":40})",
      R"({"type":"string","pattern":"^[A-Z]{2}-[0-9]{4}$"})",
      R"({"type":"string","pattern":"(foo|bar)+$","maxLength":30})",
      R"({"type":"string","pattern":"^\"[^\"]*\\\\$"})",
      R"({"type":"string","pattern":"^[\\u0000-\\u001f]{3}$"})",
      R"({"type":"string","pattern":"^[\u4e00-\u9fff]{2,5}$"})",
      R"({"type":"string","format":"date-time"})",
      R"({"type":"string","format":"uuid"})",
      R"({"type":"string","format":"email"})",
      R"({"type":"integer"})",
      R"({"type":"number"})",
      R"({"type":"integer","minimum":1000,"maximum":100000,"multipleOf":7})",
      R"({"type":"number","minimum":0.001,"exclusiveMaximum":0.0025})",
      R"({"type":"number","multipleOf":0.25,"minimum":-3,"maximum":-1})",
      R"({"enum":["north","north east","north-west",3,null,{"a":[1]}]})",
      R"({"type":"array","items":{"type":"integer"},"minItems":3,"maxItems":12})",
      R"({"type":"array","items":{"type":"string"},"minItems":2})",
      R"({"type":"array","prefixItems":[{"type":"null"},{"type":"boolean"}],"items":false,"minItems":1})",
      R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0},
          "tags":{"type":"array","items":{"type":"string"}}},"required":["name","age"]})",
      R"({"type":"object","additionalProperties":{"type":"number"},"minProperties":1})",
      R"({"type":"object","patternProperties":{"^x-":{"type":"boolean"}},"additionalProperties":false})",
      R"({"type":"object","properties":{"kind":{"const":"a"},"v":{"type":"integer"}},
          "required":["kind","v"],"additionalProperties":false})",
      R"({"oneOf":[{"type":"object","properties":{"t":{"const":1},"a":{"type":"string"}},"required":["t","a"]},
          {"type":"object","properties":{"t":{"const":2},"b":{"type":"array","items":{"type":"null"}}},
          "required":["t","b"]}]})",
      R"({"anyOf":[{"type":"integer"},{"type":"array","items":{"$ref":"#"}}]})",
      R"({"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{"v":{"type":"integer"},
          "kids":{"type":"array","items":{"$ref":"#/$defs/tree"}}},"required":["v","kids"]}}})",
      R"({"$ref":"#/$defs/list","$defs":{"list":{"anyOf":[{"type":"null"},{"type":"object","properties":
          {"head":{"type":"string","minLength":5},"tail":{"$ref":"#/$defs/list"}},"required":["head","tail"]}]}}})",
      R"({"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"object","properties":
          {"c":{"type":"object","properties":{"d":{"type":"string","minLength":20}},"required":["d"]}},
          "required":["c"]}},"required":["b"]}},"required":["a"]})",
      R"({"type":["string","null","integer"]})",
      R"({"type":"object","properties":{"a":{},"b":{},"c":{},"d":{}},"minProperties":2})",
      R"({"not":{"type":["object","array","string"]}})",
      R"({"type":"object","properties":{"if":{"type":"boolean"},"then":{"type":"string"}},
          "if":{"properties":{"if":{"const":true}},"required":["if"]},"then":{"required":["then"]},
          "additionalProperties":false})",
  };
  std::vector<Json> schemas;
  for (const char* text : kSchemas) schemas.push_back(Json::parse(text));
  return schemas;
}

// With white space at the ends, quotes, escapes, bytes that are no UTF-8.
inline std::vector<SpanSource> span_sources() {
  return {{"request",
           "  What is the price of the ship Stainstend \"Waishvon\" at 4,200 or -12.5?  \n\n"},
          {"1", "{\"balance\": 7326.41, \"note\": \"a\\nb\"}\t "},
          {"2", "n\xC3\xA4he \xF0\x9F\x98\x80 und \xFF weiter   "}};
}

// Constraints that are no schemas of their own.
inline std::vector<Constraint> mixed_constraints() {
  const std::vector<SpanSource> sources = span_sources();
  const Constraint copied = Constraint::json_schema(
      Json::parse(R"({"type":"object","properties":{"quote":{"type":"string","x-copy":true},
          "n":{"type":"number","x-copy":true}},"required":["quote","n"]})"),
      sources);
  return {
      Constraint::span(sources),
      Constraint::span(sources, {.min_bytes = 9, .max_bytes = 24}),
      Constraint::span(sources, {.max_bytes = 6, .whole_words = false}),
      copied,
      Constraint::sequence({Constraint::literal("The "), Constraint::span(sources),
                            Constraint::literal(" is "), Constraint::span(sources),
                            Constraint::literal(" [1].")}),
      Constraint::any_of(
          {Constraint::text_without("<call>"),
           Constraint::sequence({Constraint::text_without("<call>"), Constraint::literal("<call>"),
                                 copied, Constraint::literal("</call>")})}),
      Constraint::sequence({Constraint::text(), Constraint::literal("\nthe end.")}),
      Constraint::choices({"yes", "no", "no idea at all, and nobody will ever know"}),
  };
}

}  // namespace orkestra::model::test
