"""What episodes speak of: things with attributes, sentences about them, questions about those."""

import fresh
import words
from words import ACTIONS, ADJECTIVES, ASIDE, ATTRIBUTES, DONE, FIRST, KINDS, MONTHS, NOUNS, ROLES, UNITS

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"

# {a} attribute, {k} kind, {t} the thing: "the device Zor", "device Zor" or "Zor".
QUESTIONS = {
    "seen": [
        "What is the {a} of {t}?", "What is {t}'s {a}?", "Tell me the {a} of {t}.", "I need the {a} of {t}.",
        "Please find the {a} of {t}.", "Which {a} does {t} have?", "Show the {a} of {t}.", "{t}: {a}?",
        "Give me the {a} for {t}.", "Look up the {a} of {t}.", "Do you know the {a} of {t}?", "Find {t} and tell me its {a}.",
        "For {t}, what is the {a}?", "The {a} of {t}, please.", "Can you get the {a} of {t}?", "What {a} does {t} have?",
        "I want to know the {a} of {t}.", "What do we have as the {a} of {t}?", "{a} of {t}", "How about the {a} of {t}?",
        "Could you say what the {a} of {t} is?", "We are missing the {a} of {t}.", "Check the {a} of {t}.",
        "Somebody asks for the {a} of {t}.", "Report the {a} of {t}.", "Regarding {t}: I need its {a}.",
        "Is there a {a} for {t}?", "Get me {t}'s {a}.", "Say the {a} of {t}.", "What was the {a} of {t} again?",
    ],
    "held": [
        "May I have the {a} of {t}?", "{t} has which {a}?", "Let me see the {a} that {t} has.", "Who can tell me {t}'s {a}?",
        "With {t} in mind, which {a} is right?", "My boss wants the {a} of {t}.", "Would you fetch the {a} belonging to {t}?",
        "I forgot the {a} of {t}.", "Name the {a} recorded for {t}.", "State {t}'s {a}.",
    ],
}
BEFORE = ["", "", "", "", "", "", "Hello, ", "Hi! ", "Quick question: ", "Please: ", "Sorry to bother you. ", "For my report: "]
AFTER = ["", "", "", "", "", "", " Thanks.", " Thank you!", " It is urgent.", " Be brief.", " I have to know today."]

SENTENCES = {
    "seen": [
        "The {a} of {t} is {v}.", "{t} has the {a} {v}.", "{t} has {v} as its {a}.", "The {a} of {t} was set to {v}.",
        "{v} is the {a} of {t}.", "For {t} the {a} is {v}.", "{t}'s {a} is {v}.", "As to {t}, its {a} is {v}.",
        "We note {v} as the {a} of {t}.", "According to the list, the {a} of {t} is {v}.", "{t} ({a}: {v}) is well known.",
        "In this year the {a} of {t} is {v}.",
    ],
    "held": ["{v} was entered as the {a} of {t}.", "Its {a} makes {t} special: {v}.", "{t} comes with the {a} {v}.",
             "One finds {v} for the {a} of {t}."],
}

# Rules of a handbook: a sentence, and what may be asked of it. {n} a noun, {m} another, {d} a participle,
# {r} a role, {q} a quantity, {p} of time, {s} of money, {c} a condition.
RULES = {
    "seen": [
        ("A {n} needs the approval of the {r}.", ["Who approves a {n}?", "Whose approval does a {n} need?", "What is the approval for a {n}?", "What does a {n} need?"]),
        ("A {n} of up to {q} is {d} by the {r}.", ["By whom is a {n} of up to {q} {d}?", "Who has a {n} of up to {q} {d}?", "A {n} of {q}: {d} by whom?", "What about a {n} of up to {q}?"]),
        ("{N}s are {d} within {p} of the {m}.", ["When are {n}s {d}?", "Within what time are {n}s {d}?", "How soon after the {m} are {n}s {d}?"]),
        ("Every {n} is {d} {c}.", ["How is a {n} {d}?", "Is every {n} {d}?", "When is a {n} {d}?"]),
        ("{N}s above {q} are {d} by the {r} only.", ["Who may have {n}s above {q} {d}?", "What happens to {n}s above {q}?", "By whom are {n}s above {q} {d}?"]),
        ("The {r} keeps a list of all {n}s.", ["Who keeps the list of {n}s?", "What does the {r} keep?", "Where are all {n}s listed?"]),
        ("A {n} can be {d} {c}.", ["When can a {n} be {d}?", "How can a {n} be {d}?", "Can a {n} be {d}?"]),
        ("No {n} is {d} without a {m}.", ["What is needed for a {n} to be {d}?", "Can a {n} be {d} without a {m}?", "Without what is no {n} {d}?"]),
    ],
    "held": [
        ("It is the {r} who has {n}s {d}.", ["Who gets {n}s {d}?", "Which person has {n}s {d}?"]),
        ("After {p}, a {n} is {d}.", ["After how long is a {n} {d}?", "How much later is a {n} {d}?"]),
        ("For a {n} one pays {s} to the {r}.", ["How much does one pay for a {n}?", "To whom is a {n} paid?"]),
    ],
}
QUESTIONS["fresh"], SENTENCES["fresh"], RULES["fresh"] = fresh.QUESTIONS, fresh.SENTENCES, fresh.RULES
CONDITIONS = ["on the day it arrives", "by train", "in writing", "before the quarter is half over", "at the end of the month",
              "in the order they came", "by phone", "at night", "without a receipt", "in two copies", "when it is signed",
              "within five working days", "in person", "at the front desk", "by e-mail", "every second week"]


PERIODS = ["days", "hours", "minutes", "weeks"]
SUMS = ["dollars", "euros"]


class World:
    """Draws words, things and values; `words_from` says whether held-out words are used."""

    def __init__(self, rng, words_from="seen", invented=0.4):
        self.rng, self.held, self.invented = rng, words_from == "held", invented

    def pick(self, items):
        return self.rng.choice(items)

    def word(self, items, invented=None):
        """One of `items` that belongs to this split, or an invented word of this split."""
        if self.rng.random() < (self.invented if invented is None else invented):
            while True:
                made = words.invent(self.rng)
                if words.is_held_out(made) == self.held:
                    return made
        while True:
            word = self.rng.choice(items)
            if words.is_held_out(word) == self.held:
                return word

    def attribute(self):
        return self.word(ATTRIBUTES)

    def kind(self):
        return self.word(KINDS)

    def digits(self, low, high):
        return "".join(self.pick("0123456789") for _ in range(self.rng.randint(low, high)))

    def identifier(self):
        form = self.rng.random()
        if form < 0.4:
            return "".join(self.pick(LETTERS) for _ in range(self.rng.randint(1, 3))) + "-" + self.digits(2, 5)
        if form < 0.6:
            return self.pick(LETTERS) + self.digits(1, 4)
        return "".join(self.pick(LETTERS + "0123456789") for _ in range(self.rng.randint(3, 7)))

    def name(self):
        form = self.rng.random()
        first = words.invent(self.rng).capitalize()
        if form < 0.45:
            return first
        if form < 0.6:
            return first + " " + words.invent(self.rng).capitalize()
        if form < 0.7:
            return self.pick(FIRST) + " " + first
        if form < 0.75:
            return self.pick(FIRST)
        if form < 0.8:
            return first + " " + self.digits(1, 2)
        if form < 0.85:
            return self.word(ADJECTIVES).capitalize() + " " + first
        return self.identifier()

    def number(self):
        form = self.rng.random()
        if form < 0.6:
            return str(self.rng.randint(2, 10 ** self.rng.randint(1, 5) + 2))
        return ("-" if form > 0.93 else "") + "%.*f" % (self.pick([1, 2]), self.rng.random() * 10 ** self.rng.randint(1, 4))

    def date(self):
        if self.rng.random() < 0.6:
            return "%d-%02d-%02d" % (self.rng.randint(1990, 2039), self.rng.randint(1, 12), self.rng.randint(1, 28))
        return "%d %s %d" % (self.rng.randint(1, 28), self.pick(MONTHS), self.rng.randint(1990, 2039))

    def quantity(self, units=UNITS):
        return str(self.rng.randint(2, 999)) + " " + self.pick(units)

    def value(self):
        """A value as text, and whether JSON writes it bare."""
        form = self.rng.random()
        if form < 0.45:
            return self.number(), True
        if form < 0.6:
            return self.name(), False
        if form < 0.75:
            return self.word(ADJECTIVES), False
        if form < 0.9:
            return self.date(), False
        return self.identifier(), False

    def thing(self, kind, entity, bare=0.25):
        form = self.rng.random()
        if form < bare:
            return entity
        return ("the " if form < 0.7 else "") + kind + " " + entity

    def question(self, forms, attribute, kind, entity, bare=0.25, aside=0.25):
        thing = self.thing(kind, entity, bare)
        if attribute in ASIDE and self.rng.random() < aside:
            text = self.pick(ASIDE[attribute]).replace("{e}", thing)
        else:
            text = self.pick(QUESTIONS[forms]).format(a=attribute, k=kind, t=thing)
        before = self.pick(BEFORE)
        if before == "" or before.rstrip()[-1] in ".!":
            text = text[0].upper() + text[1:]
        return before + text + self.pick(AFTER)

    def sentence(self, forms, attribute, kind, entity, value):
        text = self.pick(SENTENCES[forms]).format(a=attribute, t=self.thing(kind, entity), v=value)
        return text[0].upper() + text[1:]

    def rule(self, forms):
        """A sentence of a handbook, questions it answers, and the nouns it is about."""
        sentence, asked = self.pick(RULES[forms])
        n, m = self.word(NOUNS), self.word(NOUNS)
        fill = {"n": n, "N": n.capitalize(), "m": m, "d": self.word(DONE, 0.1), "r": self.word(ROLES, 0.2),
                "q": self.quantity(), "p": self.quantity(PERIODS), "s": self.quantity(SUMS), "c": self.pick(CONDITIONS)}
        if self.rng.random() < 0.3:
            fill["r"] += " of the " + self.word(KINDS)
        return sentence.format(**fill), [a.format(**fill) for a in asked], n

    def action(self):
        return self.word(ACTIONS, 0.25)
