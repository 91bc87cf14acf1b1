"""The model as the agent uses it: cases for bench_agent_cells, and what came of them.

usage: cases.py CELLS MODEL.gguf [--count N] [--seeds S...] [--skills SKILL...] [--failures FILE]

CELLS is the program bench_agent_cells (cmake --build build/release --target bench_agent_cells). Every
decision is made by the whole agent: the planner's loop, its constraints and checks, the engine. Names
of things, values and half of all other words are made up anew for every case. Plain python3.

A cell is a skill and what of it was held out of training (forms of requests and sentences, or of
descriptions). Shares have Wilson's 95 % interval; "accepted wrong" counts answers that left verified
although they are not what the case wants.
"""

import argparse
import json
import math
import subprocess
from collections import defaultdict

from episodes import LEVELS, Episodes
from facts import AFTER
from outlines import Outlines
from words import DONE

SPLITS = {"seen": {}, "held-out requests": {"requests": "held"}, "fresh requests": {"requests": "fresh"},
          "held-out descriptions": {"descriptions": "held", "word_split": "held"}}
SKILLS = ["tool", "call", "answer", "not found: tool", "passage", "not found: passage", "verdict", "several steps", "not found: condition", "outline"]


def schema(tool):
    properties = {k: {"type": t, "x-copy": True} for k, t in tool.parameters.items() if t == "string"}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def described(tool, attribute=None, kind=None, gives=(), domain=None):
    spec = {"description": tool.description, "name": tool.name, "parameters": schema(tool), "gives": list(gives)}
    if attribute:
        first = next(iter(tool.parameters))
        spec["answer_form"] = "The %s of the %s {%s} is {%s}." % (attribute, kind, first, attribute)
    if domain:
        next(iter(spec["parameters"]["properties"].values()))["x-domain"] = domain
    return spec


def plain(value, bare):
    return json.loads(value) if bare else value


def shown(value, bare):
    """As a result shows it: 1243.30 is given as a number, and reads 1243.3."""
    return json.dumps(json.loads(value)) if bare else value


class Cases:
    def __init__(self, seed, split):
        self.episodes = Episodes(seed, LEVELS[-1], **split)
        self.world, self.rng, self.forms = self.episodes.world, self.episodes.rng, self.episodes.requests

    def _not(self, draw, value):
        return self.episodes._not(draw, value)

    def lookups(self, fits=True):
        """A request for one attribute of one thing; 2 to 6 tools that each give one attribute of one kind."""
        w, e = self.world, self.episodes
        kind, entity, attribute = w.kind(), w.name(), w.attribute()
        question = w.question(self.forms, attribute, kind, entity, 0.3)
        value, bare = w.value()
        names = [w.name() for _ in range(4)] + [entity]
        self.rng.shuffle(names)
        known = self.rng.random() < 0.5  # whether the tools know which things there are, as saved queries do
        pairs = [(attribute, kind)] if fits else []
        while len(pairs) < self.rng.randint(2, 6):
            other = (self._not(w.attribute, attribute), kind if self.rng.random() < 0.6 else self._not(w.kind, kind))
            if known and self.rng.random() < 0.2:
                other = (attribute, self._not(w.kind, kind))
            if other not in pairs:
                pairs.append(other)
        self.rng.shuffle(pairs)
        tools, used, right = [], set(), None
        for a, k in pairs:
            tool = e._fact_tool([a], k)
            while tool.name in used:
                tool.name += w.digits(1, 1)
            used.add(tool.name)
            v, b = (value, bare) if (a, k) == (attribute, kind) else w.value()
            first = next(iter(tool.parameters))
            gives = [{"arguments": {first: entity}, "value": {a: plain(v, b)}}]
            domain = names if k == kind else [w.name() for _ in range(5)]
            tools.append(described(tool, a, k, gives, domain if known else None))
            if (a, k) == (attribute, kind):
                right = {"name": tool.name, "arguments": {first: entity}}
        return {"task": question, "tools": tools}, {"first": right, "value": shown(value, bare) if fits else None}

    def passages(self, fits=True):
        """A question and 2 to 5 passages of one or two sentences, one of which holds the answer, or none."""
        e = self.episodes
        question, right, drawn = e._texts()
        done = [d for d in DONE if d in question]

        def other():  # that doesn't answer it by chance
            while True:
                text = drawn()
                if not any(d in text for d in done):
                    return text

        count = self.rng.randint(2, 5)
        texts = [" ".join(other() for _ in range(self.rng.randint(1, 2))) for _ in range(count)]
        if fits:
            place = self.rng.randrange(count)
            texts[place] = right if self.rng.random() < 0.5 else texts[place] + " " + right
        tool = {"description": "Search the documents for the passages that fit a question best.", "name": "search_documents",
                "parameters": {"type": "object", "properties": {"query": {"type": "string", "x-span": "(?s).+"}}, "required": ["query"]},
                "passages": texts}
        return {"task": question, "tools": [tool]}, {"value": right.rstrip(".") if fits else None}

    def verdict(self):
        """A claim, and a sentence that says it in a form of its own, says otherwise, or says something else."""
        w = self.world
        kind, entity, attribute = w.kind(), w.name(), w.attribute()
        value, _ = w.value()
        claim, drawn = w.sentence(self.forms, attribute, kind, entity, value), []
        for _ in range(self.rng.randint(1, 3)):
            verdict = w.pick(["supported", "contradicted", "not_found"])
            a, e, v = attribute, entity, value
            if verdict == "contradicted":
                v = self._not(lambda: self._near(value), value)
            elif verdict == "not_found":
                if self.rng.random() < 0.5:
                    a = self._not(w.attribute, a)
                else:
                    e = self._not(w.name, e)
                v = value if self.rng.random() < 0.3 else w.value()[0]
            drawn.append((w.sentence(self.forms, a, kind, e, v), verdict))
        text, verdict = drawn[0]
        return {"claim": claim, "text": text}, {"verdict": verdict}

    def _near(self, value):
        """Another value of the same sort."""
        if self.rng.random() < 0.5 and any(c.isdigit() for c in value):
            at = self.rng.choice([i for i, c in enumerate(value) if c.isdigit()])
            return value[:at] + self.world.pick("0123456789") + value[at + 1:]
        return self.world.value()[0]

    def chain(self):
        """One thing leads to another: the phone of the director of the warehouse."""
        w, e = self.world, self.episodes
        kind, entity, link, attribute = w.kind(), w.name(), w.attribute(), w.attribute()
        attribute = attribute if attribute != link else self._not(w.attribute, link)
        person, (value, bare) = w.name(), w.value()
        question = w.question(self.forms, attribute, kind, "the %s of the %s %s" % (link, kind, entity), 1.0, aside=0)
        one, two = e._fact_tool([link], kind), e._fact_tool([attribute], link)
        if one.name == two.name:
            two.name += "_2"
        first, second = next(iter(one.parameters)), next(iter(two.parameters))
        tools = [described(one, link, kind, [{"arguments": {first: entity}, "value": {link: person}}]),
                 described(two, attribute, link, [{"arguments": {second: person}, "value": {attribute: plain(value, bare)}}])]
        self.rng.shuffle(tools)
        return {"task": question, "tools": tools}, {"value": shown(value, bare)}

    def outline(self):
        outlines = Outlines(self.world)
        text, parts, asks = outlines.sentence() if self.forms == "seen" else outlines.held_out(self.forms)
        return {"sentence": text, "asks": asks}, {k: parts.get(k, "") for k in ("what", "of", "with", "is")}

    def condition(self):
        """A request that what is on offer fits but for a condition, of which it says nothing."""
        case, _ = self.lookups()
        text, after = case["task"], ""
        for said in AFTER:
            if said and text.endswith(said):
                text, after = text[: -len(said)], said
        condition = Outlines(self.world).condition(1.0)
        text = text[:-1] + " " + condition + text[-1] if text[-1] in ".?!" else text + " " + condition
        case["task"] = text + after
        return case, {"value": None}

    def case(self, skill):
        if skill == "outline":
            return self.outline()
        if skill == "not found: condition":
            return self.condition()
        if skill == "verdict":
            return self.verdict()
        if skill == "several steps":
            return self.chain()
        fits = not skill.startswith("not found")
        return self.passages(fits) if "passage" in skill else self.lookups(fits)


def said(value, answer):
    """Whether the answer states the value, as a whole."""
    at = answer.find(value)
    return at >= 0 and not (answer[at + len(value):at + len(value) + 1].isalnum() or answer[at - 1:at].isalnum() and at > 0)


def grade(skill, outcome, wanted, count):
    """Adds the decisions of one case; "wrong" are those that the agent let pass."""
    if skill == "outline":
        count["outline"].append(all(outcome[k] == v for k, v in wanted.items()))
        return
    if skill == "verdict":
        count["verdict"].append(outcome["verdict"] == wanted["verdict"])
        count["verdict, accepted wrong"].append(outcome["verdict"] == "supported" != wanted["verdict"])
        return
    verified = outcome["status"] == "verified"
    if wanted["value"] is None:
        count[skill].append(not verified)
        count[skill + ", accepted wrong"].append(verified)
        return
    right = verified and said(wanted["value"], outcome["answer"])
    count["answer" if skill == "lookups" else skill].append(right)
    count[("answer" if skill == "lookups" else skill) + ", accepted wrong"].append(verified and not right)
    if skill == "lookups":
        first = outcome["first"]
        count["tool"].append(bool(first) and first["name"] == wanted["first"]["name"])
        count["call"].append(first == wanted["first"])


def interval(share, n):
    z = 1.96
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("cells")
    p.add_argument("model")
    p.add_argument("--count", type=int, default=300)
    p.add_argument("--seeds", type=int, nargs="+", default=[101, 202])
    p.add_argument("--skills", nargs="+", default=["lookups", *SKILLS[3:]], help="lookups: tool, call and answer")
    p.add_argument("--splits", nargs="+", default=list(SPLITS), choices=SPLITS, help="fresh: forms of fresh.py")
    p.add_argument("--failures", help="a file for what went wrong")
    opts = p.parse_args()
    shown, sure = defaultdict(dict), defaultdict(list)
    failures = open(opts.failures, "w") if opts.failures else None
    for split in opts.splits:
        held = SPLITS[split]
        count = defaultdict(list)
        for skill in opts.skills:
            made = []
            for seed in opts.seeds:
                cases = Cases(seed, held)
                made += [cases.case(skill) for _ in range(math.ceil(opts.count / len(opts.seeds)))]
            asked = "".join(json.dumps(case) + "\n" for case, _ in made)
            done = subprocess.run([opts.cells, opts.model], input=asked, capture_output=True, text=True, check=True)
            for (case, wanted), line in zip(made, done.stdout.splitlines(), strict=True):
                outcome, one = json.loads(line), defaultdict(list)
                grade(skill, outcome, wanted, one)
                if skill == "outline":
                    sure[min(4, int(outcome["sureness"] * 5)), split] += one[skill]
                for what, results in one.items():
                    count[what] += results
                if failures and not all(r != ("wrong" in what) for what, rs in one.items() for r in rs):
                    failures.write(json.dumps({"split": split, "skill": skill, "case": case, "wanted": wanted, "outcome": outcome}) + "\n")
        for what, results in count.items():
            shown[what][split] = (sum(results), len(results))
    print("| decision | " + " | ".join(opts.splits) + " | accepted wrong |\n|" + "---|" * (len(opts.splits) + 2))
    for skill in SKILLS:
        if skill not in shown:
            continue
        row = []
        for split in opts.splits:
            right, n = shown[skill][split]
            row.append("%.3f [%.2f, %.2f] (%d)" % (right / n, *interval(right / n, n), n))
        wrong = shown.get(skill + ", accepted wrong")
        print("| %s | %s | %s |" % (skill, " | ".join(row), " / ".join(str(wrong[s][0]) for s in opts.splits) if wrong else ""))
    if sure:
        print("\n| the model's own probability of an outline | " + " | ".join(opts.splits) + " |\n|" + "---|" * (len(opts.splits) + 1))
        for low in range(5):
            row = [sure[low, split] for split in opts.splits]
            print("| %.1f to %.1f | " % (low / 5, (low + 1) / 5) + " | ".join("%.2f (%d)" % (sum(r) / len(r), len(r)) if r else "" for r in row) + " |")


if __name__ == "__main__":
    main()
