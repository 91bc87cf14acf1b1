#!/usr/bin/env python3
"""How far answers can be relied upon, and what more budget buys.

    cmake --build build/release --target orkestra bench_agent_cells word_count
    bench/reliability/reliability.py [MODEL.gguf] [--count N] [--seeds S...] [--seed N] [--svg FILE] [--json]

asks a fixed set of tasks at every level of budget: by the whole program, the demo's questions and the tasks
and rewordings typed by hand (model/nano/ask.py); by the planner's own loop, invented ones on invented
tools and texts (model/nano/cases.py, through bench_agent_cells), half of them or so such that nothing fits.
Beside the levels stands what a loop without checks would have answered on the same tasks:

  draft   the first draft of the run as it stands, refused later or not: the same offers, constraints and
          forms, but nothing is checked and nothing tried again
  alone   (invented tasks) the first draft of the model left to itself: any tool on offer, any text
  checked (invented tasks) the model left to itself in the same way, but its drafts are checked and tried
          again as a large model's are, at medium: what the checks are worth whoever writes

right: answered with the wanted value, or not answered where nothing fits. wrong: answered with something
else, or answered although nothing fits. A level, and "checked", has answered when the run is verified; draft and alone have
when they say anything but that nothing fits. Intervals are Wilson's at 95 %. All but seconds is the
same for the same seeds. Plain python3.
"""

import argparse
import json
import pathlib
import subprocess
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "model" / "nano")]
import ask  # noqa: E402
from cases import SPLITS, Cases, interval, said  # noqa: E402
from svg import Drawing  # noqa: E402

LEVELS = ["low", "medium", "high"]
FREE = {"alone": ["--alone"], "checked": ["--prose"]}  # flags of bench_agent_cells
SKILLS = ["lookups", "passage", "several steps", "not found: tool", "not found: passage"]
GROUPS = ["by hand", "invented", "invented, nothing fits"]
ABSTAIN = (ROOT / "planner" / "prompts" / "abstain.txt").read_text().strip()
OUTCOMES = ["right", "wrong", "not answered"]
COLOURS = {"right": "#3a8f5c", "wrong": "#c0392b", "not answered": "#d9d9d9"}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("model", nargs="?", default=ROOT / "model" / "nano" / "nano.gguf", type=pathlib.Path)
    add("--orkestra", default=ROOT / "build/release/bin/orkestra", type=pathlib.Path, metavar="FILE")
    add("--cells", default=ROOT / "build/release/bin/bench_agent_cells", type=pathlib.Path, metavar="FILE")
    add("--count", type=int, default=60, help="invented tasks a cell (20 cells; default: %(default)s)")
    add("--seeds", type=int, nargs="+", default=[101, 202], help="of the invented tasks")
    add("--seed", type=int, default=0, help="of the runs")
    add("--levels", nargs="+", default=LEVELS, choices=LEVELS)
    add("--jobs", type=int, default=2, help="tasks at the same time, each on one thread")
    add("--svg", type=pathlib.Path, help="where to draw it")
    add("--tasks", type=pathlib.Path, help="a file for every task's outcome, one JSON object a line")
    add("--json", action="store_true", help="print rows as JSON instead of tables")
    options = parser.parse_args()
    for file in (options.orkestra, options.cells, options.model, ask.SOURCES["plugin"][1]):
        if not file.exists():
            parser.error(f"{file} is missing; the first line of --help builds what is needed")
    return options


def first_draft(events):
    """What the first line of a run came to before anything was checked: its answer or "", how sure the
    model was of all it wrote up to there, and what that took."""
    draft = {"answer": "", "log_probability": 0.0, "processed": 0, "generated": 0, "tool_calls": 0}
    begun = events[0]["at_ms"]
    for event in events:
        if event["branch"] != "main":
            break
        draft["seconds"] = (event["at_ms"] - begun) / 1000
        draft["tool_calls"] += event["kind"] == "tool_intended"
        if event["kind"] == "generated":
            used, written = event["body"]["usage"], event["body"]["candidates"][0]
            draft["processed"] += used["prompt"] - used["reused"]
            draft["generated"] += used["generated"]
            draft["log_probability"] += written["log_probability"]
            if not written["turn"].get("tool_calls"):
                text = written["turn"]["text"].strip()
                draft["answer"] = "" if text == ABSTAIN else text
                break
    return draft


def whole_run(report):
    used = report["usage"]
    tries = report["events"][0]["body"]["budget"]["repairs"]
    branches = report["branches"] if isinstance(report["branches"], int) else len(report["branches"])
    stopped = "the budget was used up" if report["status"] == "exhausted" else (
        "tries used up" if branches > tries else "nothing left to try")
    return {"answer": report["answer"] if report["status"] == "verified" else "", "stopped": stopped, "tries": branches,
            "processed": used["prompt_tokens"] - used["reused_tokens"], "generated": used["generated_tokens"],
            "tool_calls": used["tool_calls"], "seconds": used["seconds"]}


def outcome(answer, wanted, states):
    """wanted: the value, None where nothing fits; states(value, answer): whether it says that."""
    if wanted is None:
        return "wrong" if answer else "right"
    if not answer:
        return "not answered"
    return "right" if states(wanted, answer) else "wrong"


def by_hand():
    for what in ("demo", "tasks", "rewordings"):
        for source, task, value in ask.demo() if what == "demo" else ask.tasks(what):
            yield what, source, task, None if value == "-" else value


def hand_says(value, answer):
    return ask.grade({"status": "verified", "answer": answer}, value) == "right"


class Bench:
    def __init__(self, options):
        self.options = options
        self.records = []

    def record(self, group, cell, task, wanted, states, policy, run):
        self.records.append({
            "group": group, "cell": cell, "task": task, "wanted": wanted, "policy": policy,
            "outcome": outcome(run["answer"], wanted, states), **run})

    def ask_by_hand(self, pool):
        asked = list(by_hand())
        for level in self.options.levels:
            flags = ["--budget", level, "--seed", self.options.seed, "--threads", 1]
            reports = pool.map(lambda t: ask.ask(self.options.orkestra, self.options.model, t[1], t[2], flags, True), asked)
            for (what, _, task, wanted), report in zip(asked, reports):
                if "events" not in report:
                    sys.exit("reliability: %s: %s" % (task, report["answer"]))
                if level == self.options.levels[0]:
                    self.record("by hand", what, task, wanted, hand_says, "draft", first_draft(report["events"]))
                self.record("by hand", what, task, wanted, hand_says, level, whole_run(report))

    def cell(self, split, skill):
        made, seeds = [], self.options.seeds
        for i, seed in enumerate(seeds):
            cases = Cases(seed, SPLITS[split])
            made += [cases.case(skill) for _ in range((self.options.count + i) // len(seeds))]
        return made

    def run_cell(self, made, flags):
        command = [self.options.cells, self.options.model, "--events", "--threads", 1, "--seed", self.options.seed, *flags]
        done = subprocess.run([str(c) for c in command], input="".join(json.dumps(case) + "\n" for case, _ in made),
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit("reliability: " + done.stderr.strip())
        reports = []
        for line in done.stdout.splitlines():  # events are large: only what is read of them stays
            report = json.loads(line)
            reports.append((first_draft(report["events"]), whole_run(report)))
        return reports

    def ask_invented(self, pool):
        wanted = [(split, skill, self.cell(split, skill)) for split in SPLITS for skill in SKILLS]
        jobs = [(split, skill, made, policy) for split, skill, made in wanted for policy in [*FREE, *self.options.levels]]
        results = pool.map(lambda j: self.run_cell(j[2], FREE.get(j[3]) or ["--budget", j[3]]), jobs)
        for (split, skill, made, policy), reports in zip(jobs, results):
            group = "invented, nothing fits" if skill.startswith("not found") else "invented"
            for (case, wants), (draft, run) in zip(made, reports, strict=True):
                cell = skill + ", " + split
                runs = {policy: draft if policy == "alone" else run}
                if policy == self.options.levels[0]:
                    runs["draft"] = draft
                for name, one in runs.items():
                    self.record(group, cell, case["task"], wants["value"], said, name, one)


def mean(records, what):
    return sum(r[what] for r in records) / len(records)


def summed(records):
    count, n = Counter(r["outcome"] for r in records), len(records)
    row = {"asked": n, **{o: count[o] for o in OUTCOMES}}
    row["shares"] = {o: {"share": count[o] / n, "interval": interval(count[o] / n, n)} for o in OUTCOMES}
    answered = [r for r in records if r["answer"]]
    good = sum(r["outcome"] == "right" for r in answered)
    row["answered"] = len(answered)
    row["reliable"] = {"share": good / len(answered), "interval": interval(good / len(answered), len(answered))} if answered else None
    row["cost"] = {what: mean(records, what) for what in ("processed", "generated", "tool_calls", "seconds")}
    row["stopped"] = dict(Counter(r["stopped"] for r in records if not r["answer"] and "stopped" in r))
    return row


def summary(records):
    """Rows by group and cell; "all" over everything that is asked under that policy."""
    sets = defaultdict(list)
    for r in records:
        for group, cell in ((r["group"], "all"), (r["group"], r["cell"])):
            sets[group, cell, r["policy"]].append(r)
    return [{"group": g, "cell": c, "policy": p, **summed(rs)} for (g, c, p), rs in sets.items()]


def risk_over_coverage(records):
    """Of the drafts the model was surest of, the share that is wrong: [(share answered, share wrong)]."""
    answered = sorted((r for r in records if r["answer"]), key=lambda r: -r["log_probability"])
    points, wrong = [], 0
    for i, r in enumerate(answered, 1):
        wrong += r["outcome"] == "wrong"
        points.append((i / len(records), wrong / i))
    return points


def by_tries(records):
    """What the first so many drafts and branches gave: {tries: right, wrong, not answered}. Levels of one model
    differ in how many they allow (and in tokens and seconds), so this holds for every level up to its own."""
    counts = {}
    for tries in sorted({1, *(r["tries"] for r in records if r["answer"])}):
        count = Counter()
        for r in records:
            in_time = r["answer"] and r["tries"] <= tries
            count["answered"] += bool(in_time)
            count[r["outcome"] if in_time else "right" if r["wanted"] is None else "not answered"] += 1
        counts[tries] = dict(count)
    return counts


def found(rows, group, policy, cell="all"):
    return next((r for r in rows if (r["group"], r["cell"], r["policy"]) == (group, cell, policy)), None)


def share(part):
    return "%.3f [%.2f, %.2f]" % (part["share"], *part["interval"])


def tries_table(records, level):
    lines = ["| tries | " + " | ".join("%s: right, wrong, not answered" % g for g in GROUPS) + " |", "|---|---|---|---|"]
    groups = [by_tries([r for r in records if r["policy"] == level and r["group"] == g]) for g in GROUPS]
    last = [None] * len(GROUPS)
    for tries in sorted({t for counts in groups for t in counts}):
        last = [counts.get(tries, before) for counts, before in zip(groups, last)]
        lines.append("| %d | %s |" % (tries, " | ".join(", ".join(str(c.get(o, 0)) for o in OUTCOMES) for c in last)))
    return "\n".join(lines)


def tables(rows, policies):
    lines = ["| tasks | answered by | asked | right | wrong | not answered | right of those answered |", "|---|---|---|---|---|---|---|"]
    for group in GROUPS:
        for policy in policies:
            row = found(rows, group, policy)
            if row:
                parts = ["%d: %s" % (row[o], share(row["shares"][o])) for o in OUTCOMES]
                of = share(row["reliable"]) if row["reliable"] and not group.endswith("nothing fits") else "–"
                lines.append("| %s | %s | %d | %s | %s |" % (group, policy, row["asked"], " | ".join(parts), of))
    lines += ["", "| a task takes | answered by | tokens processed | tokens written | tool calls | seconds |", "|---|---|---|---|---|---|"]
    for group in GROUPS:
        for policy in policies:
            row = found(rows, group, policy)
            if row:
                c = row["cost"]
                lines.append("| %s | %s | %.0f | %.0f | %.2f | %.3f |" % (
                    group, policy, c["processed"], c["generated"], c["tool_calls"], c["seconds"]))
    lines += ["", "| tasks | " + " | ".join(policies) + " |", "|---|" + "---|" * len(policies)]
    for group, cell in dict.fromkeys((r["group"], r["cell"]) for r in rows if r["cell"] != "all"):
        found_rows = [found(rows, group, p, cell) for p in policies]
        shown = ["%d / %d / %d" % tuple(r[o] for o in OUTCOMES) if r else "" for r in found_rows]
        lines.append("| %s | %s |" % ((cell if group != "by hand" else "by hand: " + cell), " | ".join(shown)))
    lines += ["", "Not answered, and why it ended there:"]
    for policy in (p for p in policies if p in LEVELS):
        stopped = Counter()
        for group in GROUPS[:2]:
            stopped.update((found(rows, group, policy) or {}).get("stopped", {}))
        if stopped:
            lines.append("- %s: %s" % (policy, ", ".join("%d %s" % (n, why) for why, n in stopped.most_common())))
    return "\n".join(lines)


def bars(drawing, rows, policies, left, width):
    """Of every group and policy, the shares of its outcomes side by side."""
    y = 50
    drawing.text(left + width / 2, 24, "What became of the tasks", "middle", bold=True)
    for group in GROUPS:
        drawing.text(left, y + 12, group, bold=True)
        y += 20
        for policy in policies:
            row = found(rows, group, policy)
            if not row:
                continue
            x = left + 64
            drawing.text(x - 6, y + 12, policy, "end")
            for o in OUTCOMES:
                part = row["shares"][o]["share"] * (width - 64)
                drawing.box(x, y, part, 16, COLOURS[o])
                if part > 22:
                    drawing.text(x + part / 2, y + 12, "%.0f" % (100 * row["shares"][o]["share"]), "middle")
                x += part
            y += 20
        y += 8
    for i, o in enumerate(OUTCOMES):
        drawing.box(left + 64 + i * 90, y, 12, 12, COLOURS[o])
        drawing.text(left + 80 + i * 90, y + 11, o + (", %" if i == 2 else ""))
    return y + 24


def risk_plot(drawing, records, policies, left, width, height):
    """Risk over coverage: drafts as curves (the surest first), verified answers by tries and by level."""
    top, bottom = 50, height - 46
    lines = {"draft": "#c9741a", "alone": "#8a8a8a"}
    marks = {"low": "#9ecae1", "medium": "#4a90c2", "high": "#1b4f80", "checked": "#8e44ad"}

    def place(coverage, risk):
        return left + 44 + coverage * (width - 64), bottom - risk * (bottom - top)

    def asked_of(policy):
        return [r for r in records if r["policy"] == policy and r["group"] != "by hand"]

    drawing.text(left + width / 2, 24, "Invented tasks: how many of the answers are wrong", "middle", bold=True)
    for tick in range(0, 11, 2):
        drawing.line([place(0, tick / 10), place(1, tick / 10)], "#dddddd")
        drawing.text(place(0, 0)[0] - 6, place(0, tick / 10)[1] + 4, "%d %%" % (10 * tick), "end")
        drawing.text(place(tick / 10, 0)[0], bottom + 16, "%d %%" % (10 * tick), "middle")
    drawing.text(left + width / 2, bottom + 34, "share of all tasks that is answered (drafts: the model's surest first)", "middle")
    for policy, colour in lines.items():
        points = [place(*p) for p in risk_over_coverage(asked_of(policy))[9:]]  # of fewer, chance decides
        if points:
            drawing.line(points, colour, 2)
            drawing.text(points[-1][0] - 4, points[-1][1] - 8, policy, "end")
    last = asked_of(policies[-1])
    fitting = sum(r["wanted"] is not None for r in last) / len(last)
    drawing.line([place(fitting, 0), place(fitting, 1)], "#888888", dashes="3 3")
    drawing.text(place(fitting, 0)[0] + 4, place(0, 0.28)[1], "as many have an answer")
    path = [place(c["answered"] / len(last), c.get("wrong", 0) / max(1, c["answered"])) for c in by_tries(last).values()]
    drawing.line(path, COLOURS["right"], 2)
    drawing.dot(*path[0], COLOURS["right"])
    drawing.text(path[0][0], path[0][1] - 10, "verified at the first try", "middle")
    for i, policy in enumerate(p for p in marks if p in policies):
        one = asked_of(policy)
        answered = [r for r in one if r["answer"]]
        wrong = sum(r["outcome"] == "wrong" for r in answered)
        drawing.dot(*place(len(answered) / len(one), wrong / max(1, len(answered))), marks[policy], 7 - 2 * i if policy in LEVELS else 4)
        drawing.dot(left + 64, top + 12 + 18 * i, marks[policy])
        drawing.text(left + 74, top + 16 + 18 * i, ("verified, budget " if policy in LEVELS else "") + policy)


def draw(rows, records, policies, path):
    shown = sum(found(rows, g, p) is not None for g in GROUPS for p in policies)
    height = 50 + 28 * len(GROUPS) + 20 * shown + 30
    drawing = Drawing(940, height)
    bars(drawing, rows, policies, 20, 420)
    risk_plot(drawing, records, policies, 470, 450, height)
    drawing.write(path)


def main():
    options = parse_arguments()
    bench = Bench(options)
    with ThreadPoolExecutor(options.jobs) as pool:
        bench.ask_by_hand(pool)
        bench.ask_invented(pool)
    policies = ["alone", "checked", "draft", *options.levels]
    rows = summary(bench.records)
    if options.json:
        print(json.dumps({"model": options.model.name, "count": options.count, "seeds": options.seeds, "seed": options.seed,
                          "rows": rows, "by_tries": by_tries([r for r in bench.records if r["policy"] == options.levels[-1]])},
                         indent=1))
    else:
        print(tables(rows, policies))
        print("\nVerified within so many tries (low allows 5, medium 9, high 25):\n")
        print(tries_table(bench.records, options.levels[-1]))
    if options.tasks:
        options.tasks.write_text("".join(json.dumps(r) + "\n" for r in bench.records), encoding="utf-8")
    if options.svg:
        draw(rows, bench.records, policies, options.svg)


if __name__ == "__main__":
    main()
