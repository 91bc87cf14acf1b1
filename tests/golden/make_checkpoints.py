#!/usr/bin/env python3
"""Tiny random checkpoints in Hugging Face's layout, and their logits in float64.

    python3 tests/golden/make_checkpoints.py        (needs numpy; writes tests/golden/checkpoints)

Each forward pass is written from the model's paper and its published definition, over the
checkpoint's own tensors and names: it shares nothing with the engine or the converter, which are
held against it. Weights are rounded to the stored type first, so the reference sees what the file
holds. The same numbers come out on every machine (a fixed seed, float64).
"""
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


# ---- the models --------------------------------------------------------------------------------

def make_jamba():
    weights, d, di, N, R, ff, E = Weights(1), 64, 128, 16, 4, 96, 4
    heads, kv, dim, eps, layers = 4, 2, 16, 1e-6, 4
    config = {"architectures": ["JambaForCausalLM"], "model_type": "jamba", "hidden_size": d,
              "intermediate_size": ff, "num_hidden_layers": layers, "num_attention_heads": heads,
              "num_key_value_heads": kv, "attn_layer_offset": 1, "attn_layer_period": 2,
              "expert_layer_offset": 1, "expert_layer_period": 2, "num_experts": E,
              "num_experts_per_tok": 2, "mamba_expand": 2, "mamba_d_state": N, "mamba_d_conv": 4,
              "mamba_dt_rank": R, "rms_norm_eps": eps, "max_position_embeddings": 262144,
              "vocab_size": VOCAB, "tie_word_embeddings": False, "hidden_act": "silu"}
    embedding = weights.matrix("model.embed_tokens.weight", VOCAB, d, gain=4.0)
    h = embedding[TOKENS]
    for i in range(layers):
        p = f"model.layers.{i}."
        x = rms(h, weights.norm(p + "input_layernorm.weight", d), eps)
        if i % 2 == 1:
            w = draw_attention(weights, p + "self_attn.", d, heads, kv, dim)
            a = p + "self_attn."
            y = attend(heads_of(w, a + "q_proj.weight", x, heads, dim),
                       heads_of(w, a + "k_proj.weight", x, kv, dim),
                       heads_of(w, a + "v_proj.weight", x, kv, dim), dim ** -0.5)
            h = h + y @ w[a + "o_proj.weight"].T
        else:
            w = draw_mamba1(weights, p + "mamba.", d, di, N, R, True)
            h = h + mamba1(w, p + "mamba.", x, N, R, eps)
        x = rms(h, weights.norm(p + "pre_ff_layernorm.weight", d), eps)
        f = p + "feed_forward."

        def expert(q):
            return [weights.matrix(q + "gate_proj.weight", ff, d),
                    weights.matrix(q + "up_proj.weight", ff, d),
                    weights.matrix(q + "down_proj.weight", d, ff)]
        if i % 2 == 1:
            chances = softmax(x @ weights.matrix(f + "router.weight", E, d, gain=2.0).T)
            experts = [expert(f + f"experts.{e}.") for e in range(E)]
            chosen = top(chances, 2)
            y = np.zeros_like(x)
            for t in range(len(x)):
                for e in chosen[t]:
                    y[t] += chances[t, e] * swiglu(x[t], *experts[e])
            h = h + y
        else:
            h = h + swiglu(x, *expert(f))
    h = rms(h, weights.norm("model.final_layernorm.weight", d), eps)
    logits = h @ weights.matrix("lm_head.weight", VOCAB, d, gain=2.0).T
    write_checkpoint("jamba", config, weights, logits, spm=True)


def make_mamba():
    weights, d, di, N, R, eps, layers = Weights(2), 64, 128, 16, 4, 1e-5, 3
    config = {"architectures": ["MambaForCausalLM"], "model_type": "mamba", "hidden_size": d,
              "intermediate_size": di, "num_hidden_layers": layers, "state_size": N,
              "conv_kernel": 4, "time_step_rank": R, "layer_norm_epsilon": eps,
              "vocab_size": VOCAB, "use_bias": False, "use_conv_bias": True}
    embedding = weights.matrix("backbone.embeddings.weight", VOCAB, d, gain=4.0)
    h = embedding[TOKENS]
    for i in range(layers):
        p = f"backbone.layers.{i}."
        x = rms(h, weights.norm(p + "norm.weight", d), eps)
        h = h + mamba1(draw_mamba1(weights, p + "mixer.", d, di, N, R, False), p + "mixer.", x, N, R)
    h = rms(h, weights.norm("backbone.norm_f.weight", d), eps)
    write_checkpoint("mamba", config, weights, h @ embedding.T)


def make_mamba2():
    weights, d, di, heads, groups, N, eps, layers = Weights(3), 64, 128, 8, 2, 16, 1e-5, 3
    config = {"architectures": ["Mamba2ForCausalLM"], "model_type": "mamba2", "hidden_size": d,
              "expand": 2, "num_heads": heads, "head_dim": di // heads, "n_groups": groups,
              "state_size": N, "conv_kernel": 4, "num_hidden_layers": layers,
              "layer_norm_epsilon": eps, "vocab_size": VOCAB, "use_bias": False,
              "tie_word_embeddings": False}
    embedding = weights.matrix("backbone.embeddings.weight", VOCAB, d, gain=4.0)
    h = embedding[TOKENS]
    for i in range(layers):
        p = f"backbone.layers.{i}."
        x = rms(h, weights.norm(p + "norm.weight", d), eps)
        w = draw_mamba2(weights, p + "mixer.", d, di, heads, groups, N)
        h = h + mamba2(w, p + "mixer.", x, heads, groups, N, eps)
    h = rms(h, weights.norm("backbone.norm_f.weight", d), eps)
    logits = h @ weights.matrix("lm_head.weight", VOCAB, d, gain=2.0).T
    write_checkpoint("mamba2", config, weights, logits)


def make_granite(name, seed, experts, rotates):
    weights, d, di, m_heads, N, eps, layers = Weights(seed), 64, 128, 8, 16, 1e-5, 4
    heads, kv, dim, ff, shared, E, used = 4, 2, 16, 32, 64, 8 if experts else 0, 3
    kinds = ["mamba", "attention", "mamba", "attention"]
    scale = {"attention_multiplier": 0.125, "embedding_multiplier": 3.0,
             "residual_multiplier": 0.5, "logits_scaling": 2.0}
    config = {"architectures": ["GraniteMoeHybridForCausalLM"], "model_type": "granitemoehybrid",
              "hidden_size": d, "intermediate_size": ff, "shared_intermediate_size": shared,
              "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv,
              "layer_types": kinds, "num_local_experts": E, "num_experts_per_tok": used,
              "mamba_n_heads": m_heads, "mamba_d_head": di // m_heads, "mamba_n_groups": 1,
              "mamba_d_state": N, "mamba_d_conv": 4, "mamba_expand": 2, "rms_norm_eps": eps,
              "position_embedding_type": "rope" if rotates else "nope", "rope_theta": 10000.0,
              "max_position_embeddings": 4096, "vocab_size": VOCAB, "tie_word_embeddings": True,
              **scale}
    embedding = weights.matrix("model.embed_tokens.weight", VOCAB, d, gain=4.0)
    h = embedding[TOKENS] * scale["embedding_multiplier"]
    turn = frequencies(dim, 10000.0)
    for i in range(layers):
        p = f"model.layers.{i}."
        x = rms(h, weights.norm(p + "input_layernorm.weight", d), eps)
        if kinds[i] == "mamba":
            w = draw_mamba2(weights, p + "mamba.", d, di, m_heads, 1, N)
            y = mamba2(w, p + "mamba.", x, m_heads, 1, N, eps)
        else:
            a = p + "self_attn."
            w = draw_attention(weights, a, d, heads, kv, dim)
            q = heads_of(w, a + "q_proj.weight", x, heads, dim)
            k = heads_of(w, a + "k_proj.weight", x, kv, dim)
            if rotates:
                q, k = rotate_half(q, turn), rotate_half(k, turn)
            y = attend(q, k, heads_of(w, a + "v_proj.weight", x, kv, dim),
                       scale["attention_multiplier"]) @ w[a + "o_proj.weight"].T
        h = h + y * scale["residual_multiplier"]
        x = rms(h, weights.norm(p + "post_attention_layernorm.weight", d), eps)
        both = weights.matrix(p + "shared_mlp.input_linear.weight", 2 * shared, d)
        y = swiglu(x, both[:shared], both[shared:],
                   weights.matrix(p + "shared_mlp.output_linear.weight", d, shared))
        if E:
            m = p + "block_sparse_moe."
            scores = x @ weights.matrix(m + "router.layer.weight", E, d, gain=2.0).T
            into = weights.matrix(m + "input_linear.weight", E, 2 * ff, d)
            out = weights.matrix(m + "output_linear.weight", E, d, ff)
            chosen = top(scores, used)
            for t in range(len(x)):
                share = softmax(scores[t, chosen[t]])
                for s, e in zip(share, chosen[t]):
                    y[t] += s * swiglu(x[t], into[e, :ff], into[e, ff:], out[e])
        h = h + y * scale["residual_multiplier"]
    h = rms(h, weights.norm("model.norm.weight", d), eps)
    write_checkpoint(name, config, weights, h @ embedding.T / scale["logits_scaling"])


def make_llama(name, seed, experts):
    weights, d, ff, layers, eps = Weights(seed), 64, 96, 3, 1e-5
    heads, kv, dim, E, used = 4, 2, 16, 4 if experts else 0, 2
    config = {"architectures": ["MixtralForCausalLM" if experts else "LlamaForCausalLM"],
              "model_type": "mixtral" if experts else "llama", "hidden_size": d,
              "intermediate_size": ff, "num_hidden_layers": layers, "num_attention_heads": heads,
              "num_key_value_heads": kv, "rms_norm_eps": eps, "rope_theta": 500.0,
              "max_position_embeddings": 4096, "vocab_size": VOCAB, "tie_word_embeddings": experts}
    if experts:
        config.update({"num_local_experts": E, "num_experts_per_tok": used, "rope_theta": 10000.0})
        turn = frequencies(dim, 10000.0)
    else:
        # Short enough that 48 positions meet all three kinds of frequencies.
        config["rope_scaling"] = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                  "high_freq_factor": 4.0, "original_max_position_embeddings": 128}
        turn = llama3_frequencies(dim, 500.0, config["rope_scaling"])
    embedding = weights.matrix("model.embed_tokens.weight", VOCAB, d, gain=4.0)
    h = embedding[TOKENS]
    for i in range(layers):
        p = f"model.layers.{i}."
        a = p + "self_attn."
        x = rms(h, weights.norm(p + "input_layernorm.weight", d), eps)
        w = draw_attention(weights, a, d, heads, kv, dim)
        y = attend(rotate_half(heads_of(w, a + "q_proj.weight", x, heads, dim), turn),
                   rotate_half(heads_of(w, a + "k_proj.weight", x, kv, dim), turn),
                   heads_of(w, a + "v_proj.weight", x, kv, dim), dim ** -0.5)
        h = h + y @ w[a + "o_proj.weight"].T
        x = rms(h, weights.norm(p + "post_attention_layernorm.weight", d), eps)
        if experts:
            m = p + "block_sparse_moe."
            scores = x @ weights.matrix(m + "gate.weight", E, d, gain=2.0).T
            each = [[weights.matrix(m + f"experts.{e}.w1.weight", ff, d),
                     weights.matrix(m + f"experts.{e}.w3.weight", ff, d),
                     weights.matrix(m + f"experts.{e}.w2.weight", d, ff)] for e in range(E)]
            chosen = top(scores, used)
            y = np.zeros_like(x)
            for t in range(len(x)):
                share = softmax(scores[t, chosen[t]])
                for s, e in zip(share, chosen[t]):
                    y[t] += s * swiglu(x[t], *each[e])
            h = h + y
        else:
            h = h + swiglu(x, weights.matrix(p + "mlp.gate_proj.weight", ff, d),
                           weights.matrix(p + "mlp.up_proj.weight", ff, d),
                           weights.matrix(p + "mlp.down_proj.weight", d, ff))
    h = rms(h, weights.norm("model.norm.weight", d), eps)
    head = embedding if experts else weights.matrix("lm_head.weight", VOCAB, d, gain=2.0)
    write_checkpoint(name, config, weights, h @ head.T, shards=1 if experts else 2)


def make_gemma3():
    weights, d, ff, layers, eps = Weights(7), 32, 64, 7, 1e-6
    heads, kv, dim, window = 2, 1, 32, 9
    config = {"architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text",
              "hidden_size": d, "intermediate_size": ff, "num_hidden_layers": layers,
              "num_attention_heads": heads, "num_key_value_heads": kv, "head_dim": dim,
              "rms_norm_eps": eps, "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0,
              "rope_scaling": {"rope_type": "linear", "factor": 8.0}, "sliding_window": window,
              "sliding_window_pattern": 6, "query_pre_attn_scalar": dim,
              "max_position_embeddings": 4096, "vocab_size": VOCAB,
              "hidden_activation": "gelu_pytorch_tanh", "tie_word_embeddings": True}

    def norm(x, name, n):  # trained as the difference from one
        return rms(x, 1 + weights.norm(name, n, around=0.0), eps)

    embedding = weights.matrix("model.embed_tokens.weight", VOCAB, d, gain=1.0)
    h = embedding[TOKENS] * math.sqrt(d)
    for i in range(layers):
        p = f"model.layers.{i}."
        a = p + "self_attn."
        local = i % 6 != 5
        turn = frequencies(dim, 10000.0) if local else frequencies(dim, 1000000.0) / 8.0
        w = draw_attention(weights, a, d, heads, kv, dim)
        x = norm(h, p + "input_layernorm.weight", d)
        q = norm(heads_of(w, a + "q_proj.weight", x, heads, dim), a + "q_norm.weight", dim)
        k = norm(heads_of(w, a + "k_proj.weight", x, kv, dim), a + "k_norm.weight", dim)
        y = attend(rotate_half(q, turn), rotate_half(k, turn),
                   heads_of(w, a + "v_proj.weight", x, kv, dim), dim ** -0.5,
                   window if local else None) @ w[a + "o_proj.weight"].T
        h = h + norm(y, p + "post_attention_layernorm.weight", d)
        x = norm(h, p + "pre_feedforward_layernorm.weight", d)
        y = (gelu_tanh(x @ weights.matrix(p + "mlp.gate_proj.weight", ff, d).T)
             * (x @ weights.matrix(p + "mlp.up_proj.weight", ff, d).T))
        y = y @ weights.matrix(p + "mlp.down_proj.weight", d, ff).T
        h = h + norm(y, p + "post_feedforward_layernorm.weight", d)
    h = norm(h, "model.norm.weight", d)
    write_checkpoint("gemma3", config, weights, h @ embedding.T, spm=True)


if __name__ == "__main__":
    make_jamba()
    make_mamba()
    make_mamba2()
    make_granite("granite-moe", 4, True, False)
    make_granite("granite-rope", 5, False, True)
    make_llama("llama", 6, False)
    make_llama("mixtral", 8, True)
    make_gemma3()
