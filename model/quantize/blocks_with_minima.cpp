// Q2_K, Q4_K, Q5_K: sub-blocks with a scale and a minimum each, themselves small integers under two
// half floats. After these are rounded, each sub-block tries the neighbours of its integers:
// rounding one moves the best place of the other.

#include <orkestra/model/quantize/fit.h>
#include <orkestra/model/quantize/quantise_blocks.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace orkestra::model {

namespace {

// Of one super-block: x ~ d * scale[s] * q - dmin * minimum[s].
template <int kSubs>
struct Fitted {
  std::array<int, kSubs> scale;
  std::array<int, kSubs> minimum;
  std::array<std::int8_t, kBlock256> q;
};

template <int kSubs>
Fitted<kSubs> fit_block(const float* x, int high, int most, std::uint8_t* d_at,
                        std::uint8_t* dmin_at) {
  constexpr int kSize = kBlock256 / kSubs;
  std::array<fit::Affine, kSubs> ideal;
  float largest_scale = 0.0F;
  float largest_minimum = 0.0F;
  for (int s = 0; s < kSubs; ++s) {
    fit::Affine& sub = ideal[static_cast<std::size_t>(s)];
    sub = fit::affine({x + kSize * s, kSize}, high, fit::Offset::kNotPositive);
    largest_scale = std::max(largest_scale, sub.scale);
    largest_minimum = std::max(largest_minimum, -sub.offset);
  }
  const float d = store_half(d_at, largest_scale / static_cast<float>(most));
  const float dmin = store_half(dmin_at, largest_minimum / static_cast<float>(most));
  const auto whole = [&](float value, float unit) {
    if (unit == 0.0F) return 0;
    return std::clamp(static_cast<int>(std::lround(value / unit)), 0, most);
  };
  Fitted<kSubs> out;
  for (int s = 0; s < kSubs; ++s) {
    const auto at = static_cast<std::size_t>(s);
    const std::span<const float> sub(x + kSize * s, kSize);
    const int scale = whole(ideal[at].scale, d);
    const int minimum = whole(-ideal[at].offset, dmin);
    float best = -1.0F;
    for (int a = std::max(scale - 1, 0); a <= std::min(scale + 1, most); ++a) {
      for (int b = std::max(minimum - 1, 0); b <= std::min(minimum + 1, most); ++b) {
        const float e =
            fit::error(sub, d * static_cast<float>(a), -dmin * static_cast<float>(b), 0, high);
        if (best >= 0.0F && e >= best) continue;
        best = e;
        out.scale[at] = a;
        out.minimum[at] = b;
      }
    }
    fit::codes(sub, d * static_cast<float>(out.scale[at]),
               -dmin * static_cast<float>(out.minimum[at]), 0, high, out.q.data() + kSize * s);
  }
  return out;
}

// Eight 6-bit scales and minima in twelve bytes (blocks.h).
void pack_scales(const Fitted<8>& fitted, std::uint8_t* out) {
  for (std::size_t s = 0; s < 4; ++s) {
    const int scale = fitted.scale[s];
    const int minimum = fitted.minimum[s];
    const int upper_scale = fitted.scale[s + 4];
    const int upper_minimum = fitted.minimum[s + 4];
    out[s] = static_cast<std::uint8_t>(scale | ((upper_scale >> 4) << 6));
    out[s + 4] = static_cast<std::uint8_t>(minimum | ((upper_minimum >> 4) << 6));
    out[s + 8] = static_cast<std::uint8_t>((upper_scale & 15) | ((upper_minimum & 15) << 4));
  }
}

// Sub-block pairs share bytes: the even one has the low nibbles.
void pack_nibbles(const std::int8_t* q, std::uint8_t* out) {
  for (int i = 0; i < 128; ++i) {
    const int even = 64 * (i / 32) + i % 32;
    out[i] = static_cast<std::uint8_t>((q[even] & 15) | ((q[even + 32] & 15) << 4));
  }
}

}  // namespace

void quantise(const float* x, BlockQ4_K& out) {
  const auto fitted = fit_block<8>(x, 15, 63, out.d, out.dmin);
  pack_scales(fitted, out.scales);
  pack_nibbles(fitted.q.data(), out.q);
}

void quantise(const float* x, BlockQ5_K& out) {
  const auto fitted = fit_block<8>(x, 31, 63, out.d, out.dmin);
  pack_scales(fitted, out.scales);
  pack_nibbles(fitted.q.data(), out.low);
  for (std::size_t i = 0; i < 32; ++i) {
    int bits = 0;
    for (std::size_t s = 0; s < 8; ++s) bits |= (fitted.q[32 * s + i] >> 4) << s;
    out.high[i] = static_cast<std::uint8_t>(bits);
  }
}

void quantise(const float* x, BlockQ2_K& out) {
  const auto fitted = fit_block<16>(x, 3, 15, out.d, out.dmin);
  for (std::size_t s = 0; s < 16; ++s) {
    out.scales[s] = static_cast<std::uint8_t>(fitted.scale[s] | (fitted.minimum[s] << 4));
  }
  for (std::size_t i = 0; i < 64; ++i) {
    int bits = 0;
    for (std::size_t g = 0; g < 4; ++g) {
      bits |= fitted.q[128 * (i / 32) + 32 * g + i % 32] << (2 * g);
    }
    out.q[i] = static_cast<std::uint8_t>(bits);
  }
}

}  // namespace orkestra::model
