// The reference kernels: dequantised weights times float activations, every sum and every
// function in double, terms in index order. Slow, and what the other sets are tested against.

#include <orkestra/model/kernels/kernels.h>

#include <algorithm>
#include <cmath>

namespace orkestra::model {

namespace {

double silu(double x) { return x / (1.0 + std::exp(-x)); }

double softplus(double x) { return x > 20.0 ? x : std::log1p(std::exp(x)); }

void prepare(TensorType, const float* x, std::int64_t n_tokens, std::int64_t cols,
             PreparedActivations& out) {
  out.n_tokens = n_tokens;
  out.cols = cols;
  out.values.assign(x, x + n_tokens * cols);
}

void matmul(const Matrix& w, const PreparedActivations& x, float* y, std::int64_t y_stride,
            std::int64_t row_begin, std::int64_t row_end) {
  std::vector<float> row(static_cast<std::size_t>(w.cols));
  for (std::int64_t r = row_begin; r < row_end; ++r) {
    dequantize_row(w, r, row.data());
    for (std::int64_t t = 0; t < x.n_tokens; ++t) {
      const float* token = x.values.data() + t * w.cols;
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

void attention(const float* q, const float* k, const float* v, std::int64_t kv_stride,
               std::int64_t n_keys, std::int64_t head_dim, float scale, float* scores, float* out) {
  const auto score = [&](std::int64_t j) {
    double dot = 0.0;
    for (std::int64_t i = 0; i < head_dim; ++i) {
      dot += static_cast<double>(q[i]) * k[j * kv_stride + i];
    }
    return dot * scale;
  };
  double largest = score(0);
  for (std::int64_t j = 1; j < n_keys; ++j) largest = std::max(largest, score(j));
  double total = 0.0;
  for (std::int64_t j = 0; j < n_keys; ++j) {
    const double weight = std::exp(score(j) - largest);
    scores[j] = static_cast<float>(weight);
    total += weight;
  }
  for (std::int64_t i = 0; i < head_dim; ++i) {
    double sum = 0.0;
    for (std::int64_t j = 0; j < n_keys; ++j) {
      sum += static_cast<double>(scores[j]) * v[j * kv_stride + i];
    }
    out[i] = static_cast<float>(sum / total);
  }
}

}  // namespace

const Kernels& reference_kernels() {
  static constexpr Kernels kKernels{
      .name = "reference",
      .prepare = prepare,
      .matmul = matmul,
      .rms_norm = rms_norm,
      .silu_multiply = silu_multiply,
      .causal_conv_silu = causal_conv_silu,
      .selective_scan = selective_scan,
      .attention = attention,
  };
  return kKernels;
}

}  // namespace orkestra::model
