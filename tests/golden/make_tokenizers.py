#!/usr/bin/env python3
"""Tokenizer files and what the libraries they belong to make of texts (python3-sentencepiece 0.1.97):

    make_tokenizers.py FOLDER        writes FOLDER/NAME/{tokenizer.model,cases.json} and, for BPE
                                     of both kinds, FOLDER/NAME/tokenizer.json

cases.json is [[text, ids], ...]. For folders with tokenizer.json alone ids are null: they are filled
in with Hugging Face's tokenizers (README.md beside this file).
"""

import json
import random
import sys
from collections import Counter
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

RULES = "".join("%X\t%X\n" % (0xFF21 + i, 0x61 + i) for i in range(26)) + "FB01\t66 69\nA0\t20\n3000\t20\n"
SYMBOLS = ["<tool_call>", '":"', "a b", "x\u2581y", "\u2581\u2581", "I'm"]
SPLIT = ("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
         "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+")


def words():
    """Invented ones, the earlier the more frequent."""
    rng = random.Random(3)
    made = ["".join(rng.choice("bdfgklmnprstvwz") + rng.choice("aeiou") + rng.choice(["", "", "n", "r", "st"]) for _ in range(rng.randint(1, 3)))
            for _ in range(400)]
    for i in range(2500):
        word = made[int(len(made) * rng.random() ** 3)]
        yield (word.capitalize() if i % 11 == 0 else word) + ("" if i % 7 else rng.choice(".,:;!?"))


def texts():
    rng = random.Random(7)
    known = list(words())
    odd = ["<tool_call>", '":"', "a b", "x y", "x\u2581y", "\u2581", "  ", "   ", "\u00a0", "\u3000", "I'm", "don't", "'LL", "\n\n",
           " \n ", "\t", "12345", "3.14", "\uff21\uff42", "\ufb01", "\u65e5\u672c", "\U0001f600", "w\u00f6rld", "e\u0301", "\u200d", "--",
           "<|ctl|>", "<a>", "<0x0A>"]
    for i in range(160):
        yield "".join(rng.choice(odd if i % 2 else known) + rng.choice(["", " "]) for _ in range(rng.randrange(9)))


def write_cases(folder, cases):
    (folder / "cases.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


def sentencepiece_folder(folder, corpus, rules, **options):
    folder.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus), model_prefix=str(folder / "t"), byte_fallback=True, num_threads=1, minloglevel=2, character_coverage=0.995,
        **({"normalization_rule_tsv": str(rules)} if rules else {"normalization_rule_name": "identity"}), **options)
    (folder / "t.vocab").unlink()
    (folder / "t.model").rename(folder / "tokenizer.model")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    write_cases(folder, [[text, processor.encode(text)] for text in texts()])


def added(i, content, special):
    return {"id": i, "content": content, "special": special, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}


def json_folder(folder, tokens, pre, normalizer, model):
    folder.mkdir(parents=True, exist_ok=True)
    root = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens, "normalizer": normalizer,
            "pre_tokenizer": pre, "post_processor": None, "decoder": None, "model": model}
    (folder / "tokenizer.json").write_text(json.dumps(root, indent=0) + "\n")
    write_cases(folder, [[text, None] for text in texts()])


def merged_folder(folder, model_file):
    """SentencePiece's BPE as merges: every pair of pieces that spells a third, the best first."""
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(model_file.read_bytes())
    ids = {p.piece: i for i, p in enumerate(model.pieces)}
    merges = []
    for p in sorted((p for p in model.pieces if p.type == p.NORMAL), key=lambda p: -p.score):
        pairs = [(p.piece[:k], p.piece[k:]) for k in range(1, len(p.piece))]
        merges += sorted((pair for pair in pairs if pair[0] in ids and pair[1] in ids), key=lambda pair: [ids[part] for part in pair])
    json_folder(folder, [added(i, p.piece, True) for i, p in enumerate(model.pieces) if p.type in (p.UNKNOWN, p.CONTROL)], None,
                {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                                                     {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
                {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, "vocab": ids,
                 "merges": [" ".join(pair) for pair in merges]})


def byte_folder(folder, corpus):
    """Byte-level BPE: the most frequent pair is merged, 150 times."""
    printable = [b for b in range(256) if 0x21 <= b <= 0x7E or (b >= 0xA1 and b != 0xAD)]
    spelled = {b: chr(b) for b in printable}
    spelled.update({b: chr(0x100 + i) for i, b in enumerate(b for b in range(256) if b not in spelled)})
    words = Counter((" " + word).encode() for word in corpus.read_text().split())
    split = {word: [spelled[b] for b in word] for word in words}
    ids = {c: i for i, c in enumerate(sorted(spelled.values()))}
    merges = []
    for _ in range(150):
        pairs = Counter()
        for word, n in words.items():
            for pair in zip(split[word], split[word][1:]):
                pairs[pair] += n
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(list(best))
        ids["".join(best)] = len(ids)
        for parts in split.values():
            i = 0
            while i + 1 < len(parts):
                if (parts[i], parts[i + 1]) == best:
                    parts[i:i + 2] = ["".join(best)]
                i += 1
    tokens = [added(len(ids) + i, text, special) for i, (text, special) in enumerate((("<s>", True), ("<tool_call>", False)))]
    pre = {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": SPLIT}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]}
    json_folder(folder, tokens, pre, None, {"type": "BPE", "ignore_merges": True, "vocab": ids, "merges": merges})


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    corpus, rules = out / "corpus.txt", out / "rules.tsv"
    spoken = list(words())
    lines = [" ".join(spoken[i:i + 12]) for i in range(0, len(spoken), 12)]
    corpus.write_text("\n".join(lines) + "\n" + "\n".join(texts()))
    rules.write_text(RULES)
    sentencepiece_folder(out / "bpe", corpus, None, model_type="bpe", vocab_size=460, remove_extra_whitespaces=False)
    sentencepiece_folder(out / "bpe-rules", corpus, rules, model_type="bpe", vocab_size=460, user_defined_symbols=SYMBOLS,
                         control_symbols=["<|ctl|>"], add_dummy_prefix=False, split_digits=True)
    sentencepiece_folder(out / "unigram", corpus, rules, model_type="unigram", vocab_size=460)
    sentencepiece_folder(out / "unigram-symbols", corpus, None, model_type="unigram", vocab_size=460, user_defined_symbols=SYMBOLS,
                         add_dummy_prefix=False, remove_extra_whitespaces=False)
    merged_folder(out / "merges", out / "bpe" / "tokenizer.model")
    byte_folder(out / "bytes", corpus)
    corpus.unlink()
    rules.unlink()


main()
