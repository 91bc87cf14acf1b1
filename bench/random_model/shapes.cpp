#include <orkestra/bench/random_model/random_blocks.h>
#include <orkestra/bench/random_model/shapes.h>
#include <orkestra/model/format/gguf_writer.h>
#include <orkestra/model/format/tensor_type.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

namespace orkestra::bench {

namespace {

using model::TensorType;

constexpr std::int64_t kState = 16;
constexpr std::int64_t kTaps = 4;
constexpr std::size_t kPieceBytes = std::size_t{4} << 20U;

constexpr std::array<Shape, 4> kShapes{{
    // Jamba Reasoning 3B: 3,197,109,632 parameters.
    {"jamba-3b", 28, 14, 7, 2560, 8192, 20, 1, 160, 65536, 0, 0, false, 262144},
    {"jamba-300m", 12, 6, 3, 1024, 4096, 8, 1, 64, 65536, 0, 0, true, 262144},
    {"jamba-tiny", 4, 4, 1, 256, 512, 4, 1, 16, 1024, 0, 0, false, 8192},
    {"jamba-moe", 8, 4, 1, 512, 1024, 8, 2, 32, 8192, 8, 2, false, 65536},
}};

// How a tensor's numbers are drawn.
enum class Fill { kMatrix, kNorm, kA, kD, kTimeStepBias };

struct Tensor {
  model::MixTensor mix;
  Fill fill = Fill::kMatrix;
  float deviation = 0.0F;
};

class TensorList {
 public:
  explicit TensorList(const Shape& shape) : shape_(shape) {
    const std::int64_t d = shape.hidden;
    matrix("token_embd.weight", {d, shape.n_vocab}, 1.0F);
    for (std::int64_t i = 0; i < shape.n_layers; ++i) layer(i);
    vector("output_norm.weight", d, Fill::kNorm);
    if (!shape.tied) matrix("output.weight", {d, shape.n_vocab}, 2.0F * by_length(d));
  }
  std::vector<Tensor> take() { return std::move(tensors_); }

 private:
  static float by_length(std::int64_t n) { return 1.0F / std::sqrt(static_cast<float>(n)); }
  // What is added to the residual stream: smaller the more layers add.
  float residual(std::int64_t n) const {
    return by_length(n) / std::sqrt(2.0F * static_cast<float>(shape_.n_layers));
  }

  void add(std::string name, std::vector<std::int64_t> extents, Fill fill, float deviation) {
    tensors_.push_back({{std::move(name), TensorType::kF32, std::move(extents)}, fill, deviation});
  }
  void matrix(std::string name, std::vector<std::int64_t> extents, float deviation) {
    add(std::move(name), std::move(extents), Fill::kMatrix, deviation);
  }
  void vector(std::string name, std::int64_t n, Fill fill, float deviation = 0.0F) {
    add(std::move(name), {n}, fill, deviation);
  }

  void layer(std::int64_t i) {
    const std::string blk = "blk." + std::to_string(i) + ".";
    vector(blk + "attn_norm.weight", shape_.hidden, Fill::kNorm);
    if (i % shape_.attention_period == shape_.attention_offset) {
      attention(blk);
    } else {
      mamba(blk);
    }
    vector(blk + "ffn_norm.weight", shape_.hidden, Fill::kNorm);
    ffn(blk, shape_.n_experts > 0 && i % 2 == 1);
  }

  void attention(const std::string& blk) {
    const std::int64_t d = shape_.hidden;
    const std::int64_t kv = shape_.n_kv_heads * (d / shape_.n_heads);
    matrix(blk + "attn_q.weight", {d, d}, by_length(d));
    matrix(blk + "attn_k.weight", {d, kv}, by_length(d));
    matrix(blk + "attn_v.weight", {d, kv}, by_length(d));
    matrix(blk + "attn_output.weight", {d, d}, residual(d));
  }

  void mamba(const std::string& blk) {
    const std::int64_t d = shape_.hidden;
    const std::int64_t inner = 2 * d;
    const std::int64_t rank = shape_.dt_rank;
    matrix(blk + "ssm_in.weight", {d, 2 * inner}, by_length(d));
    matrix(blk + "ssm_conv1d.weight", {kTaps, inner}, by_length(kTaps));
    add(blk + "ssm_conv1d.bias", {inner}, Fill::kMatrix, 0.1F);
    matrix(blk + "ssm_x.weight", {inner, rank + 2 * kState}, by_length(inner));
    vector(blk + "ssm_dt_norm.weight", rank, Fill::kNorm);
    vector(blk + "ssm_b_norm.weight", kState, Fill::kNorm);
    vector(blk + "ssm_c_norm.weight", kState, Fill::kNorm);
    matrix(blk + "ssm_dt.weight", {rank, inner}, by_length(rank));
    vector(blk + "ssm_dt.bias", inner, Fill::kTimeStepBias);
    add(blk + "ssm_a", {kState, inner}, Fill::kA, 0.0F);
    vector(blk + "ssm_d", inner, Fill::kD);
    matrix(blk + "ssm_out.weight", {inner, d}, residual(inner));
  }

  void ffn(const std::string& blk, bool moe) {
    const std::int64_t d = shape_.hidden;
    const std::int64_t ff = shape_.ff;
    const std::int64_t n = shape_.n_experts;
    if (!moe) {
      matrix(blk + "ffn_gate.weight", {d, ff}, by_length(d));
      matrix(blk + "ffn_up.weight", {d, ff}, by_length(d));
      matrix(blk + "ffn_down.weight", {ff, d}, residual(ff));
      return;
    }
    matrix(blk + "ffn_gate_inp.weight", {d, n}, 2.0F * by_length(d));
    matrix(blk + "ffn_gate_exps.weight", {d, ff, n}, by_length(d));
    matrix(blk + "ffn_up_exps.weight", {d, ff, n}, by_length(d));
    matrix(blk + "ffn_down_exps.weight", {ff, d, n}, residual(ff));
  }

  const Shape& shape_;
  std::vector<Tensor> tensors_;
};

// Pseudo tokens of a SentencePiece model: specials, all bytes, then "a" .. "z", "aa" .., with a
// word mark before every second one.
void set_tokenizer(model::GgufWriter& out, std::int64_t n_vocab) {
  constexpr std::int32_t kNormal = 1;
  constexpr std::int32_t kUnknown = 2;
  constexpr std::int32_t kControl = 3;
  constexpr std::int32_t kByte = 6;
  std::vector<std::string> tokens{"<unk>", "<s>", "</s>"};
  std::vector<std::int32_t> types{kUnknown, kControl, kControl};
  for (int byte = 0; byte < 256; ++byte) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    tokens.push_back(std::string("<0x") + kDigits[static_cast<std::size_t>(byte / 16)] +
                     kDigits[static_cast<std::size_t>(byte % 16)] + ">");
    types.push_back(kByte);
  }
  for (std::int64_t i = 0; static_cast<std::int64_t>(tokens.size()) < n_vocab; ++i) {
    std::string letters;
    for (std::int64_t rest = i / 2 + 1; rest > 0; rest = (rest - 1) / 26) {
      letters.insert(letters.begin(), static_cast<char>('a' + (rest - 1) % 26));
    }
    tokens.push_back(i % 2 == 0 ? letters : "\xE2\x96\x81" + letters);
    types.push_back(kNormal);
  }
  std::vector<float> scores(tokens.size());
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = -static_cast<float>(i);
  out.set("tokenizer.ggml.model", "llama");
  out.set("tokenizer.ggml.pre", "default");
  out.set("tokenizer.ggml.tokens", std::span<const std::string>(tokens));
  out.set("tokenizer.ggml.scores", std::span<const float>(scores));
  out.set("tokenizer.ggml.token_type", std::span<const std::int32_t>(types));
  out.set("tokenizer.ggml.bos_token_id", std::uint32_t{1});
  out.set("tokenizer.ggml.eos_token_id", std::uint32_t{2});
  out.set("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
  out.set("tokenizer.ggml.add_bos_token", true);
  out.set("tokenizer.ggml.add_space_prefix", false);
}

void set_metadata(model::GgufWriter& out, const Shape& s, std::uint32_t file_type) {
  const auto number = [&](const char* key, std::int64_t value) {
    out.set("jamba." + std::string(key), static_cast<std::uint32_t>(value));
  };
  out.set("general.architecture", "jamba");
  out.set("general.name", "random " + std::string(s.name));
  out.set("general.file_type", file_type);
  out.set("general.quantization_version", std::uint32_t{2});
  number("block_count", s.n_layers);
  number("context_length", s.context);
  number("embedding_length", s.hidden);
  number("feed_forward_length", s.ff);
  number("attention.head_count", s.n_heads);
  std::vector<std::int32_t> kv(static_cast<std::size_t>(s.n_layers));
  for (std::int64_t i = 0; i < s.n_layers; ++i) {
    const bool attention = i % s.attention_period == s.attention_offset;
    kv[static_cast<std::size_t>(i)] = attention ? static_cast<std::int32_t>(s.n_kv_heads) : 0;
  }
  out.set("jamba.attention.head_count_kv", std::span<const std::int32_t>(kv));
  out.set("jamba.attention.layer_norm_rms_epsilon", 1e-6F);
  number("ssm.conv_kernel", kTaps);
  number("ssm.inner_size", 2 * s.hidden);
  number("ssm.state_size", kState);
  number("ssm.time_step_rank", s.dt_rank);
  number("expert_count", s.n_experts);
  number("expert_used_count", s.n_experts_used);
  set_tokenizer(out, s.n_vocab);
}

// The elements of a tensor that is always F32, from element `at` on.
void fill_special(Fill fill, std::size_t at, RandomBits& random, std::span<std::byte> out) {
  for (std::size_t i = 0; i < out.size() / sizeof(float); ++i) {
    float value = 1.0F;
    if (fill == Fill::kNorm) value = 0.9F + 0.2F * random.uniform();
    if (fill == Fill::kA) value = -static_cast<float>((at + i) % kState + 1);
    if (fill == Fill::kTimeStepBias) {  // softplus(bias) log-uniform in 0.001 .. 0.1
      value = std::log(std::expm1(0.001F * std::pow(100.0F, random.uniform())));
    }
    std::memcpy(out.data() + i * sizeof value, &value, sizeof value);
  }
}

}  // namespace

std::span<const Shape> shapes() { return kShapes; }

const Shape* find_shape(std::string_view name) {
  const auto found = std::find_if(kShapes.begin(), kShapes.end(),
                                  [&](const Shape& shape) { return shape.name == name; });
  return found == kShapes.end() ? nullptr : &*found;
}

RandomModelResult write_random_model(const Shape& shape, const RandomModelOptions& options,
                                     const std::filesystem::path& path) {
  const std::vector<Tensor> tensors = TensorList(shape).take();
  std::vector<model::MixTensor> plain;
  for (const Tensor& tensor : tensors) plain.push_back(tensor.mix);
  std::vector<TensorType> types(tensors.size(), TensorType::kF32);
  if (!options.f32) types = mixed_types(options.mix, plain, shape.n_layers, shape.n_experts);

  model::GgufWriter out;
  set_metadata(out, shape, options.f32 ? 0 : info(options.mix).file_type);
  RandomModelResult result;
  std::vector<std::uint64_t> sizes;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto& extents = plain[i].shape;
    out.add_tensor(plain[i].name, types[i], extents);
    std::int64_t rows = 1;
    for (std::size_t d = 1; d < extents.size(); ++d) rows *= extents[d];
    result.n_parameters += rows * extents[0];
    sizes.push_back(static_cast<std::uint64_t>(rows) * model::row_bytes(types[i], extents[0]));
    result.tensor_bytes += sizes.back();
  }

  out.begin(path);
  RandomBits random(options.seed);
  std::vector<std::byte> piece;
  std::uint64_t done = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::size_t block = model::info(types[i]).block_bytes;
    const std::size_t step = kPieceBytes / block * block;
    for (std::uint64_t at = 0; at < sizes[i]; at += step) {
      piece.resize(std::min<std::uint64_t>(step, sizes[i] - at));
      if (tensors[i].fill == Fill::kMatrix) {
        fill_random(types[i], tensors[i].deviation, random, piece);
      } else {
        fill_special(tensors[i].fill, at / sizeof(float), random, piece);
      }
      out.write(piece);
      done += piece.size();
      if (options.progress) options.progress(done, result.tensor_bytes);
    }
  }
  out.commit();
  return result;
}

}  // namespace orkestra::bench
