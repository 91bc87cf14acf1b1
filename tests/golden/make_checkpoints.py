#!/usr/bin/env python3
"""Tiny random checkpoints in Hugging Face's layout, and their logits in float64.

    python3 tests/golden/make_checkpoints.py        (needs numpy; writes tests/golden/checkpoints)

Each forward pass is written from the model's paper and its published definition, over the
checkpoint's own tensors and names: it shares nothing with the engine or the converter, which are
held against it. Weights are rounded to the stored type first, so the reference sees what the file
holds. The same numbers come out on every machine (a fixed seed, float64).
"""
import math

import numpy as np

from checkpoint_parts import (attend, draw_attention, draw_mamba1, draw_mamba2, frequencies,
                              gelu_tanh, heads_of, llama3_frequencies, mamba1, mamba2, rms,
                              rotate_half, softmax, swiglu, TOKENS, top, VOCAB, Weights,
                              write_checkpoint)


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
