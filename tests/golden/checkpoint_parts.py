"""What make_checkpoints.py is made of: numbers as they are stored, the files of a checkpoint, and the
parts of forward passes in float64."""
import json
import math
import os
import struct

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "checkpoints")
VOCAB = 512
TOKENS = [int(t) for t in open(os.path.join(HERE, "tokens.txt")).read().split()]


# ---- numbers and files -------------------------------------------------------------------------

def to_bf16(x):
    bits = np.asarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


class Weights:
    """Draws tensors; keeps what is stored and hands out what the stored bits mean."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.stored = {}

    def add(self, name, values, dtype="BF16"):
        values = np.asarray(values, np.float32)
        if dtype == "BF16":
            bits = to_bf16(values)
            self.stored[name] = (dtype, values.shape, bits.tobytes())
            meaning = from_bf16(bits)
        elif dtype == "F16":
            halves = values.astype(np.float16)
            self.stored[name] = (dtype, values.shape, halves.tobytes())
            meaning = halves.astype(np.float32)
        else:
            self.stored[name] = ("F32", values.shape, values.tobytes())
            meaning = values
        return meaning.astype(np.float64).reshape(values.shape)

    def matrix(self, name, *shape, gain=1.0, dtype="BF16"):
        return self.add(name, self.random.normal(0, gain / math.sqrt(shape[-1]), shape), dtype)

    def norm(self, name, n, around=1.0):
        return self.add(name, around + self.random.normal(0, 0.1, n), "F32")

    def vector(self, name, n, mean=0.0, spread=0.1, dtype="F32"):
        return self.add(name, mean + self.random.normal(0, spread, n), dtype)

    def a_log(self, name, *shape):
        return self.add(name, np.log(self.random.uniform(0.5, 8.0, shape)), "F32")


def write_safetensors(path, stored):
    header, data = {}, b""
    for name in sorted(stored):
        dtype, shape, raw = stored[name]
        header[name] = {"dtype": dtype, "shape": list(shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def byte_alphabet():
    """GPT-2's printable stand-ins for the 256 bytes."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    stand_ins, extra = {b: chr(b) for b in kept}, 0
    for b in range(256):
        if b not in stand_ins:
            stand_ins[b] = chr(256 + extra)
            extra += 1
    return [stand_ins[b] for b in range(256)]


LLAMA3_WORDS = ("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
                " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+")


def write_bpe_tokenizer(folder):
    """A byte-level BPE of 256 bytes, some merges and three special tokens; fewer than VOCAB."""
    pieces = byte_alphabet()
    merges = [("t", "h"), ("th", "e"), ("a", "n"), ("an", "d"), ("i", "n"), ("\u0120", "the")]
    pieces = ["<|begin|>", "<|s|>", "<|end|>"] + pieces + [a + b for a, b in merges]
    # Token 1 begins a text, as in every golden model.
    special = [{"id": i, "content": pieces[i], "special": True, "single_word": False,
                "lstrip": False, "rstrip": False, "normalized": False} for i in range(3)]
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": LLAMA3_WORDS}, "behavior": "Isolated",
             "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
             "use_regex": False}]},
        "post_processor": None, "decoder": {"type": "ByteLevel", "add_prefix_space": True,
                                            "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False, "ignore_merges": True,
                  "vocab": {p: i for i, p in enumerate(pieces)},
                  "merges": [f"{a} {b}" for a, b in merges]}}
    write_json(os.path.join(folder, "tokenizer.json"), tokenizer)
    write_json(os.path.join(folder, "tokenizer_config.json"),
               {"bos_token": "<|s|>", "eos_token": "<|end|>",
                "tokenizer_class": "PreTrainedTokenizerFast",
                "chat_template": "{{ messages[0]['content'] }}"})


def write_spm_tokenizer(folder):
    """A SentencePiece model: unknown, begin, end, 256 bytes and words to fill VOCAB."""
    def varint(n):
        out = b""
        while n > 127:
            out += bytes([n & 127 | 128])
            n >>= 7
        return out + bytes([n])

    def field(number, wire, payload):
        return varint(number << 3 | wire) + payload

    def piece(text, score, kind):
        body = text.encode()
        inner = field(1, 2, varint(len(body)) + body) + field(2, 5, struct.pack("<f", score))
        inner += field(3, 0, varint(kind))
        return field(1, 2, varint(len(inner)) + inner)

    model = piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3)
    for b in range(256):
        model += piece(f"<0x{b:02X}>", 0, 6)
    letters = ["\u2581"] + [chr(c) for c in range(97, 123)]
    words = letters + [a + b for a in letters for b in letters]
    for i, word in enumerate(words[:VOCAB - 259]):
        model += piece(word, -float(i), 1)
    trainer = field(3, 0, varint(2)) + field(40, 0, varint(0)) + field(41, 0, varint(1))
    trainer += field(42, 0, varint(2))
    normalizer = field(3, 0, varint(0)) + field(4, 0, varint(0))
    model += field(2, 2, varint(len(trainer)) + trainer)
    model += field(3, 2, varint(len(normalizer)) + normalizer)
    with open(os.path.join(folder, "tokenizer.model"), "wb") as f:
        f.write(model)
    write_json(os.path.join(folder, "tokenizer_config.json"),
               {"bos_token": "<s>", "eos_token": "</s>", "tokenizer_class": "LlamaTokenizer"})


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=1, ensure_ascii=False)
        f.write("\n")


def write_checkpoint(name, config, weights, logits, spm=False, shards=1):
    folder = os.path.join(OUT, name)
    os.makedirs(folder, exist_ok=True)
    write_json(os.path.join(folder, "config.json"), config)
    names = sorted(weights.stored)
    if shards == 1:
        write_safetensors(os.path.join(folder, "model.safetensors"), weights.stored)
    else:
        where = {}
        for i in range(shards):
            file = f"model-{i + 1:05d}-of-{shards:05d}.safetensors"
            part = {n: weights.stored[n] for n in names[i::shards]}
            write_safetensors(os.path.join(folder, file), part)
            where.update({n: file for n in part})
        write_json(os.path.join(folder, "model.safetensors.index.json"),
                   {"metadata": {"total_size": sum(len(weights.stored[n][2]) for n in names)},
                    "weight_map": where})
    (write_spm_tokenizer if spm else write_bpe_tokenizer)(folder)
    np.asarray(logits, "<f4").tofile(os.path.join(folder, "logits.numpy.f32"))
    print(f"{name:12s} |logit| <= {np.abs(logits).max():.2f}, "
          f"{sum(len(s[2]) for s in weights.stored.values()) >> 10} KiB")


# ---- parts of the models -----------------------------------------------------------------------

def rms(x, weight, eps):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps) * weight


def silu(x):
    return x / (1 + np.exp(-x))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def softplus(x):
    return np.logaddexp(0, x)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def rotate_half(x, frequencies):
    """[T, heads, dim]: row i turns with row i + dim / 2."""
    angle = np.arange(x.shape[0])[:, None] * frequencies[None, :]
    cos, sin = np.cos(angle)[:, None, :], np.sin(angle)[:, None, :]
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def frequencies(dim, base):
    return base ** (-np.arange(0, dim, 2) / dim)


def llama3_frequencies(dim, base, scaling):
    out = []
    old = scaling["original_max_position_embeddings"]
    for f in frequencies(dim, base):
        wavelength = 2 * math.pi / f
        if wavelength > old / scaling["low_freq_factor"]:
            f = f / scaling["factor"]
        elif wavelength >= old / scaling["high_freq_factor"]:
            smooth = (old / wavelength - scaling["low_freq_factor"]) / (
                scaling["high_freq_factor"] - scaling["low_freq_factor"])
            f = (1 - smooth) * f / scaling["factor"] + smooth * f
        out.append(f)
    return np.array(out)


def attend(q, k, v, scale, window=None):
    """q [T, heads, dim], k and v [T, kv heads, dim] -> [T, heads * dim]."""
    T, heads, dim = q.shape
    out = np.zeros((T, heads, dim))
    for h in range(heads):
        kv = h // (heads // k.shape[1])
        scores = q[:, h] @ k[:, kv].T * scale
        i, j = np.arange(T)[:, None], np.arange(T)[None, :]
        hidden = j > i
        if window:
            hidden |= i - j >= window
        scores[hidden] = -np.inf
        out[:, h] = softmax(scores) @ v[:, kv]
    return out.reshape(T, heads * dim)


def causal_conv(x, weight, bias):
    """x [T, channels], weight [channels, 1, taps] -> silu of the convolution."""
    taps = weight.shape[2]
    padded = np.concatenate([np.zeros((taps - 1, x.shape[1])), x])
    return silu(sum(padded[j:j + len(x)] * weight[:, 0, j] for j in range(taps)) + bias)


def swiglu(x, gate, up, down):
    return (silu(x @ gate.T) * (x @ up.T)) @ down.T


def mamba1(w, p, x, d_state, rank, eps=None):
    """Mamba-1's mixer; `eps` for Jamba's norms of dt, B and C."""
    di = w[p + "D"].shape[0]
    xz = x @ w[p + "in_proj.weight"].T
    u, z = xz[:, :di], xz[:, di:]
    u = causal_conv(u, w[p + "conv1d.weight"], w[p + "conv1d.bias"])
    dbc = u @ w[p + "x_proj.weight"].T
    dt, B, C = np.split(dbc, [rank, rank + d_state], axis=1)
    if eps is not None:
        dt = rms(dt, w[p + "dt_layernorm.weight"], eps)
        B = rms(B, w[p + "b_layernorm.weight"], eps)
        C = rms(C, w[p + "c_layernorm.weight"], eps)
    dt = softplus(dt @ w[p + "dt_proj.weight"].T + w[p + "dt_proj.bias"])
    A = -np.exp(w[p + "A_log"])
    state, y = np.zeros((di, d_state)), np.zeros_like(u)
    for t in range(len(x)):
        state = np.exp(dt[t][:, None] * A) * state + (dt[t] * u[t])[:, None] * B[t][None, :]
        y[t] = state @ C[t] + w[p + "D"] * u[t]
    return (y * silu(z)) @ w[p + "out_proj.weight"].T


def draw_mamba1(weights, p, d, di, d_state, rank, norms):
    w = {}
    for name, value in [
            ("in_proj.weight", weights.matrix(p + "in_proj.weight", 2 * di, d)),
            ("conv1d.weight", weights.matrix(p + "conv1d.weight", di, 1, 4)),
            ("conv1d.bias", weights.vector(p + "conv1d.bias", di)),
            ("x_proj.weight", weights.matrix(p + "x_proj.weight", rank + 2 * d_state, di)),
            ("dt_proj.weight", weights.matrix(p + "dt_proj.weight", di, rank)),
            ("dt_proj.bias", weights.vector(p + "dt_proj.bias", di, -1.0, 0.5)),
            ("A_log", weights.a_log(p + "A_log", di, d_state)),
            ("D", weights.vector(p + "D", di, 1.0)),
            ("out_proj.weight", weights.matrix(p + "out_proj.weight", d, di))]:
        w[p + name] = value
    if norms:
        for name, n in [("dt_layernorm", rank), ("b_layernorm", d_state), ("c_layernorm", d_state)]:
            w[p + name + ".weight"] = weights.norm(p + name + ".weight", n)
    return w


def mamba2(w, p, x, heads, groups, d_state, eps):
    """Mamba-2's mixer (Dao & Gu 2024): one decay per head, B and C shared by a group's heads."""
    di = w[p + "norm.weight"].shape[0]
    dim = di // heads
    mixed = di + 2 * groups * d_state
    zxbcdt = x @ w[p + "in_proj.weight"].T
    z, xbc, dt = zxbcdt[:, :di], zxbcdt[:, di:di + mixed], zxbcdt[:, di + mixed:]
    xbc = causal_conv(xbc, w[p + "conv1d.weight"], w[p + "conv1d.bias"])
    u = xbc[:, :di].reshape(-1, heads, dim)
    B = xbc[:, di:di + groups * d_state].reshape(-1, groups, d_state)
    C = xbc[:, di + groups * d_state:].reshape(-1, groups, d_state)
    dt = softplus(dt + w[p + "dt_bias"])
    A = -np.exp(w[p + "A_log"])
    state, y = np.zeros((heads, dim, d_state)), np.zeros_like(u)
    for t in range(len(x)):
        for h in range(heads):
            g = h // (heads // groups)
            state[h] = (np.exp(dt[t, h] * A[h]) * state[h]
                        + dt[t, h] * np.outer(u[t, h], B[t, g]))
            y[t, h] = state[h] @ C[t, g] + w[p + "D"][h] * u[t, h]
    y = (y.reshape(-1, di) * silu(z)).reshape(-1, groups, di // groups)
    y = rms(y, w[p + "norm.weight"].reshape(groups, -1), eps).reshape(-1, di)
    return y @ w[p + "out_proj.weight"].T


def draw_mamba2(weights, p, d, di, heads, groups, d_state):
    mixed = di + 2 * groups * d_state
    return {
        p + "in_proj.weight": weights.matrix(p + "in_proj.weight", di + mixed + heads, d),
        p + "conv1d.weight": weights.matrix(p + "conv1d.weight", mixed, 1, 4, dtype="F16"),
        p + "conv1d.bias": weights.vector(p + "conv1d.bias", mixed),
        p + "dt_bias": weights.vector(p + "dt_bias", heads, -1.0, 0.5),
        p + "A_log": weights.a_log(p + "A_log", heads),
        p + "D": weights.vector(p + "D", heads, 1.0),
        p + "norm.weight": weights.norm(p + "norm.weight", di),
        p + "out_proj.weight": weights.matrix(p + "out_proj.weight", d, di)}


def draw_attention(weights, p, d, heads, kv, dim):
    return {p + f"{n}_proj.weight": weights.matrix(p + f"{n}_proj.weight", *shape, gain=1.5)
            for n, shape in [("q", (heads * dim, d)), ("k", (kv * dim, d)), ("v", (kv * dim, d)),
                             ("o", (d, heads * dim))]}


def heads_of(w, p, x, n, dim):
    return (x @ w[p].T).reshape(len(x), n, dim)


def top(logits, n):
    """The n best of each row, ties to the lower index."""
    return np.argsort(-logits, axis=1, kind="stable")[:, :n]
