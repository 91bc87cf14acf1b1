#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja/jinja.h>
#include <orkestra/tests/catch.h>

namespace orkestra::model::jinja {
namespace {

std::string render(const std::string& source, const Json& context = Json::object()) {
  return Template::compile(source)->render(context);
}

Error failure(const std::string& source, const Json& context = Json::object()) {
  try {
    render(source, context);
  } catch (const Error& e) {
    return e;
  }
  return {ErrorCode::kInternal, "no error"};
}

struct Case {
  const char* source;
  const char* expected;
};

const Json& context() {
  static const Json kContext = Json::parse(R"({
    "name": "Ann", "n": 3, "empty": [], "none": null, "yes": true,
    "list": ["a", "b", "c"],
    "map": {"x": 1, "y": [true, null, 2.5, "q\"'<é\n"]},
    "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": " U "},
                 {"role": "assistant", "content": "<think>t</think>\n\nA"}]})");
  return kContext;
}

void check(const std::vector<Case>& cases) {
  for (const Case& line : cases) {
    INFO(line.source);
    CHECK(render(line.source, context()) == line.expected);
  }
}

TEST_CASE("templates: expressions") {
  check({
      {"{{ name }}", "Ann"},
      {"{{ 1 + 2 * 3 - 4 // 3 }}", "6"},
      {"{{ 7 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 5 }}", "3.5 3 -4 2 32"},
      {"{{ 'a' ~ 1 ~ none ~ true }}", "a1NoneTrue"},
      {"{{ 'a' + \"b\" 'c' }}", "abc"},
      {"{{ 1 ~ 2 + 'x' if false else 'ok' }}", "ok"},
      {"{{ not yes or n > 2 and name == 'Ann' }}", "True"},
      {"{{ 'b' in list }} {{ 'z' not in list }} {{ 'nn' in name }} {{ 'x' in map }}",
       "True True True True"},
      {"{{ list[0] }}{{ list[-1] }}{{ list[1:] }}{{ list[::-1] }}{{ list[:-1] }}",
       "ac['b', 'c']['c', 'b', 'a']['a', 'b']"},
      {"{{ 'abc'[1] }}{{ 'abc'[::-1] }}{{ 'abc'[-2:] }}", "bcbabc"},
      {"{{ map.x }}{{ map['x'] }}{{ map.z }}{{ missing }}", "11"},
      {"{{ [1, 'a', none, true, 1.0, {'k': 'v'}] }}", "[1, 'a', None, True, 1.0, {'k': 'v'}]"},
      {"{{ (1, 2) | length }}{{ {'a': 1}.a }}", "21"},
      {"{{ 'x' if n == 3 }}{{ 'y' if n == 4 }}", "x"},
      {"{{ 'a\\\nb' }}{{ '\\n' | length }}{{ 'a\\'b' }}{{ '\\u00e9' }}", "ab1a'b\xC3\xA9"},
      {"{{ -n }} {{ +n }} {{ - n | abs }}", "-3 3 3"},
  });
}

TEST_CASE("templates: statements") {
  check({
      {"{% if n == 1 %}a{% elif n == 3 %}b{% else %}c{% endif %}", "b"},
      {"{% for x in list %}{{ loop.index }}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}",
       "1a,2b,3c"},
      {"{% for x in empty %}x{% else %}none{% endfor %}", "none"},
      {"{% for k, v in map.items() %}{{ k }};{% endfor %}", "x;y;"},
      {"{% for x in list if x != 'b' %}{{ loop.length }}{{ x }}{% endfor %}", "2a2c"},
      {"{% for x in list %}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.revindex0 }}|{% endfor %}",
       "b2|ac1|b0|"},
      {"{% for x in range(5) %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 3 %}{% break %}"
       "{% endif %}{{ x }}{% endfor %}",
       "02"},
      {"{% set a = 1 %}{% set b, c = 2, 3 %}{{ a }}{{ b }}{{ c }}", "123"},
      {"{% set a = 1 %}{% for x in list %}{% set a = 2 %}{% endfor %}{{ a }}", "1"},
      {"{% set ns = namespace(k=1) %}{% for x in list %}{% set ns.k = ns.k + 1 %}{% endfor %}"
       "{{ ns.k }}",
       "4"},
      {"{% set b %}x{{ n }}{% endset %}{{ b }}", "x3"},
      {"{% set b | upper %}x{% endset %}{{ b }}", "X"},
      {"{% filter upper %}a{{ name }}{% endfilter %}", "AANN"},
      {"{% macro f(x, y='d') %}<{{ x }}{{ y }}>{% endmacro %}{{ f(1) }}{{ f('a', y=2) }}",
       "<1d><a2>"},
      {"{% macro f(x) %}{{ x }}{% if x > 0 %}{{ f(x - 1) }}{% endif %}{% endmacro %}{{ f(3) }}",
       "3210"},
      {"{% raw %}{{ x }}{% endraw %}{# no #}!", "{{ x }}!"},
      {"{% generation %}a{% endgeneration %}", "a"},
  });
}

TEST_CASE("templates: white space as Hugging Face sets it") {
  check({
      {"{% if true %}\n a\n{% endif %}\nb", " a\nb"},
      {"  {% if true %}x{% endif %}  y", "x  y"},
      {"a  {% if true %}x{% endif %}", "a  x"},
      {"a \n {%- if true -%} \n x \n {%- endif -%} \n b", "axb"},
      {"a {{- ' b ' -}} c", "a b c"},
      {"  {{ 1 }}\n2", "  1\n2"},
      {"x\n", "x"},
      {"x\n\n", "x\n"},
      {"{# c #}\nx", "x"},
      {"  {%+ if true %}x{% endif %}", "  x"},
      {"{% if true +%}\nx{% endif %}", "\nx"},
      {"{{ {'a': {'b': 1}} }}", "{'a': {'b': 1}}"},
      {"a{ b } {", "a{ b } {"},
  });
}

TEST_CASE("templates: filters, tests and methods") {
  check({
      {"{{ map | tojson }}", "{\"x\": 1, \"y\": [true, null, 2.5, \"q\\\"'<\xC3\xA9\\n\"]}"},
      {"{{ {'a': [1, 2]} | tojson(indent=2) }}", "{\n  \"a\": [\n    1,\n    2\n  ]\n}"},
      {"{{ ' a ' | trim }}|{{ '--a-' | trim('-') }}", "a|a"},
      {"{{ list | join(', ') }} {{ list | length }} {{ list | first }}{{ list | last }}",
       "a, b, c 3 ac"},
      {"{{ missing | default('d') }}{{ '' | default('e', true) }}{{ none | default('f') }}",
       "deNone"},
      {"{{ 'aB' | upper }}{{ 'aB' | lower }}{{ 'ab cd' | title }}{{ 'aB' | capitalize }}",
       "ABabAb CdAb"},
      {"{{ 3 | string + '1' }}{{ '12' | int + 1 }}{{ 'x' | int(7) }}{{ '1.5' | float }}",
       "311371.5"},
      {"{{ 'abc' | list }}{{ map | items | list | length }}", "['a', 'b', 'c']2"},
      {"{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list }}",
       "[' U ']"},
      {"{{ messages | rejectattr('role', 'in', ['user', 'system']) | list | length }}", "1"},
      {"{{ [3, 1, 2] | sort | join }}{{ [1, 2] | reverse | join }}{{ [1, 1] | unique | list }}",
       "12321[1]"},
      {"{{ [1, 5] | max }}{{ [1, 5] | min }}{{ [1, 5] | sum }}{{ 2.567 | round(1) }}", "5162.6"},
      {"{{ 'a\nb' | indent(2) }}|{{ 'a<b' | e }}|{{ 'aXb' | replace('X', '-') }}",
       "a\n  b|a&lt;b|a-b"},
      {"{{ map | dictsort | first | first }}{{ ['a', 'b'] | map('upper') | join }}", "xAB"},
      {"{{ name is defined }}{{ missing is not defined }}{{ none is none }}{{ name is string }}",
       "TrueTrueTrueTrue"},
      {"{{ map is mapping }}{{ list is iterable }}{{ yes is true }}{{ n is number }}",
       "TrueTrueTrueTrue"},
      {"{{ n is divisibleby 3 }}{{ n is odd }}{{ 'a' is in list }}{{ n is eq(3) and yes }}",
       "TrueTrueTrueTrue"},
      {"{{ ' a '.strip() }}{{ 'a,b'.split(',') }}{{ 'a b  c'.split() }}",
       "a['a', 'b']['a', 'b', 'c']"},
      {"{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'c')) }}", "TrueTrue"},
      {"{{ map.get('x') }}{{ map.get('z', 'd') }}{{ map.keys() | list }}{{ map.values() | first }}",
       "1d['x', 'y']1"},
      {"{{ messages[2].content.split('</think>')[-1].lstrip('\\n') }}", "A"},
      {"{{ 'a'.upper() }}{{ 'abcabc'.replace('b', 'X', 1) }}{{ 'abc'.find('c') }}", "AaXcabc2"},
  });
}

TEST_CASE("templates: what Python keeps apart") {
  check({
      {"{{ (1, 'a') }}{{ (1,) }}{{ () }}{{ [1] == (1,) }}", "(1, 'a')(1,)()False"},
      {"{{ {'a': 1}.items() }}", "dict_items([('a', 1)])"},
      {"{% set g = [1, 3] | select('even') %}{{ 'true' if g }}{{ g | list }}", "true[]"},
      {"{% set g = [1, 2] | map('string') %}{{ g | first }}{{ g | list }}{{ g | list }}",
       "1['2'][]"},
      {"{{ {1: 'a', true: 'b', 'c': 2} }}", "{1: 'b', 'c': 2}"},
      {"{{ map.items is callable }}{{ {'items': 1}['items'] }}", "True1"},
      {"{{ 1e16 }} {{ 1e15 }} {{ 1e-5 }} {{ 0.1 + 0.2 }} {{ 2.5 | round }} {{ 42 | round }}",
       "1e+16 1000000000000000.0 1e-05 0.30000000000000004 2.0 42"},
      {"{{ ['\u00a0\x7f', \"it's\"] }}", "['\\xa0\\x7f', \"it's\"]"},
      {"{{ true + 1 }} {{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ [1, 2] < [1, 3] }}", "2 True False True"},
      {"{{ '%s-%03d' % ('a', 7) }} {{ '{0}:{x:>3}'.format(1, x='b') }} {{ '%.2f' | format(1.239) "
       "}}",
       "a-007 1:  b 1.24"},
      {"{{ 'stra\u00dfe \u00e9'.upper() }}|{{ '\u3000a\u00a0'.strip() }}", "STRASSE \xC3\x89|a"},
      {"{{ 'a,b,c'.rsplit(',', 1) }}{{ 'a b'.partition(' ') }}", "['a,b', 'c']('a', ' ', 'b')"},
      {"{{ ['b', 'A', 'c'] | sort | join }}{{ {'B': 1, 'a': 2} | dictsort }}",
       "Abc[('a', 2), ('B', 1)]"},
      {"{% for g in messages | groupby('role') %}{{ g.grouper }}{{ g.list | length }};{% endfor %}",
       "assistant1;system1;user1;"},
      {"{{ messages | map(attribute='x.y', default='-') | join }}", "---"},
      {"{{ {'b': '\u00e9', 'a': []} | tojson(ensure_ascii=true, sort_keys=true, indent=1) }}",
       "{\n \"a\": [],\n \"b\": \"\\u00e9\"\n}"},
      {"{{ '<b>' | safe + '<i>' }}{{ '<' | e | e }}{{ '<b>' | safe ~ '<i>' }}",
       "<b>&lt;i&gt;&lt;<b><i>"},
      {"{{ [1, {'a': 2}] | tojson(separators=(',', ':')) }}", "[1,{\"a\":2}]"},
  });
}

TEST_CASE("templates: loops, macros and calls") {
  check({
      {"{% for x in [1, 1, 2] %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x) }};{% endfor %}",
       "aTrue;bFalse;aTrue;"},
      {"{% for x in [{'n': 1, 'c': [{'n': 2}]}] recursive %}{{ x.n }}@{{ loop.depth }}"
       "{% if x.c %}({{ loop(x.c) }}){% endif %}{% endfor %}",
       "1@1(2@2)"},
      {"{% for i in [1, 2] %}{% set o = loop %}{% for j in [1] %}{{ o.index }}{% endfor %}{% "
       "endfor %}",
       "12"},
      {"{% macro f(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(*[1, 2], **{'k': 3}) }}",
       "1(2,){'k': 3}"},
      {"{% macro f(x) %}<{{ caller(x) }}>{% endmacro %}{% call(y) f(1) %}{{ y }}{{ name }}{% "
       "endcall %}",
       "<1Ann>"},
      {"{% macro f() %}{{ late }}{% endmacro %}{% set late = 'L' %}{{ f() }}", "L"},
      {"{% for i in [1] %}{% set z = 2 %}{% macro m() %}{{ z }}{{ i }}{% endmacro %}{{ m() }}{% "
       "endfor %}",
       "21"},
      {"{% set ms = [] %}{% macro f() %}x{% endmacro %}{% set ms = ms + [f] %}{{ ms[0]() }}", "x"},
      {"{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }}", "13"},
      {"{% print 1, 'a' %}", "1a"},
      {"{{ strftime_now('%Y') }}", "1970"},
      {"  {% raw %}\n{{ x }}\n  {% endraw %}\ny", "\n{{ x }}\ny"},
  });
  const auto dated = Template::compile("{{ strftime_now('%d %b %Y') }}");
  CHECK(dated->render(Json::object(), 1753000000) == "20 Jul 2025");
}

TEST_CASE("templates: the shape of a chat template with tools and reasoning") {
  const std::string source = R"({%- if messages[0].role == 'system' %}
    {{- '[S]' + messages[0].content + '\n' }}
{%- endif %}
{%- set ns = namespace(last=messages|length - 1, multi=true) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi and message.role == "user" and message.content is string %}
        {%- set ns.multi = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role == "user" or (message.role == "system" and not loop.first) %}
        {{- '[' + message.role + ']' + message.content | trim + '\n' }}
    {%- elif message.role == "assistant" %}
        {%- set content = message.content %}
        {%- if '</think>' in content %}
            {%- set content = content.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
        {{- '[A]' ~ content ~ (' after' if loop.index0 > ns.last else '') }}
    {%- endif %}
{%- endfor %})";
  CHECK(render(source, context()) == "[S]S\n[user]U\n[A]A after");
}

TEST_CASE("templates: errors name the line and what is wrong") {
  struct Bad {
    const char* source;
    ErrorCode code;
    const char* says;
  };
  const std::vector<Bad> cases{
      {"a\n{% include 'x' %}", ErrorCode::kUnsupported, "line 2: the statement 'include'"},
      {"{{ x | frobnicate }}", ErrorCode::kUnsupported, "line 1: the filter 'frobnicate'"},
      {"{{ x is wobbly }}", ErrorCode::kUnsupported, "line 1: the test 'wobbly'"},
      {"\n\n{{ 'a'.frob() }}", ErrorCode::kUnsupported, "line 3: the method 'frob'"},
      {"{{ frob(1) }}", ErrorCode::kUnsupported, "line 1: the function 'frob'"},
      {"{{ missing.x }}", ErrorCode::kInvalid, "line 1: 'missing' is undefined"},
      {"{% if x %}", ErrorCode::kInvalid, "the template ends before 'elif'"},
      {"{% endif %}", ErrorCode::kInvalid, "'endif' without the block"},
      {"{{ 1 + }}", ErrorCode::kInvalid, "expected an expression"},
      {"{{ 'a }}", ErrorCode::kInvalid, "a string that is not closed"},
      {"{{ 1", ErrorCode::kInvalid, "a tag that is not closed"},
      {"{# x", ErrorCode::kInvalid, "a comment that is not closed"},
      {"{{ ? }}", ErrorCode::kInvalid, "unexpected character '?'"},
      {"{{ 1 / 0 }}", ErrorCode::kInvalid, "division by zero"},
      {"{{ 'a' + 1 }}", ErrorCode::kInvalid, "something string + something integer"},
      {"{{ 9223372036854775807 + 1 }}", ErrorCode::kInvalid, "out of range"},
      {"{{ raise_exception('no thanks') }}", ErrorCode::kInvalid, "no thanks"},
      {"{% set a, b = [1] %}", ErrorCode::kInvalid, "1 values for 2 names"},
      {"{% break %}", ErrorCode::kInvalid, "outside of a loop"},
      {"{{ 'a'.split('') }}", ErrorCode::kInvalid, "empty string"},
      {"{{ [].append(1) }}", ErrorCode::kUnsupported, "the method 'append'"},
      {"{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", ErrorCode::kInvalid, "too many arguments"},
      {"{% macro f(a) %}{% endmacro %}{{ f(b=2) }}", ErrorCode::kInvalid,
       "unexpected argument 'b'"},
      {"{{ [1] | map('upper') | length }}", ErrorCode::kInvalid, "something iterator"},
      {"{{ none | length }}", ErrorCode::kInvalid, "'length' got something none"},
      {"{{ 1 in 'abc' }}", ErrorCode::kInvalid, "something integer in a string"},
      {"{% for x in [1] %}{{ loop([2]) }}{% endfor %}", ErrorCode::kInvalid, "'recursive'"},
      {"{{ missing | tojson }}", ErrorCode::kInvalid, "tojson of something undefined"},
      {"{{ x) }}", ErrorCode::kInvalid, "unexpected ')'"},
      {"{{ '%99999s' % 'x' }}", ErrorCode::kInvalid, "wider than 10,000"},
  };
  for (const Bad& bad : cases) {
    INFO(bad.source);
    const Error error = failure(bad.source);
    CHECK(error.code() == bad.code);
    CHECK(error.message().find(bad.says) != std::string::npos);
    CAPTURE(error.message());
  }
}

TEST_CASE("templates: rendering is bounded") {
  const std::vector<std::string> hostile{
      "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
      "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
      "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}"
      "{% endfor %}",
      "{{ 'x' * 1000000000000 }}",
      "{% for i in range(100000) %}{{ 'xxxxxxxxxx' * 1000 }}{% endfor %}",
      "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}"
      "{% endfor %}",
      "{% set ns = namespace(l=[]) %}{% for i in range(5000) %}{% set ns.l = [ns.l] %}{% endfor %}"
      "{{ ns.l }}",
      "{% set ns = namespace(l=[]) %}{% for i in range(90) %}{% set ns.l = [ns.l, ns.l] %}"
      "{% endfor %}{{ ns.l }}",
      "{% set ns = namespace(l=[], m=[]) %}{% for i in range(90) %}{% set ns.l = [ns.l, ns.l] %}"
      "{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}",
      "{% set s = 'x' * 9000000 %}{% for i in range(90000) %}{{ s[1] }}{% endfor %}",
      "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
      std::string(5000, '(').insert(0, "{{ ") + "1" + std::string(5000, ')') + " }}",
      "{{ " + std::string(50000, '-') + "1 }}",
      "{{ 'a'" +
          [] {
            std::string chain;
            for (int i = 0; i < 5000; ++i) chain += ".x";
            return chain;
          }() +
          " }}",
      [] {
        std::string nested;
        for (int i = 0; i < 5000; ++i) nested += "{% if 1 %}";
        return nested;
      }(),
      std::string((1 << 20) + 1, 'x'),
  };
  for (const std::string& source : hostile) {
    INFO(source.substr(0, 80));
    CHECK(failure(source).code() == ErrorCode::kExhausted);
  }
  CHECK(failure("{{ range(1000000) | length }}").code() == ErrorCode::kInvalid);
  CHECK(failure("{% set ns = namespace() %}{% set ns.a = [ns] %}").code() ==
        ErrorCode::kUnsupported);
}

TEST_CASE("templates: every byte of the result keeps its source") {
  const auto compiled = Template::compile("<{{ a | trim | upper }}-{{ m | tojson }}{{ a[1:3] }}>");
  const Value root =
      Value::mapping({{make_text("a"), Value::text(" xy ", 5)},
                      {make_text("m"), Value::from_json(Json::parse(R"({"k":"v\"w"})"), 7)}});
  const Text text = compiled->render(root);
  CHECK(to_bytes(text) == "<XY-{\"k\": \"v\\\"w\"}xy>");
  std::string sources;
  for (const Unit unit : text) sources += std::to_string(source_of(unit));
  CHECK(sources ==
        "0550007000077770"
        "0550");
}

}  // namespace
}  // namespace orkestra::model::jinja
