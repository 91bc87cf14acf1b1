// Q3_K, Q6_K, IQ4_XS: sub-blocks with a signed scale each, itself a small integer under one half
// float. After these are rounded, each sub-block tries its integer's neighbours.

#include <orkestra/model/quantize/fit.h>
#include <orkestra/model/quantize/quantise_blocks.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace orkestra::model {

namespace {

// The integer scales of `kSubs` sub-blocks, in [-most - 1, most], and d, which is stored at `d_at`.
// ideal_of(sub) is a sub-block's best scale, error_of(sub, scale) the error of another.
template <int kSubs>
struct Scales {
  float d = 0.0F;
  std::array<int, kSubs> scale{};
};

template <int kSubs, typename Ideal, typename ErrorOf>
Scales<kSubs> fit_scales(const float* x, int most, std::uint8_t* d_at, Ideal ideal_of,
                         ErrorOf error_of) {
  constexpr int kSize = kBlock256 / kSubs;
  std::array<float, kSubs> ideal;
  float largest = 0.0F;
  for (int s = 0; s < kSubs; ++s) {
    float& value = ideal[static_cast<std::size_t>(s)];
    value = ideal_of(std::span<const float>(x + kSize * s, kSize));
    if (std::abs(value) > std::abs(largest)) largest = value;
  }
  Scales<kSubs> out;
  out.d = store_half(d_at, largest / static_cast<float>(-most - 1));
  if (out.d == 0.0F) return out;
  for (int s = 0; s < kSubs; ++s) {
    const auto at = static_cast<std::size_t>(s);
    const std::span<const float> sub(x + kSize * s, kSize);
    const int middle =
        std::clamp(static_cast<int>(std::lround(ideal[at] / out.d)), -most - 1, most);
    float best = -1.0F;
    for (int a = std::max(middle - 1, -most - 1); a <= std::min(middle + 1, most); ++a) {
      const float e = error_of(sub, out.d * static_cast<float>(a));
      if (best >= 0.0F && e >= best) continue;
      best = e;
      out.scale[at] = a;
    }
  }
  return out;
}

template <int kSubs>
Scales<kSubs> fit_integers(const float* x, int most, int low, int high, std::uint8_t* d_at,
                           std::int8_t* q) {
  const auto scales = fit_scales<kSubs>(
      x, most, d_at, [&](std::span<const float> sub) { return fit::symmetric(sub, low, high); },
      [&](std::span<const float> sub, float scale) {
        return fit::error(sub, scale, 0.0F, low, high);
      });
  constexpr int kSize = kBlock256 / kSubs;
  for (int s = 0; s < kSubs; ++s) {
    const float scale = scales.d * static_cast<float>(scales.scale[static_cast<std::size_t>(s)]);
    fit::codes({x + kSize * s, kSize}, scale, 0.0F, low, high, q + kSize * s);
  }
  return scales;
}

}  // namespace

void quantise(const float* x, BlockQ6_K& out) {
  std::int8_t q[kBlock256];
  const auto scales = fit_integers<16>(x, 127, -32, 31, out.d, q);
  for (std::size_t s = 0; s < 16; ++s) out.scales[s] = static_cast<std::int8_t>(scales.scale[s]);
  std::memset(out.low, 0, sizeof out.low);
  std::memset(out.high, 0, sizeof out.high);
  for (int i = 0; i < kBlock256; ++i) {
    const int code = q[i] + 32;
    const int half = i / 128;
    const int group = i % 128 / 32;
    std::uint8_t& low = out.low[64 * half + 32 * (group % 2) + i % 32];
    std::uint8_t& high = out.high[32 * half + i % 32];
    low = static_cast<std::uint8_t>(low | ((code & 15) << (4 * (group / 2))));
    high = static_cast<std::uint8_t>(high | ((code >> 4) << (2 * group)));
  }
}

void quantise(const float* x, BlockQ3_K& out) {
  std::int8_t q[kBlock256];
  const auto scales = fit_integers<16>(x, 31, -4, 3, out.d, q);
  std::memset(out.scales, 0, sizeof out.scales);
  for (int s = 0; s < 16; ++s) {
    const int code = scales.scale[static_cast<std::size_t>(s)] + 32;
    std::uint8_t& low = out.scales[s % 8];
    std::uint8_t& high = out.scales[8 + s % 4];
    low = static_cast<std::uint8_t>(low | ((code & 15) << (4 * (s / 8))));
    high = static_cast<std::uint8_t>(high | ((code >> 4) << (2 * (s / 4))));
  }
  std::memset(out.low, 0, sizeof out.low);
  std::memset(out.high, 0, sizeof out.high);
  for (int i = 0; i < kBlock256; ++i) {
    const int code = q[i] + 4;
    std::uint8_t& low = out.low[32 * (i / 128) + i % 32];
    std::uint8_t& high = out.high[i % 32];
    low = static_cast<std::uint8_t>(low | ((code & 3) << (2 * (i % 128 / 32))));
    high = static_cast<std::uint8_t>(high | ((code >> 2) << (i / 32)));
  }
}

void quantise(const float* x, BlockIQ4_XS& out) {
  const auto scales = fit_scales<8>(x, 31, out.d, fit::table, fit::table_error);
  std::memset(out.scales_low, 0, sizeof out.scales_low);
  int upper = 0;
  for (int s = 0; s < 8; ++s) {
    const int code = scales.scale[static_cast<std::size_t>(s)] + 32;
    std::uint8_t& low = out.scales_low[s / 2];
    low = static_cast<std::uint8_t>(low | ((code & 15) << (4 * (s % 2))));
    upper |= (code >> 4) << (2 * s);
    std::uint8_t q[32];
    fit::table_codes({x + 32 * s, 32}, scales.d * static_cast<float>(code - 32), q);
    for (int i = 0; i < 16; ++i) {
      out.q[16 * s + i] = static_cast<std::uint8_t>(q[i] | (q[i + 16] << 4));
    }
  }
  out.scales_high[0] = static_cast<std::uint8_t>(upper & 255);
  out.scales_high[1] = static_cast<std::uint8_t>(upper >> 8);
}

}  // namespace orkestra::model
