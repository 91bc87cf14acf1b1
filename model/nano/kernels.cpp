// The parts of a Mamba layer that PyTorch has no quick operation for, forward and backward, in
// float32: causal depthwise convolution with SiLU, selective scan with its gate, RMSNorm, SwiGLU.
// One thread per call: the trainer runs one process per core. Backward recomputes what is cheap.
// Build: g++ -O3 -march=native -ffast-math -fopenmp-simd -shared -fPIC (the `train` script does).
//
// Shapes are row-major: x[batch, time, channels], b and c[batch, time, kState], a[channels,
// kState].
#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

namespace {

constexpr int kState = 16;
constexpr int kWidth = 4;     // of the convolution
constexpr int kChannels = 8;  // that a scan takes along together

float sigmoid(float x) { return 1.0F / (1.0F + std::exp(-x)); }

}  // namespace

extern "C" {

void conv_forward(int batch, int time, int channels, const float* x, const float* weight,
                  const float* bias, float* y) {
  std::vector<float> taps(static_cast<std::size_t>(channels) * kWidth);  // [width, channels]
  for (int d = 0; d < channels; ++d) {
    for (int k = 0; k < kWidth; ++k) taps[k * channels + d] = weight[d * kWidth + k];
  }
  for (int b = 0; b < batch; ++b) {
    for (int t = 0; t < time; ++t) {
      const float* row = x + (static_cast<std::size_t>(b) * time + t) * channels;
      float* out = y + (static_cast<std::size_t>(b) * time + t) * channels;
      std::memcpy(out, bias, sizeof(float) * channels);
      for (int k = 0; k < kWidth; ++k) {
        const int back = kWidth - 1 - k;
        if (t < back) continue;
        const float* from = row - static_cast<std::ptrdiff_t>(back) * channels;
        const float* tap = taps.data() + k * channels;
#pragma omp simd
        for (int d = 0; d < channels; ++d) out[d] += tap[d] * from[d];
      }
#pragma omp simd
      for (int d = 0; d < channels; ++d) out[d] *= sigmoid(out[d]);
    }
  }
}

// dweight and dbias are added to; dx is overwritten.
void conv_backward(int batch, int time, int channels, const float* x, const float* weight,
                   const float* bias, const float* dy, float* dx, float* dweight, float* dbias) {
  std::vector<float> taps(static_cast<std::size_t>(channels) * kWidth);
  std::vector<float> dtaps(taps.size(), 0.0F);
  std::vector<float> grad(channels);
  for (int d = 0; d < channels; ++d) {
    for (int k = 0; k < kWidth; ++k) taps[k * channels + d] = weight[d * kWidth + k];
  }
  std::memset(dx, 0, sizeof(float) * batch * time * channels);
  for (int b = 0; b < batch; ++b) {
    for (int t = 0; t < time; ++t) {
      const std::size_t at = (static_cast<std::size_t>(b) * time + t) * channels;
      std::memcpy(grad.data(), bias, sizeof(float) * channels);
      for (int k = 0; k < kWidth; ++k) {
        const int back = kWidth - 1 - k;
        if (t < back) continue;
        const float* from = x + at - static_cast<std::ptrdiff_t>(back) * channels;
        const float* tap = taps.data() + k * channels;
#pragma omp simd
        for (int d = 0; d < channels; ++d) grad[d] += tap[d] * from[d];
      }
#pragma omp simd
      for (int d = 0; d < channels; ++d) {
        const float s = sigmoid(grad[d]);
        grad[d] = dy[at + d] * s * (1.0F + grad[d] * (1.0F - s));
        dbias[d] += grad[d];
      }
      for (int k = 0; k < kWidth; ++k) {
        const int back = kWidth - 1 - k;
        if (t < back) continue;
        const std::size_t from = at - static_cast<std::size_t>(back) * channels;
        const float* tap = taps.data() + k * channels;
        float* dtap = dtaps.data() + k * channels;
#pragma omp simd
        for (int d = 0; d < channels; ++d) {
          dx[from + d] += tap[d] * grad[d];
          dtap[d] += x[from + d] * grad[d];
        }
      }
    }
  }
  for (int d = 0; d < channels; ++d) {
    for (int k = 0; k < kWidth; ++k) dweight[d * kWidth + k] += dtaps[k * channels + d];
  }
}

// h_t = exp(dt a) h_{t-1} + dt u b;  ungated = h c + skip u;  y = ungated * silu(gate).
// dt = softplus(raw + bias) is written to `dt`, the scan before its gate to `ungated`.
void scan_forward(int batch, int time, int channels, const float* u, const float* raw,
                  const float* bias, const float* a, const float* bm, const float* cm,
                  const float* skip, const float* gate, float* y, float* dt, float* ungated) {
  const std::size_t total = static_cast<std::size_t>(batch) * time;
  for (std::size_t row = 0; row < total; ++row) {
    const std::size_t at = row * channels;
#pragma omp simd
    for (int d = 0; d < channels; ++d) {
      const float x = raw[at + d] + bias[d];
      dt[at + d] = std::fmax(x, 0.0F) + std::log(1.0F + std::exp(-std::fabs(x)));
    }
  }
  for (int b = 0; b < batch; ++b) {
    for (int d0 = 0; d0 < channels; d0 += kChannels) {
      float h[kChannels][kState] = {};
      for (int t = 0; t < time; ++t) {
        const std::size_t row = static_cast<std::size_t>(b) * time + t;
        const float* pb = bm + row * kState;
        const float* pc = cm + row * kState;
        for (int c = 0; c < kChannels; ++c) {
          const std::size_t at = row * channels + d0 + c;
          const float step = dt[at];
          const float in = step * u[at];
          const float* pa = a + static_cast<std::size_t>(d0 + c) * kState;
          float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
          for (int n = 0; n < kState; ++n) {
            h[c][n] = std::exp(step * pa[n]) * h[c][n] + in * pb[n];
            sum += h[c][n] * pc[n];
          }
          ungated[at] = sum + skip[d0 + c] * u[at];
        }
      }
    }
  }
  const std::size_t size = total * channels;
#pragma omp simd
  for (std::size_t i = 0; i < size; ++i) y[i] = ungated[i] * gate[i] * sigmoid(gate[i]);
}

// Gradients of a, b, c and skip are added to (the caller zeroes them); the others are overwritten.
void scan_backward(int batch, int time, int channels, const float* u, const float* dt,
                   const float* a, const float* bm, const float* cm, const float* skip,
                   const float* gate, const float* ungated, const float* dy, float* du, float* draw,
                   float* da, float* db, float* dc, float* dskip, float* dgate) {
  const std::size_t size = static_cast<std::size_t>(batch) * time * channels;
  std::vector<float> dungated(size);
#pragma omp simd
  for (std::size_t i = 0; i < size; ++i) {
    const float s = sigmoid(gate[i]);
    dgate[i] = dy[i] * ungated[i] * s * (1.0F + gate[i] * (1.0F - s));
    dungated[i] = dy[i] * gate[i] * s;
  }
  std::vector<float> states(static_cast<std::size_t>(time + 1) * kState);
  std::vector<float> decays(static_cast<std::size_t>(time) * kState);
  for (int b = 0; b < batch; ++b) {
    for (int d = 0; d < channels; ++d) {
      const float* pa = a + static_cast<std::size_t>(d) * kState;
      float* pda = da + static_cast<std::size_t>(d) * kState;
      std::memset(states.data(), 0, sizeof(float) * kState);
      for (int t = 0; t < time; ++t) {
        const std::size_t row = static_cast<std::size_t>(b) * time + t;
        const float step = dt[row * channels + d];
        const float in = step * u[row * channels + d];
        const float* pb = bm + row * kState;
        const float* before = states.data() + static_cast<std::size_t>(t) * kState;
        float* after = states.data() + static_cast<std::size_t>(t + 1) * kState;
        float* decay = decays.data() + static_cast<std::size_t>(t) * kState;
#pragma omp simd
        for (int n = 0; n < kState; ++n) {
          decay[n] = std::exp(step * pa[n]);
          after[n] = decay[n] * before[n] + in * pb[n];
        }
      }
      float carried[kState] = {};
      float sum_a[kState] = {};
      float sum_skip = 0.0F;
      for (int t = time - 1; t >= 0; --t) {
        const std::size_t row = static_cast<std::size_t>(b) * time + t;
        const std::size_t at = row * channels + d;
        const float g = dungated[at];
        const float step = dt[at];
        const float in = step * u[at];
        const float* pb = bm + row * kState;
        const float* pc = cm + row * kState;
        float* pdb = db + row * kState;
        float* pdc = dc + row * kState;
        const float* before = states.data() + static_cast<std::size_t>(t) * kState;
        const float* after = before + kState;
        const float* decay = decays.data() + static_cast<std::size_t>(t) * kState;
        float through_input = 0.0F;
        float through_decay = 0.0F;
#pragma omp simd reduction(+ : through_input, through_decay)
        for (int n = 0; n < kState; ++n) {
          const float dh = g * pc[n] + carried[n];
          pdc[n] += g * after[n];
          pdb[n] += dh * in;
          carried[n] = dh * decay[n];
          const float moved = carried[n] * before[n];
          sum_a[n] += moved * step;
          through_input += dh * pb[n];
          through_decay += moved * pa[n];
        }
        sum_skip += g * u[at];
        du[at] = g * skip[d] + step * through_input;
        // The derivative of softplus is 1 - exp(-softplus).
        draw[at] = (through_decay + u[at] * through_input) * (1.0F - std::exp(-step));
      }
      for (int n = 0; n < kState; ++n) pda[n] += sum_a[n];
      dskip[d] += sum_skip;
    }
  }
}

void norm_forward(long rows, int width, float epsilon, const float* x, const float* weight,
                  float* y, float* scale) {
  for (long r = 0; r < rows; ++r) {
    const float* in = x + r * width;
    float squares = 0.0F;
#pragma omp simd reduction(+ : squares)
    for (int d = 0; d < width; ++d) squares += in[d] * in[d];
    scale[r] = 1.0F / std::sqrt(squares / static_cast<float>(width) + epsilon);
#pragma omp simd
    for (int d = 0; d < width; ++d) y[r * width + d] = in[d] * scale[r] * weight[d];
  }
}

// dweight is added to.
void norm_backward(long rows, int width, const float* x, const float* weight, const float* scale,
                   const float* dy, float* dx, float* dweight) {
  for (long r = 0; r < rows; ++r) {
    const float* in = x + r * width;
    const float* g = dy + r * width;
    const float s = scale[r];
    float dot = 0.0F;
#pragma omp simd reduction(+ : dot)
    for (int d = 0; d < width; ++d) {
      dot += g[d] * weight[d] * in[d];
      dweight[d] += g[d] * in[d] * s;
    }
    const float k = dot * s * s * s / static_cast<float>(width);
#pragma omp simd
    for (int d = 0; d < width; ++d) dx[r * width + d] = g[d] * weight[d] * s - in[d] * k;
  }
}

void swiglu_forward(long size, const float* gate, const float* up, float* y) {
#pragma omp simd
  for (long i = 0; i < size; ++i) y[i] = gate[i] * sigmoid(gate[i]) * up[i];
}

void swiglu_backward(long size, const float* gate, const float* up, const float* dy, float* dgate,
                     float* dup) {
#pragma omp simd
  for (long i = 0; i < size; ++i) {
    const float s = sigmoid(gate[i]);
    dup[i] = dy[i] * gate[i] * s;
    dgate[i] = dy[i] * up[i] * s * (1.0F + gate[i] * (1.0F - s));
  }
}
}
