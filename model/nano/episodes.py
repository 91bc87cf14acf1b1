"""Episodes: conversations in the planner's own prompts, with what the model should write.

An episode is a list of Turn; an assistant turn carries the class of each of its parts, so that
training and evaluation know which tokens are decisions. Deterministic for a seed.

The order is the chat template's: the request, then the tools on offer, then the turns. A tool line
has its description before its name, so that what stands at the name has read what the tool does
and has compared it with the request.
"""

import json
import random
from dataclasses import dataclass, field
from pathlib import Path

import words
from facts import NOUNS, World
from outlines import Outlines

HERE = Path(__file__).resolve().parent
PROMPTS = HERE.parents[1] / "planner" / "prompts"

SYNTAX, NAME, ARGUMENT, WORDS, VALUE, CITATION, OUTLINE, REFUSAL = range(1, 9)
DECISION = 10  # the first token of a turn that calls or refuses: which of the two it is
REPEATED = 9  # in a prompt: goes on as something before it did; learning these is learning to copy


def catalogue():
    return {p.stem: p.read_text().rstrip("\n") for p in sorted(PROMPTS.glob("*.txt"))}


@dataclass
class Turn:
    role: str  # user, tools, tool, assistant
    text: str = ""
    parts: list = field(default_factory=list)  # of an assistant turn: (text, class)
    kind: str = ""  # what an assistant turn decides: call, refuse, answer, quote, outline, repeat
    names: list = field(default_factory=list)  # of a tools turn: what is offered
    wanted: list = field(default_factory=list)  # of a tools turn: whether each is what is asked for


@dataclass
class Tool:
    description: str
    name: str
    parameters: dict  # name -> type

    def line(self):
        return '{"description":%s,"name":%s,"parameters":%s}' % tuple(
            json.dumps(x, ensure_ascii=False, separators=(",", ":")) for x in (self.description, self.name, self.parameters))


@dataclass
class Level:
    """How hard episodes are; training moves on when it does well at one."""

    mix: dict  # task -> share
    tools: int = 5
    fields: int = 3
    texts: int = 3
    invented: float = 0.4
    unfit: float = 0.25  # of the offers, how many hold nothing that fits
    sums: float = 0.45  # how often the calculator is on offer, too
    results: float = 0.5  # how often a call goes on with its result


LEVELS = [
    Level({"repeat": 0.2, "outline": 0.4, "read": 0.15, "call": 0.25}, tools=2, fields=2, texts=1, invented=0.6, unfit=0.1),
    Level({"repeat": 0.02, "outline": 0.45, "read": 0.08, "call": 0.35, "quote": 0.1}, tools=4, texts=2, unfit=0.1, results=0.25),
    Level({"repeat": 0.02, "outline": 0.58, "read": 0.08, "call": 0.24, "quote": 0.08}, tools=8, fields=4, unfit=0.1, results=0.4),
]

VERBS = {
    "seen": ["Get", "Return", "Find", "Look up", "Fetch", "Tell", "Show", "Read", "Give", "Query", "Report", "Ask for", "Know",
             "Lookup of", "Provides", "Returns", "Gets", "Finds", "Reads", "Shows", "", "", "List", "Print"],
    "held": ["Retrieve", "Determine", "Supplies", "Obtain", "Delivers", "Check", "Answers with", "Says"],
}
PHRASES = {
    "seen": ["the {a} of a {k}", "the {a} of one {k}", "the {a} for a {k}", "a {k}'s {a}", "{a} of a {k}", "the {k} {a}", "{k} {a}",
             "the {a} of the {k}", "the {a} that a {k} has", "which {a} a {k} has", "the current {a} of a {k}", "the {a} of any {k}",
             "the {a} of the given {k}", "the {a} by {k}", "{a}s of {k}s"],
    "held": ["the {a} belonging to a {k}", "what {a} some {k} has", "the recorded {a} of each {k}", "for a {k}, its {a}",
             "the {a} stored for the named {k}"],
}
TAILS = ["", "", "", "", "", " by name", " by its id", " from the database", " in the register", " as text", " today", " quickly",
         " (read only)", " for the team", " if known"]
DO_PHRASES = {"seen": ["{v} a {k}.", "{v} the {k}.", "{v} one {k} by its name.", "{v} the given {k}.", "{v}s a {k}.", "Use this to {v} a {k}."],
              "held": ["{v} some {k} for the user.", "Lets you {v} a {k}.", "{v} the {k} that is named."]}
DO_REQUESTS = {"seen": ["{v} {t}.", "Please {v} {t}.", "Can you {v} {t}?", "I want to {v} {t}.", "{v} {t} now.", "We must {v} {t} today."],
               "held": ["Would you {v} {t} for me?", "It is time to {v} {t}.", "Make sure to {v} {t}."]}
SEARCHES = ["Search the documents for the passages that fit a question best.", "Search the documents.", "Find passages in the handbook.",
            "Look into the documents for an answer.", "Search the files of the company.", "Find text about a question."]
SUMS = ["Evaluate an arithmetic expression.", "Calculate a sum.", "Do arithmetic.", "Compute the value of a formula.", "Exact arithmetic on numbers."]
SUM_REQUESTS = {"seen": ["What is {s}?", "Calculate {s}.", "How much is {s}?", "{s}", "{s} = ?", "Please compute {s}.", "Work out {s} for me.", "What does {s} make?"],
                "held": ["Evaluate {s}, please.", "I need the result of {s}.", "Could you do {s}?"]}
FORMS = ["The {a} of the {k} {e} is {v}.", "The {a} of {e} is {v}.", "{e} has the {a} {v}.", "The {a} of {k} {e}: {v}.", "{a}: {v}", "{v}", "{v}",
         "The {a} of the {k} {e} is {v}."]


def outline_parts(parts):
    """An outline as it is written: JSON, its keys in this order."""
    written = [("{", OUTLINE)]
    for i, key in enumerate(k for k in ("what", "of", "with", "is") if k in parts):
        written += [((',' if i else '') + '"%s":"' % key, OUTLINE), (parts[key], VALUE), ('"', OUTLINE)]
    return [*written, ("}", OUTLINE)]


class Episodes:
    """`requests`, `descriptions`, `word_split`: "seen" or "held", each by itself."""

    def __init__(self, seed, level, requests="seen", descriptions="seen", word_split="seen"):
        self.rng = random.Random(seed)
        self.level = level
        self.requests, self.descriptions = requests, descriptions
        self.world = World(self.rng, word_split, level.invented)
        self.prompts = catalogue()
        self.tasks, self.shares = zip(*level.mix.items())

    def chance(self, p):
        return self.rng.random() < p

    def episode(self, task=None):
        task = task or self.rng.choices(self.tasks, self.shares)[0]
        return getattr(self, "_" + task)()

    # --- tools

    def _tool_name(self, verb, attribute, kind):
        w = self.world
        a, k = attribute.replace(" ", "_"), kind.replace(" ", "_")
        forms = ["get_" + a, k + "_" + a, "find_" + a, a + "_of_" + k, "lookup_" + a, "get_" + k + "_" + a, "q_" + a, verb + "_" + k]
        if self.chance(0.45):
            return w.pick([words.invent(self.rng), words.invent(self.rng) + "_" + words.invent(self.rng, 1),
                           w.pick("tfqx") + w.digits(1, 3), words.invent(self.rng, 1) + "_" + k])
        return w.pick(forms)

    def _parameter(self, kind):
        if self.chance(0.3):
            return self.world.pick(["name", "id", "key", "which", "value", "item", words.invent(self.rng)])
        return kind.replace(" ", "_")

    def _fact_tool(self, attributes, kind):
        w = self.world
        verb = w.pick(VERBS[self.descriptions])
        what = w.pick(PHRASES[self.descriptions]).format(a=" and the ".join(attributes), k=kind)
        text = (verb + " " + what).strip() + w.pick(TAILS)
        text = text[0].upper() + text[1:] + w.pick([".", ".", ".", ""])
        return Tool(text, self._tool_name("get", attributes[0], kind), {self._parameter(kind): "string"})

    def _action_tool(self, action, kind):
        text = self.world.pick(DO_PHRASES[self.descriptions]).format(v=action, k=kind)
        return Tool(text[0].upper() + text[1:], self._tool_name(action, action, kind), {self._parameter(kind): "string"})

    def _search_tool(self):
        name = self.world.pick(["search_documents", "search", "find_passages", "docs", words.invent(self.rng)])
        parameters = {self.world.pick(["query", "query", "query", "question", "text"]): "string"}
        if self.chance(0.5):
            parameters["k"] = "integer"
        return Tool(self.world.pick(SEARCHES), name, parameters)

    def _sum_tool(self):
        """The calculator, which is always on offer."""
        if self.chance(0.7):
            return Tool(SUMS[0], "calculator", {"expression": "string"})
        name = self.world.pick(["calculator", "calc", "compute", words.invent(self.rng)])
        return Tool(self.world.pick(SUMS), name, {self.world.pick(["expression", "formula", "sum"]): "string"})

    def _sum_request(self):
        """Asks for a sum: the request and the expression in it."""
        w = self.world
        number = lambda: str(self.rng.randint(2, 10 ** self.rng.randint(1, 4) + 1)) + ("." + w.digits(1, 2) if self.chance(0.1) else "")
        space = w.pick(["", " ", " "])
        text = number()
        for _ in range(self.rng.choice([1, 1, 1, 2])):
            text += space + w.pick("+-*/") + space + number()
        if self.chance(0.1):
            text = "(%s)%s*%s%s" % (text, space, space, number())
        return w.pick(SUM_REQUESTS[self.requests]).format(s=text), text

    def _other_tool(self, attribute, action, kind, exact_kind_only):
        """One that is near what is asked for, but isn't it."""
        w = self.world
        form = self.rng.random()
        other_kind = self._not(w.kind, kind)
        if action is not None:
            other = self._not(w.action, action)
            if form < 0.4:
                return self._action_tool(other, kind)
            if form < 0.6 and exact_kind_only:
                return self._action_tool(action, other_kind)
            if form < 0.75:
                return self._fact_tool([w.attribute()], kind)
            return self._action_tool(other, other_kind)
        other = self._not(w.attribute, attribute)
        if form < 0.45:
            return self._fact_tool([other], kind)
        if form < 0.65 and exact_kind_only:
            return self._fact_tool([attribute], other_kind)
        if form < 0.8:
            return self._fact_tool([other], other_kind)
        return self._action_tool(w.action(), self.world.pick([kind, other_kind]))

    def _not(self, draw, value):
        while True:
            other = draw()
            if other != value:
                return other

    def _offer(self, right, others):
        tools = [t for t in [right, *others] if t is not None]
        self.rng.shuffle(tools)
        seen = set()
        for t in tools:
            while t.name in seen:
                t.name += "_" + self.world.digits(1, 2)
            seen.add(t.name)
        return Turn("tools", "Tools:\n" + "\n".join(t.line() for t in tools), names=[t.name for t in tools],
                    wanted=[t is right for t in tools])

    def _call_turn(self, tool, arguments):
        parts = [("<tool_call>", SYNTAX), ('{"name":"', SYNTAX), (tool.name, NAME), ('","arguments":{', SYNTAX)]
        keys = [key for key, kind in tool.parameters.items() if kind == "string"]
        for i, (key, value) in enumerate(zip(keys, arguments)):
            parts += [(("," if i else "") + '"' + key + '":"', SYNTAX), (value, ARGUMENT), ('"', SYNTAX)]
        return Turn("assistant", parts=[*parts, ("}}", SYNTAX), ("</tool_call>", SYNTAX)], kind="call")

    def _refuse_turn(self):
        return Turn("assistant", parts=[(self.prompts["abstain"], REFUSAL)], kind="refuse")

    def _result(self, number, text):
        return self.prompts["tool_result"].format(id=number, result=text)

    def _call(self):
        """Choose a tool and fill its argument, or say that none fits; then read what it gave."""
        w = self.world
        if self.chance(0.06):
            return self._call_for_sum()
        kind, entity = w.kind(), w.name()
        acts = self.chance(0.2)
        attribute, action = (None, w.action()) if acts else (w.attribute(), None)
        bare = 0.0 if self.chance(0.5) else 0.5
        both = []
        if acts:
            text = w.pick(DO_REQUESTS[self.requests]).format(v=action, t=w.thing(kind, entity, bare))
            question = text[0].upper() + text[1:]
            right = self._action_tool(action, kind)
        else:
            question = w.question(self.requests, attribute, kind, entity, bare)
            both = [attribute] + ([self._not(w.attribute, attribute)] if self.chance(0.12) else [])
            self.rng.shuffle(both)
            right = self._fact_tool(both, kind)
        count = self.rng.randint(1, self.level.tools)
        fits = not self.chance(self.level.unfit)
        others = [self._other_tool(attribute, action, kind, bare == 0.0) for _ in range(count - fits)]
        arguments = [entity]
        if not fits:
            right = None
            # A search is for whatever no other tool gives.
            if not acts and self.chance(0.35):
                right = self._search_tool()
                arguments = [question]
        elif self.chance(0.12):
            others.append(self._search_tool())
        elif not acts and self.chance(0.12):
            # "the revenue of the region North in the quarter Q3"
            question, arguments = self._with_second(question, right, kind, entity)
        if self.chance(self.level.sums):
            others.append(self._sum_tool())
        turns = [Turn("user", question), self._offer(right, others)]
        if right is None:
            return [*turns, self._refuse_turn()]
        turns.append(self._call_turn(right, arguments))
        if right.description in SEARCHES:
            return turns
        if self.chance(self.level.results):
            turns += self._reading(attribute, kind, entity, both, 1)
        return turns

    def _call_for_sum(self):
        question, expression = self._sum_request()
        others = [self._fact_tool([self.world.attribute()], self.world.kind()) for _ in range(self.rng.randint(0, self.level.tools - 1))]
        if self.chance(0.2):
            others.append(self._search_tool())
        right = self._sum_tool()
        value = self.world.number()
        return [Turn("user", question), self._offer(right, others), self._call_turn(right, [expression]),
                Turn("tool", self._result(1, '{"result": "%s"}' % value)),
                Turn("assistant", parts=[(value, VALUE), (" [1]", CITATION)], kind="answer")]

    def _with_second(self, question, tool, kind, entity):
        """Asks for one thing within another; the tool takes both."""
        w = self.world
        if question[-1] not in "?." or question.count(".") + question.count("?") > 1:
            return question, [entity]
        second, other, join = self._not(w.kind, kind), w.name(), w.pick(["in", "for", "at", "by"])
        tool.description = "%s %s a %s." % (tool.description.rstrip("."), join, second)
        first, *_ = tool.parameters
        key = second if second != first else second + "_2"
        asked = [(first, entity), (key, other)]
        if self.chance(0.3):
            asked.reverse()
        tool.parameters = {k: "string" for k, _ in asked}
        return "%s %s the %s %s%s" % (question[:-1], join, second, other, question[-1]), [v for _, v in asked]

    def _reading(self, attribute, kind, entity, fields, number):
        """A result and the answer that reads it."""
        w = self.world
        if attribute is None:
            key, (value, bare) = w.pick(["status", "result", "done", "id"]), w.value()
            text = "{%s: %s}" % (json.dumps(key), value if bare else json.dumps(value))
            return [Turn("tool", self._result(number, text)),
                    Turn("assistant", parts=[(value, VALUE), (" [%d]" % number, CITATION)], kind="answer")]
        given = {name: w.value() for name in fields}
        if self.chance(0.15):
            given = {w.pick(["value", "result", "answer"]): given[attribute]} if len(given) == 1 else given
        text = "{" + ", ".join("%s: %s" % (json.dumps(n), v if bare else json.dumps(v)) for n, (v, bare) in given.items()) + "}"
        value = given[attribute][0] if attribute in given else next(iter(given.values()))[0]
        form = w.pick(FORMS).format(a=attribute, k=kind, e=entity, v="\0")
        before, _, after = form.partition("\0")
        stop = "." if form.endswith(".") else ""
        parts = [(before, WORDS), (value, VALUE), (after[: len(after) - len(stop)], WORDS), (" [%d]" % number, CITATION), (stop, WORDS)]
        return [Turn("tool", self._result(number, text)), Turn("assistant", parts=[p for p in parts if p[0]], kind="answer")]

    def _read(self):
        w = self.world
        kind, entity, attribute = w.kind(), w.name(), w.attribute()
        fields = {attribute}
        for _ in range(self.rng.randint(1, self.level.fields) - 1):
            fields.add(w.attribute())
        fields = sorted(fields)
        self.rng.shuffle(fields)
        question = w.question(self.requests, attribute, kind, entity)
        return [Turn("user", question), *self._reading(attribute, kind, entity, fields, self.rng.randint(1, 3))]

    def _repeat(self):
        w = self.world
        text = " ".join(w.pick([w.name, w.number, w.identifier, lambda: w.value()[0]])() for _ in range(self.rng.randint(1, 3)))
        return [Turn("user", "Repeat: " + text), Turn("assistant", parts=[(text, VALUE)], kind="repeat")]

    # --- texts

    def _texts(self):
        """Something asked, a sentence that answers it, and sentences that don't, made on demand."""
        w = self.world
        if self.chance(0.5):
            sentence, asked, noun = w.rule(self.requests)

            def other():
                while True:
                    text, _, about = w.rule(self.requests)
                    if self.chance(0.5):
                        text = text.replace(about, noun).replace(about.capitalize(), noun.capitalize())
                        if text.split()[-3:] == sentence.split()[-3:] or len(set(text.split()) & set(sentence.split())) > 5:
                            continue
                    return text

            return w.pick(asked), sentence, other
        kind, entity, attribute = w.kind(), w.name(), w.attribute()

        def other():
            change = self.rng.random()
            a = self._not(w.attribute, attribute) if change < 0.5 or change > 0.85 else attribute
            e = self._not(w.name, entity) if change >= 0.5 else entity
            return w.sentence(self.requests, a, kind, e, w.value()[0])

        return (w.question(self.requests, attribute, kind, entity, bare=0.4),
                w.sentence(self.requests, attribute, kind, entity, w.value()[0]), other)

    def _outline(self):
        """Name the parts of a sentence, each copied from it."""
        outlines = Outlines(self.world)
        text, parts, asks = outlines.sentence() if self.requests == "seen" else outlines.held_out()
        prompt = self.prompts["outline_question" if asks else "outline_statement"]
        return [Turn("user", prompt.format(sentence=text)), Turn("assistant", parts=outline_parts(parts), kind="outline")]

    def _quote(self):
        """Search, then quote the sentence that answers, under the number of its passage."""
        w = self.world
        question, right, other = self._texts()
        tool = self._search_tool()
        count = self.rng.randint(1, self.level.texts)
        place = self.rng.randrange(count)
        # As document search shows passages: where they stand, their headings, their sentences.
        title, headings = w.word(NOUNS).capitalize() + "s", self.chance(0.6)
        passages = []
        for i in range(count):
            sentences = [other() for _ in range(self.rng.randint(0, 1))]
            if i == place or not sentences:
                sentences.insert(self.rng.randint(0, len(sentences)), right if i == place else other())
            text = " ".join(sentences)
            heading = w.word(NOUNS).capitalize()
            passages.append(self._result(i + 1, "%s: %s > %s: ## %s\n\n%s" % (title, title, heading, heading, text) if headings else title + ": " + text))
        others = [self._sum_tool()] if self.chance(0.6) else []
        if self.chance(0.3):
            others.append(self._fact_tool([w.attribute()], w.kind()))
        return [Turn("user", question), self._offer(tool, others), self._call_turn(tool, [question]),
                Turn("tool", "\n".join(passages)),
                Turn("assistant", parts=[(right.rstrip("."), VALUE), (" [%d]" % (place + 1), CITATION), (".", WORDS)], kind="quote")]

