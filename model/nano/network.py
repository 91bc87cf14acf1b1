"""The network: Jamba's layers (Mamba with a few attention layers between) at a very small size.

Float32 on CPU through our own kernels (kernels.cpp). What it computes is what the engine computes
for the architecture "jamba": no positions, RMSNorm on dt, B and C, SwiGLU, tied embeddings.
"""

import ctypes
import math
import os

import torch
import torch.nn.functional as F
from torch import nn

EPSILON = 1e-6
STATE = 16

_kernels = None


def kernels():
    global _kernels
    if _kernels is None:
        _kernels = ctypes.CDLL(os.environ["NANO_KERNELS"])
    return _kernels


def _p(tensor):
    assert tensor.is_contiguous() and tensor.dtype == torch.float32
    return ctypes.c_void_p(tensor.data_ptr())


class _Conv(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        x = x.contiguous()
        y = torch.empty_like(x)
        kernels().conv_forward(*x.shape, _p(x), _p(weight), _p(bias), _p(y))
        ctx.save_for_backward(x, weight, bias)
        return y

    @staticmethod
    def backward(ctx, dy):
        x, weight, bias = ctx.saved_tensors
        dy, dx = dy.contiguous(), torch.empty_like(x)
        dweight, dbias = torch.zeros_like(weight), torch.zeros_like(bias)
        kernels().conv_backward(*x.shape, _p(x), _p(weight), _p(bias), _p(dy), _p(dx), _p(dweight), _p(dbias))
        return dx, dweight, dbias


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u, raw, bias, a, b, c, skip, gate):
        u, raw, a, b, c, gate = (t.contiguous() for t in (u, raw, a, b, c, gate))
        y, dt, ungated = torch.empty_like(u), torch.empty_like(u), torch.empty_like(u)
        kernels().scan_forward(*u.shape, *map(_p, (u, raw, bias, a, b, c, skip, gate, y, dt, ungated)))
        ctx.save_for_backward(u, dt, a, b, c, skip, gate, ungated)
        return y

    @staticmethod
    def backward(ctx, dy):
        saved = ctx.saved_tensors
        u, dt, a, b, c, skip, gate, ungated = saved
        dy = dy.contiguous()
        du, draw, dgate = torch.empty_like(u), torch.empty_like(u), torch.empty_like(u)
        da, db, dc, dskip = (torch.zeros_like(t) for t in (a, b, c, skip))
        kernels().scan_backward(*u.shape, *map(_p, (*saved, dy, du, draw, da, db, dc, dskip, dgate)))
        return du, draw, draw.sum((0, 1)), da, db, dc, dskip, dgate


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        x = x.contiguous()
        width = x.shape[-1]
        rows = x.numel() // width
        y, scale = torch.empty_like(x), torch.empty(rows)
        kernels().norm_forward(ctypes.c_long(rows), width, ctypes.c_float(EPSILON), _p(x), _p(weight), _p(y), _p(scale))
        ctx.save_for_backward(x, weight, scale)
        return y

    @staticmethod
    def backward(ctx, dy):
        x, weight, scale = ctx.saved_tensors
        width = x.shape[-1]
        dy, dx, dweight = dy.contiguous(), torch.empty_like(x), torch.zeros_like(weight)
        kernels().norm_backward(ctypes.c_long(x.numel() // width), width, *map(_p, (x, weight, scale, dy, dx, dweight)))
        return dx, dweight


class _SwiGlu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, gate, up):
        gate, up = gate.contiguous(), up.contiguous()
        y = torch.empty_like(gate)
        kernels().swiglu_forward(ctypes.c_long(gate.numel()), _p(gate), _p(up), _p(y))
        ctx.save_for_backward(gate, up)
        return y

    @staticmethod
    def backward(ctx, dy):
        gate, up = ctx.saved_tensors
        dy, dgate, dup = dy.contiguous(), torch.empty_like(gate), torch.empty_like(up)
        kernels().swiglu_backward(ctypes.c_long(gate.numel()), *map(_p, (gate, up, dy, dgate, dup)))
        return dgate, dup


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return _Norm.apply(x, self.weight)


def linear(inputs, outputs):
    return nn.Linear(inputs, outputs, bias=False)


class Mamba(nn.Module):
    def __init__(self, width):
        super().__init__()
        inner, rank = 2 * width, max(8, width // 16)
        self.in_x, self.in_z = linear(width, inner), linear(width, inner)
        self.conv_weight = nn.Parameter(torch.empty(inner, 4).uniform_(-0.5, 0.5))
        self.conv_bias = nn.Parameter(torch.zeros(inner))
        self.x_dt, self.x_b, self.x_c = linear(inner, rank), linear(inner, STATE), linear(inner, STATE)
        self.norm_dt, self.norm_b, self.norm_c = Norm(rank), Norm(STATE), Norm(STATE)
        self.dt = linear(rank, inner)
        nn.init.uniform_(self.dt.weight, -(rank**-0.5), rank**-0.5)
        step = torch.exp(torch.rand(inner) * math.log(100.0) + math.log(0.001))
        self.dt_bias = nn.Parameter(step + torch.log(-torch.expm1(-step)))
        self.a_log = nn.Parameter(torch.log(torch.arange(1, STATE + 1).float()).repeat(inner, 1))
        self.skip = nn.Parameter(torch.ones(inner))
        self.out = linear(inner, width)

    def forward(self, x):
        u = _Conv.apply(self.in_x(x), self.conv_weight, self.conv_bias)
        raw = self.dt(self.norm_dt(self.x_dt(u)))
        b, c = self.norm_b(self.x_b(u)), self.norm_c(self.x_c(u))
        return self.out(_Scan.apply(u, raw, self.dt_bias, -torch.exp(self.a_log), b, c, self.skip, self.in_z(x)))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (linear(width, width) for _ in range(4))

    def forward(self, x):
        batch, time, width = x.shape
        q, k, v = (m(x).view(batch, time, self.heads, -1).transpose(1, 2) for m in (self.q, self.k, self.v))
        scores = q @ k.transpose(-1, -2) / math.sqrt(width // self.heads)
        scores = scores + torch.full((time, time), -1e9).triu(1)
        y = torch.softmax(scores, -1) @ v
        return self.o(y.transpose(1, 2).reshape(batch, time, width))


class Layer(nn.Module):
    def __init__(self, width, ffn, heads, attends):
        super().__init__()
        self.norm1, self.norm2 = Norm(width), Norm(width)
        self.mixer = Attention(width, heads) if attends else Mamba(width)
        self.gate, self.up, self.down = linear(width, ffn), linear(width, ffn), linear(ffn, width)

    def forward(self, x):
        x = x + self.mixer(self.norm1(x))
        y = self.norm2(x)
        return x + self.down(_SwiGlu.apply(self.gate(y), self.up(y)))


class Jamba(nn.Module):
    """`attention` lists the layers that attend; `aside` is after how many layers the helper head
    reads (it says of each tool line whether it is the one asked for; only training needs it)."""

    def __init__(self, vocabulary, width, layers, ffn, heads, attention, aside):
        super().__init__()
        self.config = {"vocabulary": vocabulary, "width": width, "layers": layers, "ffn": ffn, "heads": heads,
                       "attention": list(attention), "aside": aside}
        self.embedding = nn.Embedding(vocabulary, width)
        self.layers = nn.ModuleList([Layer(width, ffn, heads, i in attention) for i in range(layers)])
        self.norm = Norm(width)
        self.helper = nn.Linear(width, 1)
        for name, p in self.named_parameters():
            if p.dim() == 2 and not any(k in name for k in ("conv_weight", "a_log", ".dt.")):
                nn.init.normal_(p, 0, 0.02 if "embedding" in name else 1 / math.sqrt(p.shape[1]))
            if name.endswith(("mixer.out.weight", "mixer.o.weight", "down.weight")):
                p.data *= 0.5 / math.sqrt(layers)

    def hidden(self, ids):
        """ids[batch, time] -> what the output reads, and what the helper head reads."""
        x = self.embedding(ids)
        beside = x
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i + 1 == self.config["aside"]:
                beside = x
        return self.norm(x), beside

    def logits(self, hidden):
        return F.linear(hidden, self.embedding.weight)
