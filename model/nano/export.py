"""Writes a checkpoint as a GGUF file of architecture "jamba", its large matrices as Q8_0.

usage: export.py CHECKPOINT VOCABULARY OUT.gguf --name NAME
"""

import argparse
import hashlib
import struct
from pathlib import Path

import numpy as np
import torch
from sentencepiece import sentencepiece_model_pb2

from episodes import catalogue
from network import EPSILON, STATE
from tokenizer import CONTROL

ALIGNMENT = 32
F32, Q8_0 = 0, 8
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
CONTEXT = 4096


def string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(data)) + data


def scalar(kind, value):
    if kind == STRING:
        return string(value)
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}[kind], value)


class Writer:
    def __init__(self):
        self.keys, self.tensors = [], []

    def put(self, key, kind, value):
        self.keys.append(string(key) + struct.pack("<I", kind) + scalar(kind, value))

    def put_list(self, key, kind, values):
        head = struct.pack("<IIQ", ARRAY, kind, len(values))
        self.keys.append(string(key) + head + b"".join(scalar(kind, v) for v in values))

    def tensor(self, name, values, quantised=False):
        values = np.ascontiguousarray(values.detach().numpy(), dtype=np.float32)
        kind = Q8_0 if quantised and values.shape[-1] % 32 == 0 else F32
        self.tensors.append((name, values.shape, kind, q8_0(values) if kind == Q8_0 else values.tobytes()))

    def write(self, path):
        head = b"GGUF" + struct.pack("<IQQ", 3, len(self.tensors), len(self.keys)) + b"".join(self.keys)
        offset = 0
        for name, shape, kind, data in self.tensors:
            head += string(name) + struct.pack("<I", len(shape))
            head += b"".join(struct.pack("<Q", n) for n in reversed(shape)) + struct.pack("<IQ", kind, offset)
            offset += padded(len(data))
        with open(path, "wb") as out:
            out.write(head.ljust(padded(len(head)), b"\0"))
            for _, _, _, data in self.tensors:
                out.write(data.ljust(padded(len(data)), b"\0"))


def padded(n):
    return (n + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


def q8_0(values):
    """Blocks of 32: a float16 scale, then int8."""
    blocks = values.reshape(-1, 32)
    scale = np.abs(blocks).max(1, keepdims=True) / 127
    q = np.where(scale > 0, np.round(blocks / np.where(scale > 0, scale, 1)), 0).astype(np.int8)
    return np.concatenate([scale.astype(np.float16).view(np.uint8), q.view(np.uint8)], 1).tobytes()


def vocabulary(writer, path, size):
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(Path(path).read_bytes())
    # SentencePiece's kinds are GGUF's; what templates alone may write becomes a control token.
    # User-defined pieces are spelled as in a text; one that SentencePiece never finds is unused.
    control, defined, unused = 3, 4, 5
    pieces = [(p.piece, p.score, control if p.piece in CONTROL else p.type) for p in model.pieces]
    pieces = [(t, s, unused if k == defined and " " in t else k) for t, s, k in pieces]
    pieces = [(t.replace("\u2581", " ") if k == defined else t, s, k) for t, s, k in pieces]
    end = [p for p, _, _ in pieces].index("<|eom|>")
    pieces += [("<|unused%d|>" % i, 0.0, unused) for i in range(size - len(pieces))]
    writer.put("tokenizer.ggml.model", STRING, "llama")
    writer.put("tokenizer.ggml.pre", STRING, "default")
    writer.put_list("tokenizer.ggml.tokens", STRING, [p for p, _, _ in pieces])
    writer.put_list("tokenizer.ggml.scores", FLOAT32, [s for _, s, _ in pieces])
    writer.put_list("tokenizer.ggml.token_type", INT32, [k for _, _, k in pieces])
    for key, value in (("bos", 1), ("eos", end), ("unknown", 0)):
        writer.put("tokenizer.ggml.%s_token_id" % key, UINT32, value)
    writer.put("tokenizer.ggml.add_space_prefix", BOOL, False)
    writer.put("tokenizer.ggml.add_bos_token", BOOL, False)
    writer.put("tokenizer.chat_template", STRING, template())
    # The planner asks for what a model was trained on: the hashes of the catalogue's prompts.
    writer.put_list("orkestra.prompts", STRING, sorted(hashlib.sha256(text.encode()).hexdigest() for text in catalogue().values()))


def template():
    """The chat template on one line: its own line breaks and indentation are for people."""
    lines = (Path(__file__).parent / "template.jinja").read_text().splitlines()
    return "".join(line.strip() for line in lines)


def network(writer, weights, config):
    layers, width = config["layers"], config["width"]
    attends = [i in config["attention"] for i in range(layers)]
    rank = weights["layers.%d.mixer.x_dt.weight" % attends.index(False)].shape[0]
    for key, kind, value in (
        ("block_count", UINT32, layers), ("context_length", UINT32, CONTEXT), ("embedding_length", UINT32, width),
        ("feed_forward_length", UINT32, config["ffn"]), ("attention.head_count", UINT32, config["heads"]),
        ("attention.layer_norm_rms_epsilon", FLOAT32, EPSILON), ("ssm.conv_kernel", UINT32, 4), ("ssm.inner_size", UINT32, 2 * width),
        ("ssm.state_size", UINT32, STATE), ("ssm.time_step_rank", UINT32, rank), ("expert_count", UINT32, 0), ("expert_used_count", UINT32, 0)):
        writer.put("jamba." + key, kind, value)
    writer.put_list("jamba.attention.head_count_kv", INT32, [config["heads"] if a else 0 for a in attends])
    writer.tensor("token_embd.weight", weights["embedding.weight"], True)
    writer.tensor("output_norm.weight", weights["norm.weight"])
    for i, attention in enumerate(attends):
        def get(name, i=i):
            return weights["layers.%d.%s" % (i, name)]

        def put(name, values, quantised=False, i=i):
            writer.tensor("blk.%d.%s" % (i, name), values, quantised)

        put("attn_norm.weight", get("norm1.weight"))
        put("ffn_norm.weight", get("norm2.weight"))
        for ours, theirs in (("gate", "ffn_gate"), ("up", "ffn_up"), ("down", "ffn_down")):
            put(theirs + ".weight", get(ours + ".weight"), True)
        if attention:
            for ours, theirs in (("q", "attn_q"), ("k", "attn_k"), ("v", "attn_v"), ("o", "attn_output")):
                put(theirs + ".weight", get("mixer.%s.weight" % ours), True)
            continue
        put("ssm_in.weight", torch.cat([get("mixer.in_x.weight"), get("mixer.in_z.weight")]), True)
        put("ssm_conv1d.weight", get("mixer.conv_weight"))
        put("ssm_conv1d.bias", get("mixer.conv_bias"))
        put("ssm_x.weight", torch.cat([get("mixer.x_dt.weight"), get("mixer.x_b.weight"), get("mixer.x_c.weight")]))
        for ours, theirs in (("norm_dt", "ssm_dt_norm"), ("norm_b", "ssm_b_norm"), ("norm_c", "ssm_c_norm")):
            put(theirs + ".weight", get("mixer.%s.weight" % ours))
        put("ssm_dt.weight", get("mixer.dt.weight"))
        put("ssm_dt.bias", get("mixer.dt_bias"))
        put("ssm_a", -torch.exp(get("mixer.a_log")))
        put("ssm_d", get("mixer.skip"))
        put("ssm_out.weight", get("mixer.out.weight"), True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("checkpoint", type=Path)
    p.add_argument("vocabulary", type=Path)
    p.add_argument("out", type=Path)
    p.add_argument("--name", default="orkestra-nano")
    opts = p.parse_args()
    saved = torch.load(opts.checkpoint, map_location="cpu")
    writer = Writer()
    writer.put("general.architecture", STRING, "jamba")
    writer.put("general.name", STRING, opts.name)
    writer.put("general.alignment", UINT32, ALIGNMENT)
    writer.put("general.file_type", UINT32, 7)
    writer.put("general.quantization_version", UINT32, 2)
    vocabulary(writer, opts.vocabulary, saved["config"]["vocabulary"])
    network(writer, saved["model"], saved["config"])
    writer.write(opts.out)
    print("%s: %d bytes, %.2fM tokens seen" % (opts.out, opts.out.stat().st_size, saved["progress"]["tokens"] / 1e6))


if __name__ == "__main__":
    main()
