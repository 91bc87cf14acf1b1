// The reference kernels: dequantised weights times float activations, every sum and every
// function in double, terms in index order. Slow, and what the other sets are tested against.

#include <orkestra/model/kernels/kv_layout.h>
#include <orkestra/model/kernels/reference.h>

#include <algorithm>
#include <cmath>

namespace orkestra::model {

namespace {

// Stands for the largest of no scores: finite, so that differences are.
constexpr double kNoScore = -3e38;

double silu(double x) { return x / (1.0 + std::exp(-x)); }

double softplus(double x) { return x > 20.0 ? x : std::log1p(std::exp(x)); }

bool packs(TensorType) { return false; }

bool quantises(TensorType) { return false; }

void prepare(std::int64_t, std::int64_t, PreparedActivations&) {}

void matmul(const Matrix& w, const PreparedActivations& x, float* y, std::int64_t y_stride,
            std::int64_t row_begin, std::int64_t row_end) {
  std::vector<float> row(static_cast<std::size_t>(w.cols));
  for (std::int64_t r = row_begin; r < row_end; ++r) {
    dequantize_row(w, r, row.data());
    for (std::int64_t t = 0; t < x.n_tokens; ++t) {
      const float* token = x.values + t * w.cols;
      double sum = 0.0;
      for (std::int64_t k = 0; k < w.cols; ++k) {
        sum += static_cast<double>(row[static_cast<std::size_t>(k)]) * token[k];
      }
      y[t * y_stride + r] = static_cast<float>(sum);
    }
  }
}

void rms_norm(const float* x, std::int64_t x_stride, const float* weight, float eps,
              std::int64_t n_tokens, std::int64_t dim, float* y, std::int64_t y_stride) {
  for (std::int64_t t = 0; t < n_tokens; ++t) {
    const float* in = x + t * x_stride;
    float* out = y + t * y_stride;
    double squares = 0.0;
    for (std::int64_t i = 0; i < dim; ++i) squares += static_cast<double>(in[i]) * in[i];
    const double scale = 1.0 / std::sqrt(squares / static_cast<double>(dim) + eps);
    for (std::int64_t i = 0; i < dim; ++i) out[i] = static_cast<float>(in[i] * scale * weight[i]);
  }
}

void silu_multiply(float* gate, const float* up, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) gate[i] = static_cast<float>(silu(gate[i]) * up[i]);
}

void causal_conv_silu(const float* x, std::int64_t x_stride, float* state, const float* weight,
                      const float* bias, std::int64_t d_conv, std::int64_t n_tokens,
                      std::int64_t c_begin, std::int64_t c_end, float* y, std::int64_t y_stride) {
  const std::int64_t history = d_conv - 1;
  for (std::int64_t c = c_begin; c < c_end; ++c) {
    float* past = state + c * history;  // [history], oldest first
    // The input `i` tokens after the call's first; before it for negative i.
    const auto input = [&](std::int64_t i) {
      return i < 0 ? past[history + i] : x[i * x_stride + c];
    };
    for (std::int64_t t = 0; t < n_tokens; ++t) {
      double sum = bias[c];
      for (std::int64_t j = 0; j < d_conv; ++j) {
        sum += static_cast<double>(weight[c * d_conv + j]) * input(t - history + j);
      }
      y[t * y_stride + c] = static_cast<float>(silu(sum));
    }
    // In ascending order each slot is filled from a later one or from x.
    for (std::int64_t i = 0; i < history; ++i) past[i] = input(n_tokens - history + i);
  }
}

void selective_scan(const Kernels::ScanArgs& args, std::int64_t c_begin, std::int64_t c_end) {
  for (std::int64_t c = c_begin; c < c_end; ++c) {
    const float* a = args.a + c * args.d_state;
    float* state = args.state + c * args.d_state;
    for (std::int64_t t = 0; t < args.n_tokens; ++t) {
      const float* b = args.b + t * args.bc_stride;
      const float* c_row = args.c + t * args.bc_stride;
      const double x = args.x[t * args.x_stride + c];
      const double dt =
          softplus(static_cast<double>(args.dt[t * args.dt_stride + c]) + args.dt_bias[c]);
      double y = 0.0;
      for (std::int64_t n = 0; n < args.d_state; ++n) {
        const double s = std::exp(dt * a[n]) * state[n] + dt * x * b[n];
        state[n] = static_cast<float>(s);
        y += s * c_row[n];
      }
      y += args.d[c] * x;
      args.y[t * args.y_stride + c] = static_cast<float>(y * silu(args.z[t * args.z_stride + c]));
    }
  }
}

// The keys row `row` may see within [key_begin, key_end): [first, last).
struct Seen {
  std::int64_t first;
  std::int64_t last;
};

Seen seen(const AttentionArgs& args, std::int64_t row, std::int64_t key_begin,
          std::int64_t key_end) {
  const std::int64_t position = args.first + row / args.n_heads;
  const std::int64_t first = args.window > 0 ? position - args.window + 1 : 0;
  return {std::max(key_begin, first), std::min(key_end, position + 1)};
}

void attend(const AttentionArgs& args, std::int64_t row_begin, std::int64_t row_end,
            std::int64_t key_begin, std::int64_t key_end, float* partial) {
  const std::int64_t width = padded(args.head_dim);
  for (std::int64_t row = row_begin; row < row_end; ++row) {
    const float* q =
        args.q + row / args.n_heads * args.q_stride + row % args.n_heads * args.head_dim;
    const auto score = [&](std::int64_t j) {
      const std::byte* keys = args.pages[j / kPageTokens] + args.k_at;
      double dot = 0.0;
      for (std::int64_t i = 0; i < args.head_dim; ++i) {
        dot +=
            static_cast<double>(q[i]) * key_at(args.type, keys, args.head_dim, j % kPageTokens, i);
      }
      return dot * args.scale;
    };
    const Seen keys = seen(args, row, key_begin, key_end);
    double largest = kNoScore;
    std::vector<double> scores;
    for (std::int64_t j = keys.first; j < keys.last; ++j) {
      scores.push_back(score(j));
      largest = std::max(largest, scores.back());
    }
    std::vector<double> values(static_cast<std::size_t>(width), 0.0);
    double total = 0.0;
    for (std::int64_t j = keys.first; j < keys.last; ++j) {
      const std::byte* page_values = args.pages[j / kPageTokens] + args.v_at;
      const double weight = std::exp(scores[static_cast<std::size_t>(j - keys.first)] - largest);
      total += weight;
      for (std::int64_t i = 0; i < args.head_dim; ++i) {
        values[static_cast<std::size_t>(i)] +=
            weight * value_at(args.type, page_values, args.head_dim, j % kPageTokens, i);
      }
    }
    float* out = partial + (row - row_begin) * partial_size(args.head_dim);
    for (std::int64_t i = 0; i < width; ++i) {
      out[i] = static_cast<float>(values[static_cast<std::size_t>(i)]);
    }
    out[width] = static_cast<float>(largest);
    out[width + 1] = static_cast<float>(total);
  }
}

void merge_attention(float* into, const float* from, std::int64_t n_rows, std::int64_t head_dim) {
  const std::int64_t width = padded(head_dim);
  for (std::int64_t r = 0; r < n_rows; ++r) {
    const double largest = std::max(into[width], from[width]);
    const double a = std::exp(into[width] - largest);
    const double b = std::exp(from[width] - largest);
    for (std::int64_t i = 0; i < width; ++i) {
      into[i] = static_cast<float>(into[i] * a + from[i] * b);
    }
    into[width] = static_cast<float>(largest);
    into[width + 1] = static_cast<float>(into[width + 1] * a + from[width + 1] * b);
    into += partial_size(head_dim);
    from += partial_size(head_dim);
  }
}

}  // namespace

const Kernels& reference_kernels() {
  static constexpr Kernels kKernels{
      .name = "reference",
      .packs = packs,
      .quantises = quantises,
      .prepare = prepare,
      .matmul = matmul,
      .rms_norm = rms_norm,
      .silu_multiply = silu_multiply,
      .causal_conv_silu = causal_conv_silu,
      .selective_scan = selective_scan,
      .attend = attend,
      .merge_attention = merge_attention,
      .gelu_multiply = reference::gelu_multiply,
      .rotate = reference::rotate,
      .mamba2_scan = reference::mamba2_scan,
  };
  return kKernels;
}

}  // namespace orkestra::model
