"""Asks the whole agent the tasks of tasks/*.tsv, or the demo's questions, on a model file.

usage: ask.py ORKESTRA MODEL.gguf [tasks|rewordings|demo] [--table]

at once: right with the first call it made.
right: verified, and the answer states the value (or: not answered, where the sources don't say).
wrong: verified with something else. Everything else is "not answered". Plain python3.
"""

import json
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TASKS = Path(__file__).resolve().parent / "tasks"
SALES = ROOT / "examples" / "sales"
SOURCES = {
    "sales": ["--db", SALES / "sales.db", "--queries", SALES / "queries.sql"],
    "more": ["--db", SALES / "sales.db", "--queries", TASKS / "more.sql"],
    "handbook": ["--docs", ROOT / "examples" / "handbook"],
    "tools": ["--files", ROOT / "examples" / "handbook"],
    "plugin": ["--plugin", ROOT / "build" / "release" / "plugins" / "word_count.so"],
}
DEMO = {
    "What is the balance of the customer {}?": "select name, balance from customers limit 20",
    "What is the priority of the customer {}?": "select name, priority from customers limit 20",
    "What is the price of the device {}?": "select name, price from devices limit 20",
    "Who is the director of the warehouse {}?": "select name, director from warehouses limit 20",
    "What is the deadline of the order {}?": "select id, deadline from orders limit 20",
}


def ask(program, model, source, task, flags=(), events=False):
    """The report of `orkestra run` with further flags; with the run's events, as `runs show` gives it."""
    with tempfile.TemporaryDirectory() as folder:
        def orkestra(*arguments):
            command = [program, *arguments, "--store", folder + "/store.db", "--json"]
            return subprocess.run([str(c) for c in command], capture_output=True, text=True)

        done = orkestra("run", task, "--model", model, *SOURCES[source], *flags)
        if events and done.stdout:
            done = orkestra("runs", "show", json.loads(done.stdout)["id"])
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        return {"status": "failed", "answer": done.stderr.strip(), "steps": []}


def grade(report, expected):
    if report["status"] != "verified":
        return "right" if expected == "-" else "not answered"
    if expected == "-":
        return "wrong"
    said = re.search(r"(?<![\w.])" + re.escape(expected) + r"(?![\w]|\.\d)", report["answer"])
    return "right" if said else "wrong"


def tasks(what):
    for line in (TASKS / (what + ".tsv")).read_text().splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def demo():
    with sqlite3.connect(SALES / "sales.db") as db:
        for form, query in DEMO.items():
            for name, value in db.execute(query):
                yield "sales", form.format(name), str(value)


def main():
    program, model, what = sys.argv[1], sys.argv[2], (sys.argv[3:] or ["tasks"])[0]
    asked = list(demo() if what == "demo" else tasks(what))
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda t: ask(program, model, t[0], t[1]), asked))
    counts = {}
    for (source, task, expected), report in zip(asked, reports):
        outcome = grade(report, expected)
        group = source if what != "demo" else re.sub(r"(the \w+) \S.*\?", r"\1 …?", task)
        count = counts.setdefault(group, Counter())
        count[outcome] += 1
        count["at once"] += outcome == "right" and expected != "-" and len(report.get("steps", [])) == 1
        if "--table" in sys.argv:
            said = report["answer"] if report["status"] == "verified" else "(%s)" % report["status"]
            print("| %s | %s | %s | %s |" % (task, expected if expected != "-" else "not said", said.replace("\n", " "), outcome))
    for group, c in counts.items():
        print("%-30s asked %3d  right %3d (at once %3d)  wrong %3d  not answered %3d" % (
            group, c["right"] + c["wrong"] + c["not answered"], c["right"], c["at once"], c["wrong"], c["not answered"]))


if __name__ == "__main__":
    main()
