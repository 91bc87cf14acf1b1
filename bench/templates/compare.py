#!/usr/bin/env python3
"""Renders chat templates with `orkestra template render` and with Jinja2 set up as Hugging Face does,
over a matrix of conversations, and counts what is identical.

    bench/templates/compare.py build/release/bin/orkestra FOLDER-OR-FILE.jinja... [-v]

Needs python3-jinja2. The templates are brought from outside.
"""
import argparse
import datetime
import difflib
import json
import pathlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = 1753000000  # any fixed moment


class Generation(jinja2.ext.Extension):
    """{% generation %} marks what a model wrote; rendering ignores it."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                        extensions=[Generation, jinja2.ext.loopcontrols])

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                          sort_keys=sort_keys)

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda form: datetime.datetime.fromtimestamp(
        NOW, datetime.timezone.utc).strftime(form)
    return env


def tool(name, description, properties, required):
    return {"type": "function", "function": {
        "name": name, "description": description,
        "parameters": {"type": "object", "properties": properties, "required": required}}}


WEATHER = tool("get_weather", "Weather of a \"city\" <now> & later",
               {"city": {"type": "string", "description": "Ciudad, e.g. Málaga"},
                "unit": {"type": "string", "enum": ["C", "F"], "default": "C"}}, ["city"])
SEARCH = tool("search", "Finds\ndocuments.",
              {"query": {"type": "string"}, "limit": {"type": "integer", "minimum": 1},
               "exact": {"type": "boolean"}, "weight": {"type": "number", "maximum": 1.5},
               "tags": {"type": "array", "items": {"type": "string"}},
               "filter": {"type": "object", "properties": {"from": {"type": ["string", "null"]}}}},
              ["query", "limit"])
TIME = tool("now", "The time", {}, [])


def user(text):
    return {"role": "user", "content": text}


def call(name, arguments, id="a1b2c3d4e", as_text=False):
    return {"id": id, "type": "function", "function": {
        "name": name, "arguments": json.dumps(arguments) if as_text else arguments}}


def conversations():
    system = {"role": "system", "content": " Be brief.\n"}
    hello = {"role": "assistant", "content": "Hello!"}
    thought = {"role": "assistant", "content": "4.", "reasoning_content": "2 and 2\nmake 4."}
    inline = {"role": "assistant", "content": "<think>\nhm\n</think>\n\nYes."}
    result = {"role": "tool", "tool_call_id": "a1b2c3d4e", "name": "get_weather",
              "content": "{\"t\": 21.5, \"text\": \"sunny <b>\"}"}
    other = {"role": "tool", "tool_call_id": "f1b2c3d4e", "name": "search", "content": "none"}
    args = {"city": "Málaga", "unit": "C"}
    deep = {"query": "it's \"x\"\\", "limit": 3, "exact": True, "weight": 0.5, "tags": ["a", "b"],
            "filter": {"from": None}}
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]

    def calling(calls, content=None, **more):
        return {"role": "assistant", "content": content, "tool_calls": calls, **more}

    def both(name, messages, **more):
        yield name, {"messages": messages, **more}
        yield name + "+system", {"messages": [system] + messages, **more}

    yield from both("hi", [user("Hi")])
    yield from both("turns", [user("Hi"), hello, user(" How?\n"), hello, user("Why?")])
    yield from both("reasoning", [user("2+2?"), thought, user("Sure?"), inline, user("OK")])
    yield from both("ends-assistant", [user("Hi"), hello])
    yield from both("tools", [user("Weather?")], tools=[WEATHER])
    yield from both("many-tools", [user("Find")], tools=[WEATHER, SEARCH, TIME])
    for form in (False, True):
        kind = "text" if form else "mapping"
        one = [call("get_weather", args, as_text=form)]
        two = one + [call("search", deep, "f1b2c3d4e", form)]
        yield from both("call-" + kind, [user("W?"), calling(one)], tools=[WEATHER])
        yield from both("result-" + kind, [user("W?"), calling(one, ""), result], tools=[WEATHER])
        yield from both("parallel-" + kind, [user("W?"), calling(two), result, other],
                        tools=[WEATHER, SEARCH])
        yield from both("loop-" + kind,
                        [user("W?"), calling(one, "Let me see.", reasoning_content="look"), result,
                         hello, user("And?"), calling(one), result], tools=[WEATHER, SEARCH])
    yield from both("empty", [user(""), {"role": "assistant", "content": ""}, user("x")])
    yield from both("null", [user("a"), {"role": "assistant", "content": None}, user("b")])
    yield from both("parts", [{"role": "user", "content": parts}])
    yield from both("unicode", [user("Ünïcödé 日本 😀\t\u00a0 'q' \"d\" <|im_end|> </s>")])
    yield from both("thinking-off", [user("Hi")], enable_thinking=False)
    yield from both("thinking-on", [user("Hi"), thought, user("Go")], enable_thinking=True)
    yield from both("documents", [user("Hi")], documents=[
        {"title": "T", "text": "Text of T", "doc_id": 1}, {"title": "U", "text": "U's"}])
    yield "late-system", {"messages": [user("a"), hello, system, user("b")]}
    yield "developer", {"messages": [{"role": "developer", "content": "Dev"}, user("b")]}
    yield "two-users", {"messages": [user("a"), user("b")]}
    yield "nobody", {"messages": []}
    yield "unknown-role", {"messages": [{"role": "narrator", "content": "n"}, user("b")]}


def expected(template, context):
    try:
        return template.render(**context).encode("utf-8", "surrogatepass")
    except Exception as e:  # whatever the template raises is its refusal
        return f"{type(e).__name__}: {e}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("templates", nargs="+", type=pathlib.Path)
    parser.add_argument("-v", action="store_true", help="show the differences")
    options = parser.parse_args()
    files = [f for p in options.templates for f in (sorted(p.glob("*.jinja")) if p.is_dir() else [p])]
    env = environment()
    totals = {"identical": 0, "both refuse": 0, "different": 0}
    whole = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        cases = []
        for name, context in conversations():
            for prompt in (True, False):
                full = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "tools": None,
                        "documents": None, **context, "add_generation_prompt": prompt}
                path = pathlib.Path(folder) / f"{name}{'' if prompt else '-closed'}.json"
                path.write_text(json.dumps(full), encoding="utf-8")
                cases.append((path, full))

        def ours(file, path):
            return subprocess.run([options.program, "template", "render", str(file), str(path),
                                   "--now", str(NOW)], capture_output=True)

        for file in files:
            template = env.from_string(file.read_text(encoding="utf-8"))
            runs = pool.map(lambda case: ours(file, case[0]), cases)
            bad = []
            for (path, full), run in zip(cases, runs):
                want = expected(template, full)
                if isinstance(want, str):
                    same = run.returncode in (1, 2, 5) and run.stderr.startswith(b"orkestra: ")
                    totals["both refuse" if same else "different"] += 1
                else:
                    same = run.returncode == 0 and run.stdout == want
                    totals["identical" if same else "different"] += 1
                if not same:
                    bad.append((path.stem, want, run))
            whole += not bad
            if bad:
                print(f"{file.name}: {len(bad)} of {len(cases)} differ: " +
                      ", ".join(name for name, _, _ in bad[:6]))
            if bad and options.v:
                name, want, run = bad[0]
                if isinstance(want, str) or run.returncode:
                    print(f"  {name}: Jinja2: {want[:150]!r}; ours: {run.returncode} {run.stderr.decode()}")
                else:
                    sys.stdout.writelines(line + "\n" for line in difflib.unified_diff(
                        want.decode().split("\n"), run.stdout.decode(errors="replace").split("\n"),
                        "jinja2", "ours", lineterm="", n=1))
    print(f"{len(files)} templates, {len(files) * len(cases)} renderings: " +
          ", ".join(f"{count} {what}" for what, count in totals.items()) +
          f"; {whole} templates without a difference")
    return totals["different"] != 0


if __name__ == "__main__":
    sys.exit(main())
