"""Forms written by another hand when training and planner were done; nothing was changed after looking at them."""

QUESTIONS = [
    "I can't remember what {a} is listed for {t}, can you remind me?",
    "Any idea what {t} has for its {a}?",
    "Would you mind telling me which {a} {t} has been given?",
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

SENTENCES = [
    "If you look up {t}, you will see that its {a} is {v}.",
    "{v}: that is what we have on file as the {a} of {t}.",
    "Since the last update, {t} has had a new {a}, namely {v}.",
    "The records show that {t} has {v} for its {a}.",
    "Please note that the {a} of {t} is now {v}.",
    "In the case of {t}, we are dealing with the following {a}: {v}.",
    "The file on {t} gives its {a} as {v}.",
    "Under {a}, the entry for {t} reads {v}.",
]

RULES = [
    ("Anyone who wants to have a {n} {d} must first talk to the {r}.",
     ["Who do I have to talk to before I can get a {n} {d}?",
      "I'd like to have my {n} {d}. Who should I speak with first?"]),
    ("Employees must hand in their {n} no later than {p} after the {m}.",
     ["How long after the {m} do I have to hand in my {n}?",
      "What is the deadline for handing in the {n} once the {m} is over?"]),
    ("The company will cover the cost of a {n} up to a maximum of {s}.",
     ["What's the most the company will pay for a {n}?",
      "Up to what amount are the costs of a {n} covered?"]),
    ("If a {n} gets lost, this has to be reported to the {r} {c}.",
     ["I lost my {n}, who do I report it to?",
      "Which person needs to hear about a lost {n}?"]),
    ("{N}s that take longer than {q} must be {d} {c}.",
     ["How should I have a {n} {d} if it takes more than {q}?",
      "What is the rule for {n}s that go on for longer than {q}?"]),
    ("Staff are entitled to one {n} every {p}, provided that the {r} agrees.",
     ["How often can I have a {n}?",
      "Whose agreement do I need if I want to take a {n}?"]),
]
