// Convolution, scan and gate over L, the float lanes of an instruction set (Lanes8 of avx2_math.h,
// Lanes16 of avx512_math.h). Channels lie in the lanes and every sum runs in a lane, term by term,
// so nothing depends on how channels or tokens are split over calls, nor on the width. Included by
// kernel files only; everything has internal linkage (avx2.h says why).
#pragma once

#include <orkestra/model/kernels/avx2.h>

namespace orkestra::model {

namespace {

inline std::int64_t at_most(std::int64_t n, std::int64_t most) { return n < most ? n : most; }

template <typename L>
inline void silu_multiply_lanes(float* gate, const float* up, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += L::kLanes) {
    const std::int64_t left = at_most(n - i, L::kLanes);
    const auto product = L::multiply(L::silu(L::load(gate + i, left)), L::load(up + i, left));
    L::store(gate + i, product, left);
  }
}

// columns[i][lane] <- rows[lane][i], `stride` apart, and back. Lanes from n on are zero.
template <typename L>
inline void to_columns(const float* rows, std::int64_t stride, std::int64_t n,
                       std::int64_t n_columns, float (*columns)[L::kLanes]) {
  std::int64_t first = 0;
  if (n == L::kLanes) {
    if (stride == n_columns && L::split(rows, n_columns, columns)) return;
    for (; first + L::kLanes <= n_columns; first += L::kLanes) {
      L::transpose(rows + first, stride, columns[first], L::kLanes);
    }
  }
  for (std::int64_t lane = 0; lane < L::kLanes; ++lane) {
    for (std::int64_t i = first; i < n_columns; ++i) {
      columns[i][lane] = lane < n ? rows[lane * stride + i] : 0.0F;
    }
  }
}

template <typename L>
inline void to_rows(const float (*columns)[L::kLanes], std::int64_t stride, std::int64_t n,
                    std::int64_t n_columns, float* rows) {
  std::int64_t first = 0;
  if (n == L::kLanes) {
    if (stride == n_columns && L::join(columns, n_columns, rows)) return;
    for (; first + L::kLanes <= n_columns; first += L::kLanes) {
      L::transpose(columns[first], L::kLanes, rows + first, stride);
    }
  }
  for (std::int64_t lane = 0; lane < n; ++lane) {
    for (std::int64_t i = first; i < n_columns; ++i) rows[lane * stride + i] = columns[i][lane];
  }
}

// As causal_conv_silu of the Kernels table, d_conv at most kMaxTaps.
template <typename L>
inline void causal_conv_silu_lanes(const float* x, std::int64_t x_stride, float* state,
                                   const float* weight, const float* bias, std::int64_t d_conv,
                                   std::int64_t n_tokens, std::int64_t c_begin, std::int64_t c_end,
                                   float* y, std::int64_t y_stride) {
  using Floats = typename L::Floats;
  const std::int64_t history = d_conv - 1;
  for (std::int64_t c = c_begin; c < c_end; c += L::kLanes) {
    const std::int64_t n = at_most(c_end - c, L::kLanes);
    alignas(64) float taps[avx2::kMaxTaps][L::kLanes];
    alignas(64) float past[avx2::kMaxTaps][L::kLanes];
    to_columns<L>(weight + c * d_conv, d_conv, n, d_conv, taps);
    to_columns<L>(state + c * history, history, n, history, past);
    // The inputs `i` tokens after the call's first; before it for negative i.
    const auto input = [&](std::int64_t i) {
      return i < 0 ? L::load(past[history + i], L::kLanes) : L::load(x + i * x_stride + c, n);
    };
    const Floats offset = L::load(bias + c, n);
    for (std::int64_t t = 0; t < n_tokens; ++t) {
      Floats sum = offset;
      for (std::int64_t j = 0; j < d_conv; ++j) {
        sum = L::multiply_add(L::load(taps[j], L::kLanes), input(t - history + j), sum);
      }
      L::store(y + t * y_stride + c, L::silu(sum), n);
    }
    // In ascending order each slot is filled from a later one or from x.
    for (std::int64_t i = 0; i < history; ++i) {
      L::store(past[i], input(n_tokens - history + i), L::kLanes);
    }
    to_rows<L>(past, history, n, history, state + c * history);
  }
}

constexpr std::int64_t kScanTokens = 32;  // that go through a few states together
constexpr std::int64_t kAhead = 4;        // blocks of channels
constexpr std::int64_t kScanStates = 16;  // in the first-level cache together

// As selective_scan of the Kernels table.
template <typename L>
inline void selective_scan_lanes(const Kernels::ScanArgs& args, std::int64_t c_begin,
                                 std::int64_t c_end) {
  using Floats = typename L::Floats;
  for (std::int64_t c = c_begin; c < c_end; c += L::kLanes) {
    const std::int64_t n = at_most(c_end - c, L::kLanes);
    const Floats dt_bias = L::load(args.dt_bias + c, n);
    const Floats d = L::load(args.d + c, n);
    alignas(64) float a[kScanStates][L::kLanes];
    alignas(64) float state[kScanStates][L::kLanes];
    const std::int64_t first = c * args.d_state;
    const bool all_at_once = args.d_state <= kScanStates;
    if (all_at_once) {
      // A few blocks of channels further on: with few tokens this streams from memory.
      const std::int64_t ahead = kAhead * L::kLanes;
      for (std::int64_t i = 0; i < L::kLanes * args.d_state; i += 16) {
        __builtin_prefetch(args.state + first + ahead * args.d_state + i, 1);
        __builtin_prefetch(args.a + first + ahead * args.d_state + i);
      }
      for (std::int64_t t = 0; t < at_most(args.n_tokens, kScanTokens); ++t) {
        __builtin_prefetch(args.dt + t * args.dt_stride + c + ahead);
        __builtin_prefetch(args.x + t * args.x_stride + c + ahead);
        __builtin_prefetch(args.z + t * args.z_stride + c + ahead);
        __builtin_prefetch(args.y + t * args.y_stride + c + ahead, 1);
      }
      to_columns<L>(args.a + first, args.d_state, n, args.d_state, a);
      to_columns<L>(args.state + first, args.d_state, n, args.d_state, state);
    }
    for (std::int64_t begin = 0; begin < args.n_tokens; begin += kScanTokens) {
      const std::int64_t n_tokens = at_most(args.n_tokens - begin, kScanTokens);
      alignas(64) float dts[kScanTokens][L::kLanes];
      alignas(64) float inputs[kScanTokens][L::kLanes];
      alignas(64) float sums[kScanTokens][L::kLanes];
      for (std::int64_t t = 0; t < n_tokens; ++t) {
        const std::int64_t row = begin + t;
        const Floats dt =
            L::softplus(L::add(L::load(args.dt + row * args.dt_stride + c, n), dt_bias));
        L::store(dts[t], dt, L::kLanes);
        L::store(inputs[t], L::multiply(dt, L::load(args.x + row * args.x_stride + c, n)),
                 L::kLanes);
        L::store(sums[t], L::floats(0.0F), L::kLanes);
      }
      for (std::int64_t s = 0; s < args.d_state; s += kScanStates) {
        const std::int64_t n_states = at_most(args.d_state - s, kScanStates);
        if (!all_at_once) {
          to_columns<L>(args.a + first + s, args.d_state, n, n_states, a);
          to_columns<L>(args.state + first + s, args.d_state, n, n_states, state);
        }
        for (std::int64_t t = 0; t < n_tokens; ++t) {
          const float* b = args.b + (begin + t) * args.bc_stride + s;
          const float* c_row = args.c + (begin + t) * args.bc_stride + s;
          if (s == 0) {
            // Rows are far apart: what the next tokens need is not fetched by itself.
            const std::int64_t next = at_most(begin + t + kScanTokens, args.n_tokens - 1);
            __builtin_prefetch(args.dt + next * args.dt_stride + c);
            __builtin_prefetch(args.x + next * args.x_stride + c);
            __builtin_prefetch(args.z + next * args.z_stride + c);
            __builtin_prefetch(args.y + next * args.y_stride + c, 1);
          }
          const Floats dt = L::load(dts[t], L::kLanes);
          const Floats in = L::load(inputs[t], L::kLanes);
          Floats sum = L::load(sums[t], L::kLanes);
          for (std::int64_t i = 0; i < n_states; ++i) {
            const Floats decay = L::exp(L::multiply(dt, L::load(a[i], L::kLanes)));
            const Floats next = L::multiply_add(decay, L::load(state[i], L::kLanes),
                                                L::multiply(in, L::floats(b[i])));
            L::store(state[i], next, L::kLanes);
            sum = L::multiply_add(next, L::floats(c_row[i]), sum);
          }
          L::store(sums[t], sum, L::kLanes);
        }
        if (!all_at_once) to_rows<L>(state, args.d_state, n, n_states, args.state + first + s);
      }
      for (std::int64_t t = 0; t < n_tokens; ++t) {
        const std::int64_t row = begin + t;
        const Floats x = L::load(args.x + row * args.x_stride + c, n);
        const Floats y = L::multiply_add(d, x, L::load(sums[t], L::kLanes));
        const Floats gate = L::silu(L::load(args.z + row * args.z_stride + c, n));
        L::store(args.y + row * args.y_stride + c, L::multiply(y, gate), n);
      }
    }
    if (all_at_once) to_rows<L>(state, args.d_state, n, args.d_state, args.state + first);
  }
}

}  // namespace

}  // namespace orkestra::model
