"""bench/reliability: how outcomes are counted, and that the same seeds give the same figures."""

import argparse
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "bench" / "reliability"))

import reliability  # noqa: E402

CELLS = None


def record(policy, outcome, answer="a", wanted="a", group="invented", **more):
    cost = {"processed": 1, "generated": 1, "tool_calls": 1, "seconds": 0.5}
    return {"group": group, "cell": "c", "policy": policy, "outcome": outcome, "answer": answer, "wanted": wanted, **cost, **more}


def event(kind, branch="main", at_ms=0, **body):
    return {"kind": kind, "branch": branch, "at_ms": at_ms, "body": body}


def wrote(text="", calls=(), branch="main", at_ms=0):
    turn = {"text": text, "tool_calls": list(calls)}
    return event("generated", branch, at_ms, candidates=[{"turn": turn, "log_probability": -0.5}],
                 usage={"prompt": 10, "reused": 4, "generated": 3})


class Reliability(unittest.TestCase):
    def test_an_answer_where_nothing_fits_is_wrong_and_none_is_right(self):
        says = reliability.said
        self.assertEqual(reliability.outcome("It is 5.", "5", says), "right")
        self.assertEqual(reliability.outcome("It is 51.", "5", says), "wrong")
        self.assertEqual(reliability.outcome("", "5", says), "not answered")
        self.assertEqual(reliability.outcome("It is 5.", None, says), "wrong")
        self.assertEqual(reliability.outcome("", None, says), "right")

    def test_the_first_draft_is_that_of_the_first_line_and_costs_what_led_to_it(self):
        events = [event("run_started"), wrote(calls=["get"]), event("tool_intended"), wrote("It is 5 [1].", at_ms=250),
                  wrote("It is 6 [1].", branch="main/2", at_ms=900)]
        draft = reliability.first_draft(events)
        self.assertEqual(draft, {"answer": "It is 5 [1].", "log_probability": -1.0, "processed": 12, "generated": 6,
                                 "tool_calls": 1, "seconds": 0.25})
        self.assertEqual(reliability.first_draft([events[0], wrote(reliability.ABSTAIN)])["answer"], "")
        self.assertEqual(reliability.first_draft([events[0], events[4]])["answer"], "")

    def test_more_tries_only_add_answers(self):
        records = [record("high", "right", tries=1), record("high", "wrong", tries=3),
                   record("high", "not answered", answer="", tries=4),
                   record("high", "right", answer="", wanted=None, tries=2)]
        self.assertEqual(reliability.by_tries(records), {
            1: {"answered": 1, "right": 2, "not answered": 2},
            3: {"answered": 2, "right": 2, "wrong": 1, "not answered": 1}})

    def test_risk_begins_with_what_the_model_is_surest_of(self):
        records = [record("draft", "wrong", log_probability=-2.0), record("draft", "right", log_probability=-1.0),
                   record("draft", "not answered", answer="", log_probability=-0.1),
                   record("draft", "right", log_probability=-3.0)]
        self.assertEqual(reliability.risk_over_coverage(records), [(0.25, 0), (0.5, 0.5), (0.75, 1 / 3)])

    def test_tables_and_drawing_hold_every_group(self):
        records = [record(p, "right", group=g, tries=1, stopped="nothing left to try", log_probability=-1.0)
                   for p in ("alone", "draft", "low", "high") for g in reliability.GROUPS]
        rows = reliability.summary(records)
        table = reliability.tables(rows, ["alone", "draft", "low", "high"])
        self.assertEqual(table.count("1: 1.000 [0.21, 1.00]"), 12)
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "drawing.svg"
            reliability.draw(rows, records, ["alone", "draft", "low", "high"], file)
            self.assertTrue(file.read_text().endswith("</svg>\n"))

    def test_the_same_seed_gives_the_same_outcomes(self):
        model = ROOT / "model" / "nano" / "nano.gguf"
        options = argparse.Namespace(count=3, seeds=[5], seed=7, levels=["high"], cells=CELLS, model=model)
        bench = reliability.Bench(options)
        made = bench.cell("seen", "lookups")

        def asked():
            reports = bench.run_cell(made, ["--budget", "high"])
            return [{k: v for k, v in part.items() if k != "seconds"} for pair in reports for part in pair]

        first = asked()
        self.assertEqual(len(first), 6)
        self.assertTrue(any(run["answer"] for run in first))
        self.assertEqual(first, asked())


if __name__ == "__main__":
    CELLS = sys.argv.pop()
    unittest.main()
