"""Forms written by another hand when training and planner were nearly done; nobody looked at which of them fail."""

QUESTIONS = [
    "What is the {a} of {t}?",
    "Could you look up the {a} of {t} for me, please?",
    "I'm filling in a form and I need the {a} of {t}.",
    "{a} of {t}?",
    "I was wondering what the {a} of {t} might be.",
    "For {t}, what {a} do we have?",
    "Please give me the {a} for {t}.",
    "Do you happen to know the {a} of {t}?",
    "A colleague just asked me about {t}, so can you tell me its {a}?",
    "Remind me, what's the {a} of {t} again?",
    "{t}: {a}, please.",
    "What does it say under {a} for {t}?",
    "Before I write the report I'd like to check the {a} of {t}.",
    "When it comes to {t}, which {a} is listed?",
    "Would you mind telling me which {a} {t} has?",
    "I forgot to note down the {a} of {t}, what was it?",
]

SENTENCES = [
    "The {a} of {t} is {v}.",
    "For {t}, the {a} is {v}.",
    "In the case of {t}, {v} is the {a}.",
    "With {t}, the {a} comes out as {v}.",
    "The {a} listed for {t} is {v}.",
    "As for {t}, its {a} is {v}.",
    "{v} is the {a} of {t}.",
    "Here is the {a} of {t}: {v}.",
]

RULES = [
    (
        "Every {n} has to be {d} by the {r} within {p}.",
        [
            "How long does the {r} have to get a {n} {d}?",
            "By whom must each {n} be {d}?",
        ],
    ),
    (
        "{N} costs above {s} are only {d} with the consent of the {r}.",
        [
            "Whose consent is needed for {n} costs over {s} to be {d}?",
            "Above what amount do {n} costs need the consent of the {r}?",
        ],
    ),
    (
        "The {n} is kept together with the {m} for {p} and is then destroyed.",
        [
            "For how long do we keep the {n} with the {m}?",
            "After what time is the {n} destroyed?",
        ],
    ),
    (
        "Any problem with the {n} must be reported to the {r} {c}.",
        [
            "Who should I tell if there is a problem with my {n}?",
            "Under what condition does a {n} problem have to be reported to the {r}?",
        ],
    ),
    (
        "Staff who lose the {n} pay a fee of {s}, which is taken from the next {m}.",
        [
            "How much do I have to pay if I lose my {n}?",
            "What is the fee for a lost {n} deducted from?",
        ],
    ),
    (
        "For each {n}, the {r} sends out the {m} no later than {q} in advance.",
        [
            "How far ahead of time does the {m} for a {n} go out?",
            "Who is responsible for sending the {m} for each {n}?",
        ],
    ),
]
