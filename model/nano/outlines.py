"""Sentences with their outline: which words name the property, which the thing, which the value.

An outline is what code compares sentences by: {"what": property, "of": thing, "with": condition,
"is": value}, each copied from the sentence, the last for statements only. Words outside it only
carry the sentence. A sentence that gives no thing a property has an empty outline.

Forms are composed: an order of the parts, words to join them, and what may stand around. Joining
words are drawn from long lists and now and then made up, so that the place of a word, not its
spelling, says what it is.
"""

import re

import words
from facts import QUESTIONS, SENTENCES
from words import ADJECTIVES, DONE, FIRST, KINDS, MONTHS, NOUNS, ROLES, UNITS, split

GIVEN = split("""
given listed noted stated shown registered kept stored filed marked logged reported declared fixed printed named published written
confirmed known quoted put typed saved booked counted measured documented mentioned found seen held described specified set fetched
supplied announced assigned agreed posted called read taken estimated reckoned defined deposited attested signed noted catalogued
""")
SOURCES = split("""
list register table file records archive report catalogue sheet book system notes ledger index folder document database page
directory overview contract form letter manual protocol board minutes label invoice survey plan journal email memo
""")
PEOPLE = split("""
colleague neighbour friend client team partner visitor guest student teacher sister brother lawyer auditor secretary
clerk manager driver nurse assistant customer landlord trainer coach editor engineer accountant caller chief
""")
LOOSE = split("""
just really simply quickly maybe perhaps kindly briefly again please finally also still even already only now exactly
precisely here there currently today then officially
""")
VERBS = split("""
need want require seek miss lack request demand like prefer expect await study review examine inspect verify discuss
consider compare check read see know hear learn recall understand collect copy add use write print quote carry bring hold take give
offer sell lend move turn lift push pull fill cover reach pass follow lead guide join leave keep lose win earn save spend waste choose
prefer refuse accept deliver supply serve cook clean wash build break repair draw paint sing play teach train test prove doubt guess
count weigh measure limit share split divide collect gather store hide show reveal explain repeat answer call visit meet greet invite
thank help protect defend attack control rule own rent buy order cancel confirm approve sign send post mail publish translate record
film watch notice ignore remember regret enjoy love hate fear trust believe suggest propose plan prepare start open close end finish
change improve reduce raise lower extend shorten mix heat cool freeze dry grow plant cut fold tie wear throw catch drop touch press
ring climb cross enter exit board drive ride fly sail walk run rest sleep wake
""")
TWO_WORDS = split("""
unit start end total opening closing delivery billing home average net gross maximum minimum contact main second target annual monthly
shipping service order account project base first last due review lowest highest best worst new old former next latest current original final
smallest largest real planned actual usual legal public internal second
""")
CONDITIONS = [
    "in {y}", "last year", "last month", "in {m}", "in {m} {y}", "before tax", "without tax", "after the discount", "on Mondays", "at night",
    "in winter", "in summer", "per {u}", "for members", "for guests", "for children", "during the {n}", "before the {n}", "after the {n}",
    "until {m}", "since {y}", "with a {n}", "without a {n}", "next year", "next month", "in the second quarter",
    "at weekends", "under load", "at sea level", "in {c}", "for new customers", "when empty", "when full", "on delivery",
    "yesterday", "tomorrow", "last week", "next week", "in total", "on average", "per day", "per person", "at most", "at least", "that is {j}", "that are {j}",
    "which was {g} in {y}", "which is {d}", "above {q}", "below {q}", "of more than {q}", "that the {r} {x}s", "among the {k}s", "if the {n} is {d}",
    "for {n}s", "by the {r}", "from {m} to {m2}", "on the first day", "outside {c}", "abroad", "when the {n} is {d}", "with {f}", "by train",
]
AROUND = [
    "According to the {s}, ", "As the {s} says, ", "In this year ", "This year ", "Today ", "In our {s} ", "It is known that ", "We know that ",
    "Note that ", "The {s} says that ", "{f} says that ", "Our {s} shows that ", "As everybody knows, ", "By the way, ", "In short, ",
    "To be exact, ", "As agreed, ", "As before, ", "As of now, ", "In the {s} we read that ", "From the {s}: ", "Please note: ", "Here ",
    "At the moment ", "Officially, ", "In fact, ", "For the record: ", "One more thing: ", "As {g}, ", "As {g} in the {s}, ", "And ", "So ", "Also, ",
]
AFTERWARDS = [
    ", according to the {s}", ", as the {s} says", " this year", " today", ", says {f}", ", as {g}", ", as everybody knows", " now", ", we are told",
    " in our {s}", " on the {s}", ", no doubt", ", as agreed", " at the moment", ", and that is that", ", as far as we know",
]
CARRYING = split("""what which that this with from have does when where whose whom there about into your they them then than will would could should
must shall been were the and for its are was has had who how why""")
# {a} the property, {t} the thing, {v} the value, {b} is, {g} given, {s} a source, {x} a made-up or any verb.
STATED = [
    "the {a} of {t} {b} {v}", "the {a} of {t} {b} {v}", "{t} has the {a} {v}", "{t} has a {a} of {v}", "{t} has {v} as its {a}",
    "{t} has {v} as {a}", "{v} {b} the {a} of {t}", "{v} {b} {t}'s {a}", "{t}'s {a} {b} {v}", "for {t} the {a} {b} {v}", "for {t}, the {a} {b} {v}",
    "as for {t}, its {a} {b} {v}", "as to {t}, the {a} {b} {v}", "we {x} {v} as the {a} of {t}", "we {x} {v} for {t}'s {a}",
    "{t} ({a}: {v}) {e}", "{t} ({a} {v}) {e}", "{t}, with the {a} {v}, {e}", "{t}, whose {a} {b} {v}, {e}", "{t} {x}s the {a} {v}",
    "{t} {x}s {v} as {a}", "{t} {x}s {v} as its {a}", "the {a} {v} {x}s to {t}", "the {a} {v} {x}s {t}", "with {v} as its {a}, {t} {e}",
    "with its {a} {v} {t} {e}", "{t}: {a} {v}", "{t}: {a} = {v}", "{a} of {t}: {v}", "{t}, {a}: {v}", "{v} was {g} for the {a} of {t}", "{v} is {g} as {t}'s {a}", "{v} is the {a} {g} for {t}", "the {a} of {t} was {g} as {v}",
    "the {a} {g} for {t} {b} {v}", "the {a} of {t} {x}s {v}", "the {a} that {t} has {b} {v}", "what {t} has as its {a} {b} {v}",
    "when it comes to {t}, the {a} {b} {v}", "in the case of {t} the {a} {b} {v}", "{t} has been {g} with the {a} {v}", "{t} was {g} with {v} as {a}",
    "its {a} {b} {v}: {t} {e}", "{t} {e}: its {a} {b} {v}", "{t} {e}, the {a} {b} {v}", "{t} {e} by its {a} {v}", "its {a}, {v}, {x}s {t} {e}",
    "somebody {g} {v} as the {a} of {t}", "you {x} {v} as the {a} of {t}",
    "to {t} one {x}s the {a} {v}", "there is {t}, {a} {v}", "{t} got the {a} {v}", "{t} keeps {v} as its {a}",
    "the {a} at {t} {b} {v}", "the {a} for {t} {b} {v}", "{t} stands in the {s} with the {a} {v}", "under {t} the {s} has the {a} {v}",
    "the {s} gives {v} as the {a} of {t}", "the {s} gives {t} the {a} {v}", "the {s} has {v} for the {a} of {t}",
]
IS = ["is", "is", "is", "is", "was", "are", "is now", "is still", "remains", "reads", "equals", "stands at", "amounts to", "comes to", "is given as",
      "was set to", "has been set to", "is {g} as", "was {g} as", "is called", "lies at", "runs to", "is put at", "became", "turned out to be", "shows",
      "is just", "is exactly", "will be", "has become", ":", ","]
EVENTS = ["is well known", "is ours", "is in use", "was mentioned", "is here", "was {g}", "is on the {s}", "has been {g}", "stands out", "is special",
          "is worth a look", "appears in the {s}", "came to us", "is in the {s}", "is next", "is finished", "works well", "is easily {g}", "arrived"]
# {w} what is asked: "the price of X"; {q}: "what the price of X is"; {Q}: "what is the price of X".
ASKED = [
    "{Q}?", "{Q}?", "{Q}?", "{Q}", "{w}?", "{w}", "{w}, please.", "tell me {w}.", "tell me {q}.", "tell us {q}.", "show me {w}.", "give me {w}.", "give {w}.",
    "find {w}.", "find out {q}.", "look up {w}.", "i {x} {w}.", "we {x} {w}.", "we {x} to know {q}.", "i {x} to know {w}.", "i would like {w}.",
    "i would like to {x} {w}.", "could you {x} {w}?", "can you {x} {w} for me?", "will you please {x} {w}?", "could you tell me {q}?",
    "can anyone tell me {w}?", "who knows {w}?", "does anyone know {q}?", "do you know {q}?", "do we know {w}?", "have you got {w}?", "have we {w}?",
    "i wonder {q}.", "i am wondering {q}.", "i can't remember {w}.", "i don't know {q}.", "i am looking for {w}.", "we are looking for {w}.",
    "i am not sure about {w}.", "i was asked for {w}.", "the {p} {x}s {w}.", "our {p} asks {q}.", "a {p} asked me for {w}.",
    "a {p} would like to {x} {w}.", "the {p} has to {x} {w}.", "{f} needs {w}.", "{f} asks {q}.", "{f} is looking for {w}.", "help me with {w}.",
    "help us {x} {w}.", "is there any word on {w}?", "what about {w}?", "how about {w}?", "any idea {q}?", "any idea about {w}?", "remind me of {w}.",
    "remind me {q}.", "{x} {w}.", "{x} {w} for me.", "please {x} {w}.", "please {x} {q}.", "let us {x} {w}.", "it is about {w}.",
    "this is about {w}: {Q}?", "my question is {q}.", "the question is: {Q}?", "i have a question: {Q}?", "one question, {Q}?", "where do i find {w}?",
    "where can one {x} {w}?", "how do i find out {q}?", "we must {x} {w}.", "you should {x} {w}.", "nobody could tell me {q}.", "somebody must know {w}.",
    "the {s} should have {w}.", "look into the {s} for {w}.", "from the {s} i {x} {w}.", "for the {s} we {x} {w}.", "to fill in the {s} i {x} {w}.",
    "before i go on: {Q}?", "i hear you know {w}.", "it would help to know {q}.", "what i {x} is {w}.", "what we {x} is {w}.",
    "all i {x} is {w}.", "you {g} {w}, what is it?", "{w} is what i {x}.", "{w} is unknown to me.", "{w} is missing.", "{w} would be good to have.",
    "the {s} lacks {w}.", "of interest: {w}.", "required: {w}.", "next: {w}.", "and {w}?", "then {Q}?", "so {Q}?", "now, {Q}?",
]
WHAT = [  # {w}
    "the {a} of {t}", "the {a} of {t}", "the {a} of {t}", "{t}'s {a}", "{t}'s {a}", "the {a} for {t}", "the {a} {g} under {t}", "the {a} {t} has", "the {a} which {t} {x}s", "the {a} that {x}s to {t}", "the {a} at {t}", "{a} of {t}",
    "the {a} in the case of {t}", "which {a} {t} has", "the {a} we have for {t}", "the {s}'s {a} of {t}", "{t} and its {a}", "the right {a} of {t}",
    "the {a} with which {t} was {g}", "for {t} the {a}",
]
WHETHER = [  # {q}
    "what the {a} of {t} is", "what {t}'s {a} is", "which {a} {t} has", "what {a} {t} has", "what {t} has as its {a}", "which {a} was {g} for {t}",
    "what was {g} as the {a} of {t}", "which is the {a} of {t}", "what the {a} of {t} might be", "what {a} {t} {x}s", "which {a} {x}s to {t}",
]
WHICH = [  # {Q}
    "what is the {a} of {t}", "what's the {a} of {t}", "what is {t}'s {a}", "which {a} does {t} have", "what {a} does {t} have", "which {a} has {t}",
    "for {t}, what is the {a}", "what was the {a} of {t}", "which is the {a} of {t}", "what do we have as the {a} of {t}", "which {a} {x}s {t}",
    "what {a} {x}s to {t}", "which {a} is {g} for {t}", "what {a} was {g} for {t}", "what does the {s} give as the {a} of {t}", "{t}, what is its {a}",
    "does the {s} have the {a} of {t}", "what did they {x} as the {a} of {t}", "at {t}, what is the {a}", "when it comes to {t}, which {a} is it",
    "looking at {t}, which {a} do we see", "what could the {a} of {t} be", "has {t} a {a}", "is there a {a} for {t}",
    "under {t}, what {a} is {g}", "of {t} which {a} is {g}", "what {g} {a} has {t}",
]
# Questions in other words; what carries the question stands in brackets.
OTHERWISE = [
    "how much does {t} [cost]?", "what does {t} [cost]?", "how [expensive] is {t}?", "who [owns] {t}?", "whom does {t} [belong to]?", "how [high] is {t}?",
    "how [tall] is {t}?", "how [heavy] is {t}?", "how much does {t} [weigh]?", "how [long] is {t}?", "how [fast] is {t}?", "how [old] is {t}?", "who [wrote] {t}?",
    "who [directs] {t}?", "who [heads] {t}?", "who [manages] {t}?", "who is [in charge of] {t}?", "when is {t} [due]?", "by when must {t} be [done]?",
    "how [warm] is {t}?", "how [hot] is {t}?", "how many [people live] in {t}?", "how [deep] is {t}?", "how [wide] is {t}?", "where does {t} [come from]?",
    "[where] is {t}?", "who [founded] {t}?", "who [sponsors] {t}?", "who [pays] for {t}?", "who [supplies] {t}?", "who [delivers] {t}?",
    "who [published] {t}?", "who [teaches] {t}?", "how can i [call] {t}?", "how do i [reach] {t}?", "which number do i [dial] for {t}?", "how many of {t} are [left]?",
    "when was {t} [born]?", "which [color] is {t}?", "[how far along] is {t}?", "what [happened] to {t}?", "where does {t} [live]?", "how much did {t} [earn]?",
    "how much is {t} [paid]?", "how much [fits] into {t}?", "how much [time] does {t} take?", "where does {t} [go to]?", "where is {t} [headed]?",
    "who [carries] {t}?", "when does {t} [expire]?", "how long is {t} [valid]?", "how [good] is {t}?", "how is {t} [taxed]?", "when does {t} [open]?",
    "when does {t} [close]?", "who [leads] {t}?", "who [runs] {t}?", "who [designed] {t}?", "who [built] {t}?", "when was {t} [built]?", "when was {t} [founded]?",
    "what [kind] of thing is {t}?", "how much is {t} [worth]?", "how much [money] does {t} have?", "how much does {t} [owe]?", "how [big] is {t}?",
    "how [large] is {t}?", "how [loud] is {t}?", "how [important] is {t}?", "what is {t} [made of]?", "who [made] {t}?", "when did {t} [start]?", "when will {t} [end]?",
]
FIRST_WORDS = ["", "", "", "", "", "", "", "Hello, ", "Hi! ", "Quick question: ", "Please: ", "Sorry to bother you. ", "For my report: ", "Good morning. ", "Hi there, ",
               "One more thing: ", "Excuse me, ", "For the {s}: ", "Just a moment: ", "It is me again. ", "Dear {p}, ", "{f} here. ", "I am in a hurry. ",
               "I am {x}ing the {s}. ", "We talked to the {p}. ", "Not sure who to ask. ", "Hey, ", "Next question. "]
LAST_WORDS = ["", "", "", "", "", "", "", " Thanks.", " Thank you!", " It is urgent.", " Be brief.", " I have to know today.", " Many thanks in advance.", " Thanks a lot!",
              " No hurry.", " The {p} {x}s it today.", " It is for the {s}.", " Just the answer.", " I have to {x} it soon.", " We can't go on without it.", " Cheers.",
              " As soon as possible.", " The {p} is waiting.", " In one line, please."]
# Forms that another hand wrote.
TYPED_QUESTIONS = [
    "I can't remember what {a} is listed for {t}, can you remind me?",
    "Any idea what {t} has for its {a}?",
    "I'm filling in a form and still have to put down the {a} of {t}.",
    "Could someone please let me know the {a} for {t}?",
    "I was wondering what {a} we have on file for {t}.",
    "Just the {a} for {t}, nothing else.",
    "A customer is on the line about {t} and would like to hear its {a}.",
    "Remind me, what did we put down as the {a} for {t}?",
    "When it comes to {t}, what should I write under {a}?",
    "I'd be grateful if you could send me the {a} of {t}.",
    "Quick lookup on {t}, {a} only.",
    "Before I call the supplier, what did we say the {a} of {t} was?",
    "There's a gap in my notes where the {a} of {t} should be, so what goes there?",
    "I'm trying to find out the {a} of {t}.",
    "Can you pull up {t} and read me the {a}?",
]
TYPED_STATEMENTS = [
    "If you look up {t}, you will see that its {a} is {v}.",
    "{v}: that is what we have on file as the {a} of {t}.",
    "Since the last update, {t} has had a new {a}, namely {v}.",
    "The records show that {t} has {v} for its {a}.",
    "Please note that the {a} of {t} is now {v}.",
    "In the case of {t}, we are dealing with the following {a}: {v}.",
    "The file on {t} gives its {a} as {v}.",
    "Under {a}, the entry for {t} reads {v}.",
]
PROSE = [  # gives nothing a property
    "{f} {g} the {n} on Monday.", "The {p} will {x} the {n}.", "We {g} a {n} and a {n2}.", "A {n} is {d} by the {r}.", "Every {n} is {d} in writing.",
    "No {n} is {d} without a {n2}.", "The {r} keeps a list of all {n}s.", "A {n} needs the approval of the {r}.", "Please {x} the {n} before {m}.",
    "The {n} was {d}, and the {r} {x}s it.", "If the {n} is late, the {r} {x}s a {n2}.", "{f} and {f2} {g} it together.", "It was a {j} day.",
    "Nobody {g} the {n}.", "The {k} is {j}.", "We {x} {k}s and {n}s.", "{q} are needed for a {n}.", "A {n} of up to {q} is {d} by the {r}.",
    "{r2}s {x} what they can.",
    "After the {n} the {r} {x}s a {n2}.", "{n}s above {q} are {d} by the {r} only.", "Before it is {d}, a {n} must be {g}.", "A {n} can be {d} in {m}.",
    "Whoever has a {n} must {x} it.", "The {n} of the {r} was never {g}.", "All {n}s are {d} at the end of the month.", "The {k} {x}s the {n}.",
    "There are {q} of {n}s.", "A {j} {n} is better than a {n2}.", "To {x} a {n}, ask the {r}.", "{f} wants a {n} for the {k}.", "We met the {r} in {c}.",
    "The {r} has {n}s {d} within {q}.", "For every {n} there is a {n2}.", "Once {d}, a {n} is not {g} again.", "{c} is {j} in {m}.", "The {n} {x}s.",
    "The {r} may {x} the {n} within {q}.", "They {g} {q} in {m}.", "Thank you for the {n}.", "This {n} {x}s every {n2}.", "The {p} {g} the {k} from {f}.",
]

# What a handbook is asked: the whole of it says what is asked.
RULED = [
    "who {x}s a {n}", "who {x}s the {n} of the {r}", "which {r} may {x} a {n}", "which {n}s are {d} by the {r}", "how are {n}s {d}", "how is a {n} of {q} {d}",
    "when must a {n} be {d}", "when is the {n} {d} by the {r}", "what happens when a {n} is {d}", "what happens to {j} {n}s", "how long does the {r} keep a {n}",
    "how long is a {n} {d}", "is a {n} {d} {C}", "may the {r} {x} a {n}", "are {n}s of {q} {d}", "what does the {r} {x}", "where does the {r} {x} {n}s",
    "to whom is a {n} {g}", "from whom does one get a {n}", "how many {n}s may the {r} {x}", "how many {n}s are {d} in {m}", "what must be {d} before a {n}",
    "what comes after a {n}", "who has to {x} {n}s {C}", "who is told about a {n}", "why are {n}s {d}", "why was the {n} {d}", "what is a {n} for",
    "can a {n} be {d} by a {r}", "must a {n} be {d} {C}", "do {r}s {x} {n}s", "does the {r} {x} every {n}", "who {g} the {n}", "who {g} the {k} in {m}",
    "where are {n}s {d}", "where is the {j} {n} {g}", "whose {n} is {d} first", "how does one {x} a {n}", "how soon is a {n} {d}", "how often are {n}s {d}",
    "by when are {n}s {g}", "at what time does the {k} {x}", "in which {k} are {n}s {d}", "what do we {x} for a {n}", "what is {d} {C}", "who may not {x} a {n}",
    "when can one {x} the {n} again", "what kind of {n} is {d}", "which papers does a {n} need", "what does it take to {x} a {n}", "who else {x}s the {n}",
    "under which condition is a {n} {d}", "what if a {n} is {d} late", "how much may a {n} be", "from which sum on are {n}s {d}", "up to how much is a {n} {d}",
    "who do I have to talk to before I can get a {n} {d}", "what's the most the company will pay for a {n}", "up to what amount are the costs of a {n} covered", "which person needs to hear about a lost {n}", "how should I have a {n} {d} if it takes more than {q}", "what is the rule for {n}s that go on for longer than {q}", "how often can I have a {n}", "whose agreement do I need if I want to take a {n}",
]


class Outlines:
    """Draws sentences with outlines; `w` is a World of facts.py."""

    def __init__(self, world):
        self.w, self.rng = world, world.rng

    def chance(self, p):
        return self.rng.random() < p

    def _verb(self):
        return words.invent(self.rng) if self.chance(0.1) else self.w.pick(VERBS)

    def _fill(self, form):
        """The words of a form that are no parts."""
        w = self.w
        made = {"g": words.invent(self.rng) + "ed" if self.chance(0.1) else w.pick(GIVEN), "s": w.pick(SOURCES), "x": self._verb(), "p": w.pick(PEOPLE),
                "f": w.pick(FIRST), "f2": w.pick(FIRST), "m": w.pick(MONTHS), "m2": w.pick(MONTHS), "n": w.word(NOUNS, 0.2), "n2": w.word(NOUNS, 0.2), "d": w.word(DONE, 0.1),
                "r": w.word(ROLES, 0.2), "r2": w.word(ROLES, 0.2).capitalize(), "k": w.word(KINDS, 0.2), "j": w.word(ADJECTIVES, 0.1), "q": w.quantity(), "y": str(self.rng.randint(1990, 2039)),
                "u": w.pick(UNITS).rstrip("s"), "c": w.word([], 1.0).capitalize()}
        for key, value in made.items():
            form = form.replace("{%s}" % key, value)
        return form

    def attribute(self):
        a = self.w.attribute()
        return self.w.pick(TWO_WORDS) + " " + a if self.chance(0.15) else a

    def thing(self):
        """A thing as it stands in a sentence, and the part of that which names it."""
        w, form = self.w, self.rng.random()
        kind = w.kind() if self.chance(0.85) else w.word(ADJECTIVES, 0.3) + " " + w.kind()
        name = w.name()
        if self.chance(0.12):
            name += " " + w.pick(["Ltd", "Tools", "Group", "House", "Works", "North", "South", "II", "Hill", "Lane", "Office", "Park", "AG", "& Sons", "One", "Plus"])
        if form < 0.3:
            return name, name
        if form < 0.62:
            return w.pick(["the ", "the ", "the ", "our ", "this ", "that ", "my "]) + kind + " " + name, kind + " " + name
        if form < 0.82:
            return kind + " " + name, kind + " " + name
        if form < 0.84:
            return "the " + name + " " + kind, name + " " + kind
        if form < 0.93:
            return w.pick(["the ", "our ", "that ", "my "]) + kind, kind
        inner = self.attribute() + " of " + w.pick(["the ", ""]) + kind + " " + name
        return "the " + inner, inner

    def value(self):
        """A value as it stands in a sentence, and the part of that which says it."""
        w, form = self.w, self.rng.random()
        if form < 0.62:
            core = w.value()[0]
        elif form < 0.72:
            core = w.quantity()
        elif form < 0.78:
            core = "{:,}".format(self.rng.randint(1000, 9999999)) + w.pick(["", "", " euros", " dollars", ".50"])
        elif form < 0.82:
            core = w.pick(["$", "EUR "]) + w.number().lstrip("-")
        elif form < 0.88:
            core = w.word(ADJECTIVES, 0.2) + " " + w.kind()
            return w.pick(["the ", "the ", "a "]) + core, core
        elif form < 0.93:
            title, core = w.pick(["the ", "Mr. ", "Dr. ", "the "]), w.pick([w.word(ROLES, 0.2), w.name()])
            return title + core, core if title == "the " else title + core
        elif form < 0.97:
            core = "%d:%02d" % (self.rng.randint(0, 23), self.rng.randint(0, 59))
        else:
            core = w.name() + ", " + w.name()
        return core, core

    def condition(self, share=0.15):
        return self._fill(self.w.pick(CONDITIONS)) if self.chance(share) else ""

    def _place(self, form, parts):
        """The form with its parts in place; `parts`: {hole: text as it stands}."""
        while "{" in form:
            at = form.index("{")
            hole = form[at + 1:form.index("}", at)]
            if hole in parts:
                text = parts[hole]
            elif hole == "b":
                text = self.w.pick(IS)
            elif hole == "e":
                text = self.w.pick(EVENTS)
            elif hole in ("w", "q", "Q"):
                text = self.w.pick({"w": WHAT, "q": WHETHER, "Q": WHICH}[hole])
            else:
                text = self._fill("{%s}" % hole)
            form = form[:at] + text + form[at + len(hole) + 2:]
        return form.replace(" : ", ": ").replace(" , ", ", ")

    def _finished(self, text, stop="."):
        text = text[0].upper() + text[1:]
        return text if text[-1] in ".?!" else text + stop

    def statement(self):
        if self.chance(0.18):
            text = self._fill(self.w.pick(PROSE))
            return self._finished((self._fill(self.w.pick(AROUND)) if self.chance(0.2) else "") + text), {}
        (thing, named), a, (v, said), c = self.thing(), self.attribute(), self.value(), self.condition()
        if self.chance(0.15):
            form = self.w.pick(TYPED_STATEMENTS).rstrip(".")
        elif self.chance(0.3):
            form = self.w.pick(SENTENCES["seen"]).rstrip(".")
        else:
            form = self.w.pick(STATED)
        form = form[0].lower() + form[1:]
        if c and self.chance(0.5):
            form, c_last = c + (", " if self.chance(0.5) else " ") + form, ""
        else:
            c_last = " " + c if c else ""
        if self.chance(0.25):
            form = self._fill(self.w.pick(AROUND)) + form
        text = self._place(form, {"a": a, "t": thing, "v": v}) + c_last
        if self.chance(0.12):
            text += self._fill(self.w.pick(AFTERWARDS))
        parts = {"what": a, "of": named, "with": c, "is": said}
        return self._finished(text), {k: p for k, p in parts.items() if p}

    def _asked(self, text, parts):
        """With what people say before and after."""
        before, after = (self._fill(self.w.pick(f)) for f in (FIRST_WORDS, LAST_WORDS))
        if before == "" or before.rstrip()[-1] in ".!":
            text = text[0].upper() + text[1:]
        if after and text[-1] not in ".?!" and self.chance(0.8):
            text += "."
        return before + text + after, {k: p for k, p in parts.items() if p}

    def question(self):
        form, (thing, named), c = self.rng.random(), self.thing(), self.condition()
        if form < 0.12:
            before, _, rest = self.w.pick(OTHERWISE).partition("[")
            what, _, after = rest.partition("]")
            text = (before + what + after).replace("{t}", thing)
            text = text[:-1] + (" " + c if c else "") + "?"
            return self._asked(text, {"what": what, "of": named, "with": c})
        if form < 0.32:
            if self.chance(0.25):
                _, asked, _ = self.w.rule("seen")
                core = self.w.pick(asked).rstrip("?")
            else:
                core = self._fill(self.w.pick(RULED).replace("{C}", self.w.pick(CONDITIONS)))
            core = core[0].lower() + core[1:] if self.chance(0.6) else core
            text = self.w.pick(["{Q}?", "{Q}?", "{Q}?", "tell me, {Q}?", "i {x} to know: {Q}?", "question: {Q}?", "the {p} asks: {Q}?", "could you say {Q}?",
                                "so, {Q}?", "do you know {Q}?", "i wonder: {Q}?", "please {x}: {Q}?", "{f} asked me {Q}."]).replace("{Q}", core)
            text = self._fill(text)
            core = text[0].upper() + core[1:] if text.lower().startswith(core.lower()) else core
            text, parts = self._asked(text, {"what": core})
            if core not in text:
                parts["what"] = core[0].swapcase() + core[1:]
            return text, parts
        a = self.attribute()
        if self.chance(0.05):  # two properties at once
            a += self.w.pick([" and ", " and the ", " or ", " or the "]) + self.attribute()
        if form < 0.4:
            text = self.w.pick(TYPED_QUESTIONS).format(a=a, t=thing)
        elif form < 0.5:
            text = self.w.pick(QUESTIONS["seen"]).format(a=a, t=thing)
        else:
            text = self._place(self.w.pick(ASKED), {"a": a, "t": thing})
            text = text.replace("i ", "I ", 1) if text.startswith("i ") else text.replace(" i ", " I ")
        if c and self.chance(0.3):
            text = c + self.w.pick([", ", ", ", " "]) + text
        elif c:
            text = text[:-1] + " " + c + text[-1] if text[-1] in ".?" else text + " " + c
        return self._asked(text, {"what": a, "of": named, "with": c})

    def _reworded(self, text, parts):
        """One of the words that only carry the sentence becomes another: what a word is, its place must say."""
        taken = [(m.start(), m.end()) for p in parts.values() for m in re.finditer(re.escape(p), text)]
        free = [m for m in re.finditer(r"(?<![\w'-])[A-Za-z][a-z]{3,}(?![\w'-])", text)
                if m[0].lower() not in CARRYING and not any(m.start() < end and begin < m.end() for begin, end in taken)]
        if not free:
            return text
        m = self.w.pick(free)
        word = words.invent(self.rng) if self.chance(0.4) else self.w.pick(self.w.pick([VERBS, GIVEN, SOURCES, PEOPLE, NOUNS, ADJECTIVES]))
        ending = re.search(r"(ed|ing|s|)$", m[0])[0]
        word = word if word.endswith(ending) else word + ending
        return text[:m.start()] + (word.capitalize() if m[0][0].isupper() else word) + text[m.end():]

    def sentence(self):
        """(text, outline, whether it asks), its parts as they stand in the text."""
        while True:
            asks = self.chance(0.45)
            text, parts = self.question() if asks else self.statement()
            # A part that opens the sentence stands there with a capital.
            for key, part in parts.items():
                if part not in text:
                    parts[key] = part[0].upper() + part[1:]
            for _ in range(self.rng.choice([0, 0, 1, 1, 2])):
                text = self._reworded(text, parts)
            if all(p in text for p in parts.values()) and '"' not in text:
                return text, parts, asks

    def held_out(self, forms="held"):
        """The same of forms that training never saw."""
        (thing, named), a, (v, said) = self.thing(), self.attribute(), self.value()
        asks = self.chance(0.45)
        text = self.w.pick((QUESTIONS if asks else SENTENCES)[forms]).format(a=a, t=thing, v=v)
        text = text[0].upper() + text[1:]
        parts = {"what": a, "of": named} if asks else {"what": a, "of": named, "is": said}
        if asks:
            text, parts = self._asked(text, parts)
        for key, part in parts.items():
            if part not in text:
                parts[key] = part[0].upper() + part[1:]
        return text, parts, asks
