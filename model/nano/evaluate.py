"""How well the network does what the agent asks of it, as the agent asks: under its constraints.

Teacher forcing: the tokens before each decision are the right ones, so a whole turn counts as right
exactly when greedy decoding would have written it. Tool names are limited to those on offer,
arguments to what the request holds, drafts of an answer to those that could be meant; outlines to
nothing. A cell says what of the episodes was never seen in training.
"""

import math
from collections import defaultdict
from dataclasses import dataclass

import torch

from episodes import ARGUMENT, LEVELS, NAME, VALUE, Episodes

LONGEST = 512


@dataclass
class Cell:
    requests: str = "seen"
    descriptions: str = "seen"
    word_split: str = "seen"
    task: str = None


class Trie:
    """What may come next among some token strings."""

    def __init__(self, strings):
        self.strings = strings

    def next(self, written):
        n = len(written)
        return sorted({s[n] for s in self.strings if len(s) > n and s[:n] == written})


def name_strings(tokenizer, names):
    return [tokenizer.encode('{"name":"' + n + '","arguments":{"')[1:] for n in names]


def copies(source, written):
    """The tokens that go on with a copy of `written` out of `source`."""
    n = len(written)
    return {source[i + n] for i in range(len(source) - n) if source[i : i + n] == written}


def best(logits, allowed):
    allowed = list(allowed)
    return allowed[int(logits[allowed].argmax())]


def judge_turn(tokenizer, encoded, logits, turn, found):
    """Adds the decisions of one assistant turn to `found`."""
    ids, classes = encoded.ids, encoded.classes
    begin, end, kind = turn
    greedy = [int(x) for x in logits[begin - 1 : end - 1].argmax(-1)]
    exact = greedy == ids[begin:end]
    call = tokenizer.id["<tool_call>"]
    if kind in ("call", "refuse") and encoded.names:
        # The first token decides between a call and "none of the tools".
        refusal = tokenizer.encode("None")[0]
        chosen = best(logits[begin - 1], [call, refusal])
        found["decided"].append(chosen == ids[begin])
        found["decided to " + kind].append(chosen == ids[begin])
    if kind == "call":
        names = [i for i in range(begin, end) if classes[i] == NAME]
        trie = Trie(name_strings(tokenizer, encoded.names))
        written, right = [], True
        for i in range(names[0], names[-1] + 2):
            allowed = trie.next(written)
            right = right and best(logits[i - 1], allowed) == ids[i]
            written.append(ids[i])
        found["tool"].append(right)
        request = ids[2 : ids.index(tokenizer.end)]
        good, copied = right, []
        for i in range(names[-1] + 1, end):
            if classes[i] == ARGUMENT:
                allowed = copies(request, copied)
                # A copy that has begun may end.
                ends = {tokenizer.id['"}}'], tokenizer.id['","']} if copied else set()
                good = good and best(logits[i - 1], allowed | ends | {ids[i]}) == ids[i]
                copied.append(ids[i])
            elif copied:
                allowed = copies(request, copied) | {tokenizer.id['"}}'], tokenizer.id['","'], ids[i]}
                good = good and best(logits[i - 1], allowed) == ids[i]
                copied = []
        found["call"].append(good)
        if right:
            found["arguments of the right tool"].append(good)
    elif kind == "outline":
        found[kind].append(exact)
    elif kind in ("answer", "quote", "repeat"):
        found[kind + ", unconstrained"].append(exact)
        values = [i for i in range(begin, end) if classes[i] == VALUE]
        found[kind].append(all(greedy[i - begin] == ids[i] for i in values))


def measure(model, tokenizer, cell, episodes, seed, level=LEVELS[-1]):
    """Shares of right decisions: {what: [share, decisions]}."""
    source = Episodes(seed, level, cell.requests, cell.descriptions, cell.word_split)
    encoded = []
    for task in [cell.task] if cell.task else ["call", "call", "read", "outline", "outline", "quote"]:
        made = 0
        while made < episodes:
            e = tokenizer.episode(source.episode(task))
            if len(e.ids) <= LONGEST:
                encoded.append(e)
                made += 1
    encoded.sort(key=lambda e: len(e.ids))
    found = defaultdict(list)
    with torch.no_grad():
        for at in range(0, len(encoded), 16):
            batch = encoded[at : at + 16]
            ids = torch.zeros(len(batch), max(len(e.ids) for e in batch), dtype=torch.long)
            for row, e in enumerate(batch):
                ids[row, : len(e.ids)] = torch.tensor(e.ids)
            hidden, _ = model.hidden(ids)
            for row, e in enumerate(batch):
                logits = model.logits(hidden[row])
                for turn in e.turns:
                    judge_turn(tokenizer, e, logits, turn, found)
    return {k: [sum(v) / len(v), len(v)] for k, v in sorted(found.items())}


def interval(share, n):
    """Wilson's 95 % interval."""
    z = 1.96
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


def summary(figures):
    return "  ".join("%s %.2f" % (k, v[0]) for k, v in figures.items() if ":" not in k and "unconstrained" not in k)


CELLS = {
    "seen": Cell(),
    "held-out requests": Cell(requests="held"),
    "held-out descriptions": Cell(descriptions="held"),
    "held-out words": Cell(word_split="held"),
    "all held out": Cell("held", "held", "held"),
}
SHOWN = ["decided", "tool", "call", "answer", "outline", "quote"]


def main():
    """usage: evaluate.py CHECKPOINT VOCABULARY [EPISODES]: a table for the model card."""
    import sys
    from pathlib import Path

    from network import Jamba
    from tokenizer import Tokenizer

    saved = torch.load(sys.argv[1])
    model = Jamba(**saved["config"])
    model.load_state_dict(saved["model"])
    tokenizer = Tokenizer(Path(sys.argv[2]))
    episodes = int(sys.argv[3]) if len(sys.argv) > 3 else 300
    print("%.2fM tokens; share right [95 %% interval] (decisions)" % (saved["progress"]["tokens"] / 1e6))
    print("| cell | " + " | ".join(SHOWN) + " |\n|" + "---|" * (len(SHOWN) + 1))
    for name, cell in CELLS.items():
        figures = measure(model, tokenizer, cell, episodes, seed=101)
        row = []
        for what in SHOWN:
            share, n = figures[what]
            row.append("%.3f [%.2f, %.2f] (%d)" % (share, *interval(share, n), n))
        print("| " + name + " | " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
