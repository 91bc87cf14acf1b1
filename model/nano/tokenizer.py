"""The vocabulary and how episodes become tokens.

SentencePiece BPE with byte fallback and single digits. No piece joins a space to a word, but for
function words: so a name has the same pieces after a space and after a quote, and copying it is
copying tokens. The JSON between is made of whole pieces. Words that are held out of training don't
shape the vocabulary.
"""

import re
from collections import Counter

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from episodes import DECISION, LEVELS, REPEATED, SYNTAX, Episodes

CONTROL = ["<|system|>", "<|user|>", "<|assistant|>", "<|tool|>", "<|eom|>"]
MARKERS = ["<tool_call>", "</tool_call>"]
JSON = ['{"description":"', '","name":"', '","parameters":{"', '":"string"', '":"number"', '{"name":"', '","arguments":{"', '":"', '","',
        '":\u2581"', '",\u2581"', '"}}', '"}', "}}", '{"']
SIZE = 1536  # pieces BPE may make, the rest is added
SPACED = 160  # function words that have a piece with their space
ROLE = {"user": "<|user|>", "tools": "<|system|>", "tool": "<|tool|>", "assistant": "<|assistant|>"}


def text_of(turn):
    return "".join(text for text, _ in turn.parts) if turn.parts else turn.text


def train(path, work):
    """Writes the vocabulary to `path`; `work` is a folder for what lies between."""
    episodes = Episodes(12345, LEVELS[-1])
    spaced = Counter()
    content = set()
    from words import ACTIONS, ADJECTIVES, ATTRIBUTES, DONE, FIRST, KINDS, NOUNS, ROLES
    for words in (ACTIONS, ADJECTIVES, ATTRIBUTES, DONE, FIRST, KINDS, NOUNS, ROLES):
        content.update(words)
        content.update(w.capitalize() for w in words)
        content.update(w + "s" for w in words)
    corpus = work / "corpus.txt"
    with open(corpus, "w") as out:
        for _ in range(12000):
            for turn in episodes.episode():
                text = text_of(turn)
                for piece in JSON + MARKERS:
                    text = text.replace(piece.replace("\u2581", " "), " ")
                for word in text.split():
                    out.write(word + "\n")
                for word in re.findall(r"(?<= )[a-z]+\b|(?<= )[A-Z][a-z]+\b", text):
                    if word not in content and (len(word) > 1 or word == "a"):
                        spaced[word] += 1
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:!?'\"()[]{}<>+-*/=_@#$%&|\\^~`"
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus), model_prefix=str(work / "base"), vocab_size=SIZE, model_type="bpe", byte_fallback=True, split_digits=True,
        add_dummy_prefix=False, normalization_rule_name="identity", remove_extra_whitespaces=False, character_coverage=1.0,
        unk_id=0, bos_id=1, eos_id=2, pad_id=-1, num_threads=1, required_chars=letters, minloglevel=2)
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString((work / "base.model").read_bytes())
    Piece = sentencepiece_model_pb2.ModelProto.SentencePiece
    trained = [(p.piece, p.type) for p in model.pieces]
    del model.pieces[:]
    merges = [p for p, kind in trained if kind == Piece.NORMAL and len(p) > 1]
    characters = [p for p, kind in trained if kind == Piece.NORMAL and len(p) == 1 and p != "\u2581"]
    whole = set(merges) | set(letters)
    function = ["\u2581" + w for w, _ in spaced.most_common() if w in whole][:SPACED]
    pieces = [(p, 0.0, kind) for p, kind in trained if kind in (Piece.UNKNOWN, Piece.CONTROL)]
    pieces += [(p, 0.0, Piece.USER_DEFINED) for p in CONTROL + MARKERS + JSON]
    pieces += [(p, 0.0, kind) for p, kind in trained if kind == Piece.BYTE]
    pieces += [(p, -float(i), Piece.NORMAL) for i, p in enumerate([*merges, *function, "\u2581", *characters])]
    for text, score, kind in pieces:
        model.pieces.add(piece=text, score=score, type=kind)
    model.trainer_spec.vocab_size = len(pieces)
    path.write_bytes(model.SerializeToString())


class Encoded:
    """An episode as tokens: ids[n], classes[n] (0 and REPEATED = not the model's to write), assistant turns as
    (begin, end, kind), and for every tool on offer (position of its name's mark, wanted)."""

    def __init__(self):
        self.ids, self.classes, self.turns, self.offers, self.names = [1], [0], [], [], []


class Tokenizer:
    def __init__(self, path):
        self.pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))
        self.size = self.pieces.get_piece_size()
        self.padded = (self.size + 31) // 32 * 32
        self.id = {p: self.pieces.piece_to_id(p) for p in CONTROL + MARKERS + JSON}
        self.end = self.id["<|eom|>"]
        self.name_mark = self.id['","name":"']

    def encode(self, text):
        return self.pieces.encode(text)

    def decode(self, ids):
        return self.pieces.decode(list(ids))

    def episode(self, turns):
        out = Encoded()
        for turn in turns:
            out.ids.append(self.id[ROLE[turn.role]])
            out.classes.append(0)
            begin = len(out.ids)
            if turn.role == "assistant":
                ends, done = [], 0
                for text, kind in turn.parts:
                    done += len(text)
                    ends.append((done, kind))
                part = 0
                for piece in self.pieces.encode(text_of(turn), out_type="immutable_proto").pieces:
                    # A piece belongs to the part that holds its last character.
                    while piece.end > ends[part][0]:
                        part += 1
                    out.ids.append(piece.id)
                    out.classes.append(ends[part][1])
                if turn.kind in ("call", "refuse"):
                    out.classes[begin] = DECISION
                out.ids.append(self.end)
                out.classes.append(SYNTAX)
                out.turns.append((begin, len(out.ids), turn.kind))
                continue
            out.ids += self.encode(turn.text)
            if turn.role == "tools":
                out.names = turn.names
                marks = [i for i in range(begin, len(out.ids)) if out.ids[i] == self.name_mark]
                out.offers += list(zip(marks, turn.wanted, strict=True))
            out.ids.append(self.end)
            out.classes += [0] * (len(out.ids) - len(out.classes))
        seen = set()
        for i in range(1, len(out.ids)):
            pair = (out.ids[i - 1], out.ids[i])
            if out.classes[i] == 0 and pair in seen:
                out.classes[i] = REPEATED
            seen.add(pair)
        return out
