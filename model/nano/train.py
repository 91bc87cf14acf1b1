"""Trains the network on episodes made on the fly. Run it through `train` beside this file.

Processes of one thread each share the parameters: every process works on its own batch, gradients
are added up, and each updates its share of the parameters (Muon for the matrices of the layers,
AdamW for the rest). The learning rate is constant, then falls to zero over the last part of the
time given. A checkpoint is written every few minutes; a later run goes on from it.
"""

import argparse
import json
import math
import os
import random
import time
from pathlib import Path

import torch
import torch.multiprocessing as mp
import torch.nn.functional as F

import episodes
from episodes import ARGUMENT, DECISION, LEVELS, NAME, OUTLINE, REFUSAL, REPEATED, SYNTAX, VALUE, Episodes
from evaluate import Cell, measure, summary
from network import Jamba, kernels
from tokenizer import Tokenizer

# Decisions are few among many tokens that only copy or follow a form.
WEIGHT = {DECISION: 3.0, NAME: 3.0, OUTLINE: 1.0, ARGUMENT: 0.5, SYNTAX: 0.3, REFUSAL: 0.3, REPEATED: 0.25}
PROMPT_SHARE, PROMPT_WEIGHT = 0.05, 0.3  # of the prompt's tokens are learned too, a little
HELPER_WEIGHT = 1.0
LONGEST = 384
WATCHED = {"decision": DECISION, "name": NAME, "argument": ARGUMENT, "value": VALUE, "outline": OUTLINE, "refusal": REFUSAL, "repeated": REPEATED}
# A level is passed when all of these are reached, or after so many tokens.
PASSED = [({"value": 0.9, "argument": 0.9}, 4e6), ({"name": 0.9, "value": 0.97}, 15e6), ({}, math.inf)]
DECAY = 0.45  # of the time


def options():
    p = argparse.ArgumentParser()
    p.add_argument("--work", type=Path, required=True, help="vocabulary, checkpoints and logs")
    p.add_argument("--minutes", type=float, default=120)
    p.add_argument("--processes", type=int, default=os.cpu_count())
    p.add_argument("--width", type=int, default=128)
    p.add_argument("--layers", type=int, default=6)
    p.add_argument("--ffn", type=int, default=256)
    p.add_argument("--heads", type=int, default=4)
    p.add_argument("--attention", type=int, nargs="+", default=[1, 3, 5])
    p.add_argument("--aside", type=int, default=3)
    p.add_argument("--batch", type=int, default=3072, help="tokens per process and step")
    p.add_argument("--matrix-rate", type=float, default=0.006)
    p.add_argument("--rate", type=float, default=1e-3)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--checkpoint-minutes", type=float, default=6)
    opts = p.parse_args()
    if opts.minutes <= 0:
        p.error("--minutes must be above 0")
    return opts


def check_speed():
    """The reference BLAS is thirty times too slow to train with."""
    a = torch.randn(512, 512)
    best = 0.0
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(8):
            a @ a
        best = max(best, 8 * 2 * 512**3 / (time.perf_counter() - begin) / 1e9)
    if best < 20:
        raise SystemExit("train: %.1f GFLOP/s; is OpenBLAS in use? (apt-get install libopenblas0-serial)" % best)
    print("%.0f GFLOP/s on one thread" % best, flush=True)


class Batches:
    """Batches of about `size` tokens, of episodes of like length, from level to level."""

    def __init__(self, tokenizer, size, seed):
        self.tokenizer, self.size, self.rng = tokenizer, size, random.Random(seed)
        self.waiting, self.level = [], -1

    def _refill(self):
        source = Episodes(self.rng.getrandbits(60), LEVELS[self.level])
        pool = []
        while len(pool) < 400:
            encoded = self.tokenizer.episode(source.episode())
            if len(encoded.ids) <= LONGEST:
                pool.append(encoded)
        pool.sort(key=lambda e: len(e.ids) + self.rng.random() * 8)
        batch, longest = [], 0
        for e in pool:
            if batch and max(longest, len(e.ids)) * (len(batch) + 1) > self.size:
                self.waiting.append(batch)
                batch, longest = [], 0
            batch.append(e)
            longest = max(longest, len(e.ids))
        self.rng.shuffle(self.waiting)

    def next(self, level):
        if level != self.level:
            self.level, self.waiting = level, []
        while not self.waiting:
            self._refill()
        return self.waiting.pop()


def padded(batch):
    """ids[rows, time], classes[rows, time], and the helper's targets (row, position, wanted)."""
    longest = max(len(e.ids) for e in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    classes = torch.full((len(batch), longest), -1, dtype=torch.long)
    offers = []
    for row, e in enumerate(batch):
        ids[row, : len(e.ids)] = torch.tensor(e.ids)
        classes[row, : len(e.ids)] = torch.tensor(e.classes)
        offers += [(row, at, wanted) for at, wanted in e.offers]
    return ids, classes, offers


def loss_of(model, batch, seen):
    """The loss of a batch; adds right and all decisions per class to `seen`."""
    ids, classes, offers = padded(batch)
    hidden, beside = model.hidden(ids[:, :-1])
    target, kind = ids[:, 1:], classes[:, 1:]
    weight = (kind > 0).float()
    for k, w in WEIGHT.items():
        weight[kind == k] = w
    weight[(kind == 0) & (torch.rand(kind.shape) < PROMPT_SHARE)] = PROMPT_WEIGHT
    chosen = weight > 0
    logits = model.logits(hidden[chosen])
    wanted, weight, kind = target[chosen], weight[chosen], kind[chosen]
    loss = (F.cross_entropy(logits, wanted, reduction="none") * weight).sum() / weight.sum()
    with torch.no_grad():
        right = logits.argmax(-1) == wanted
        for name, k in WATCHED.items():
            of_kind = kind == k
            seen[name][0] += int(right[of_kind].sum())
            seen[name][1] += int(of_kind.sum())
    if offers:
        rows, places, fits = zip(*offers)
        says = model.helper(beside[list(rows), list(places)]).squeeze(-1)
        fits = torch.tensor(fits, dtype=torch.float)
        loss = loss + HELPER_WEIGHT * F.binary_cross_entropy_with_logits(says, fits)
        seen["helper"][0] += int(((says > 0) == (fits > 0)).sum())
        seen["helper"][1] += len(offers)
    return loss


def orthogonal(x):
    """Muon's step: `x` with its singular values near one (Newton-Schulz, quintic)."""
    turned = x.shape[0] > x.shape[1]
    x = x.t() if turned else x
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        s = x @ x.t()
        x = 3.4445 * x + (-4.7750 * s + 2.0315 * s @ s) @ x
    return x.t() if turned else x


class Optimizer:
    """This process's share of the parameters."""

    def __init__(self, named, rank, world, opts):
        def is_matrix(name, p):
            return p.dim() == 2 and "layers" in name and not any(k in name for k in ("a_log", "conv", "x_dt", "x_b", "x_c", ".dt."))

        matrices = [(n, p) for n, p in named if is_matrix(n, p)][rank::world]
        others = sorted(((n, p) for n, p in named if not is_matrix(n, p)), key=lambda x: -x[1].numel())[rank::world]
        self.matrices = [(n, p, torch.zeros_like(p)) for n, p in matrices]
        self.others = [(n, torch.nn.Parameter(p.data)) for n, p in others]
        plain = [q for n, q in self.others if q.dim() != 2 or "a_log" in n or "conv" in n]
        decayed = [q for n, q in self.others if not any(q is x for x in plain)]
        self.adam = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}],
                                      lr=opts.rate, betas=(0.9, 0.95))
        self.opts = opts

    def step(self, gradient, scale):
        for name, q in self.others:
            q.grad = gradient(name, q)
        torch.nn.utils.clip_grad_norm_([q for _, q in self.others], 1.0)
        for group in self.adam.param_groups:
            group["lr"] = self.opts.rate * scale
        self.adam.step()
        rate = self.opts.matrix_rate * scale
        for name, p, momentum in self.matrices:
            g = gradient(name, p)
            momentum.mul_(0.95).add_(g)
            p.data.mul_(1 - rate * 0.02)
            p.data.add_(orthogonal(g + 0.95 * momentum), alpha=-rate * max(1, p.shape[0] / p.shape[1]) ** 0.5)

    def state(self):
        return {"momentum": [m for _, _, m in self.matrices], "adam": self.adam.state_dict()}

    def load(self, state):
        for (_, _, m), saved in zip(self.matrices, state["momentum"]):
            m.copy_(saved)
        self.adam.load_state_dict(state["adam"])


def work(rank, opts, model, gradients, shared, barrier, progress):
    torch.set_num_threads(1)
    kernels()
    torch.manual_seed(opts.seed * 1000 + rank + progress["step"])
    tokenizer = Tokenizer(opts.work / "nano.model")
    named = list(model.named_parameters())
    places, at = {}, 0
    for name, p in named:
        places[name] = at
        at += p.numel()
    optimizer = Optimizer(named, rank, opts.processes, opts)
    own = opts.work / ("optimizer.%d.pt" % rank)
    if progress["step"] and own.exists():
        optimizer.load(torch.load(own))
    batches = Batches(tokenizer, opts.batch, hash((opts.seed, rank, progress["step"])))
    seen = {k: [0, 0] for k in [*WATCHED, "helper"]}
    step, level, level_tokens = progress["step"], progress["level"], progress["level_tokens"]
    begin = last = time.time()
    tokens, losses = 0, []
    while True:
        batch = batches.next(level)
        loss = loss_of(model, batch, seen)
        for p in model.parameters():
            p.grad = None
        loss.backward()
        torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for _, p in named], out=gradients[rank])
        losses.append(float(loss.detach()))
        count = sum(len(e.ids) for e in batch)
        if rank == 0:
            done = (time.time() - begin) / 60 / opts.minutes
            shared[0] = min(1.0, (step - progress["step"] + 1) / 30) * min(1.0, max(0.01, (1 - done) / DECAY))
            shared[1] = float(done >= 1)
            shared[2] = float(time.time() - last > opts.checkpoint_minutes * 60 or done >= 1)
        shared[3 + rank] = count
        barrier.wait()
        scale, stop, checkpoint = (float(x) for x in shared[:3])
        step_tokens = int(shared[3 : 3 + opts.processes].sum())
        tokens += step_tokens
        level_tokens += step_tokens

        def gradient(name, p):
            return gradients[:, places[name] : places[name] + p.numel()].sum(0).view_as(p) / opts.processes

        optimizer.step(gradient, scale)
        step += 1
        if step % 50 == 0:
            shares = {k: r / n if n else 0.0 for k, (r, n) in seen.items()}
            seen = {k: [0, 0] for k in seen}
            if rank == 0:
                needed, cap = PASSED[level]
                passed = all(shares[k] >= v for k, v in needed.items()) or level_tokens > cap
                shared[-1] = float(passed and level + 1 < len(LEVELS))
                print("step %d level %d %.3fM tokens (+%.0f/s) loss %.3f %s" % (
                    step, level, (progress["tokens"] + tokens) / 1e6, tokens / (time.time() - begin), sum(losses[-50:]) / len(losses[-50:]),
                    " ".join("%s %.2f" % kv for kv in shares.items())), flush=True)
        barrier.wait()
        if step % 50 == 0 and shared[-1]:
            level, level_tokens = level + 1, 0
        if checkpoint:
            torch.save(optimizer.state(), own)
            if rank == 0:
                now = {"step": step, "level": level, "level_tokens": level_tokens, "tokens": progress["tokens"] + tokens}
                save(opts, model, now)
                report(opts, model, tokenizer, now, time.time() - begin)
            last = time.time()
            barrier.wait()
        if stop:
            return


def save(opts, model, progress):
    part = opts.work / "checkpoint.part"
    torch.save({"model": {k: v.clone() for k, v in model.state_dict().items()}, "config": model.config, "progress": progress}, part)
    part.replace(opts.work / "checkpoint.pt")
    keep = opts.work / ("at-%.1fM.pt" % (progress["tokens"] / 1e6))
    torch.save({"model": {k: v.clone() for k, v in model.state_dict().items()}, "config": model.config, "progress": progress}, keep)


def report(opts, model, tokenizer, progress, seconds):
    cells = {"seen": Cell(), "held requests": Cell(requests="held"), "held descriptions": Cell(descriptions="held", word_split="held")}
    figures = {name: measure(model, tokenizer, cell, 40, seed=7) for name, cell in cells.items()}
    for name, f in figures.items():
        print("  %-18s %s" % (name, summary(f)), flush=True)
    with open(opts.work / "log.jsonl", "a") as log:
        log.write(json.dumps({**progress, "seconds": round(seconds), "figures": figures}) + "\n")


def main():
    opts = options()
    opts.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    check_speed()
    vocabulary = opts.work / "nano.model"
    if not vocabulary.exists():
        import tokenizer

        tokenizer.train(vocabulary, opts.work)
    torch.manual_seed(opts.seed)
    size = Tokenizer(vocabulary).padded
    model = Jamba(size, opts.width, opts.layers, opts.ffn, opts.heads, opts.attention, opts.aside)
    progress = {"step": 0, "level": 0, "level_tokens": 0, "tokens": 0}
    checkpoint = opts.work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        model = Jamba(**saved["config"])
        model.load_state_dict(saved["model"])
        progress = saved["progress"]
    parameters = sum(p.numel() for p in model.parameters())
    print("%.2fM parameters, vocabulary %d, from %s" % (parameters / 1e6, size, progress), flush=True)
    model.share_memory()
    gradients = torch.zeros(opts.processes, parameters).share_memory_()
    shared = torch.zeros(4 + opts.processes, dtype=torch.float64).share_memory_()
    context = mp.get_context("fork")
    barrier = context.Barrier(opts.processes)
    arguments = (opts, model, gradients, shared, barrier, progress)
    workers = [context.Process(target=work, args=(rank, *arguments)) for rank in range(opts.processes)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    if any(w.exitcode for w in workers):
        raise SystemExit("train: a process failed")


if __name__ == "__main__":
    main()
