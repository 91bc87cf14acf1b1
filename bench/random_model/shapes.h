// Named Jamba shapes, and a model of random weights at one of them, written to a file tensor by
// tensor. Activations stay sane: matrices spread by one over the square root of their row length,
// A and the time step's bias as Mamba initialises them (Gu & Dao 2023), norms near one.
#pragma once

#include <orkestra/model/quantize/mix.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace orkestra::bench {

struct Shape {
  std::string_view name;
  std::int64_t n_layers;
  std::int64_t attention_period;  // layer i is attention where i % period == offset
  std::int64_t attention_offset;
  std::int64_t hidden;
  std::int64_t ff;
  std::int64_t n_heads;  // of n_kv_heads
  std::int64_t n_kv_heads;
  std::int64_t dt_rank;
  std::int64_t n_vocab;
  std::int64_t n_experts;  // 0 = dense; else every second layer, from the second on
  std::int64_t n_experts_used;
  bool tied;  // no output matrix of its own
  std::int64_t context;
};

std::span<const Shape> shapes();
// nullptr when there is none of that name.
const Shape* find_shape(std::string_view name);

struct RandomModelOptions {
  model::Mix mix = model::Mix::kQ4_K_M;
  bool f32 = false;  // all matrices F32 instead of the mix
  std::uint64_t seed = 1;
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;  // bytes
};

struct RandomModelResult {
  std::int64_t n_parameters = 0;
  std::uint64_t tensor_bytes = 0;
};

// Throws Error when the file can't be written.
RandomModelResult write_random_model(const Shape& shape, const RandomModelOptions& options,
                                     const std::filesystem::path& path);

}  // namespace orkestra::bench
