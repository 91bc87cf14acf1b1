#include <orkestra/core/error.h>
#include <orkestra/model/engine/thread_pool.h>
#include <orkestra/model/format/gguf_writer.h>
#include <orkestra/model/format/tensor_type.h>
#include <orkestra/model/kernels/kernels.h>
#include <orkestra/model/quantize/quantise.h>
#include <orkestra/model/quantize/quantize_model.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace orkestra::model {

namespace {

constexpr std::int64_t kPieceElements = std::int64_t{1} << 22;

// Sums of squares, of weights and of their errors.
struct Squares {
  double weights = 0.0;
  double errors = 0.0;
  double relative() const { return weights > 0.0 ? std::sqrt(errors / weights) : 0.0; }
};

bool is_float(TensorType type) { return info(type).block_elements == 1; }

class TensorQuantizer {
 public:
  explicit TensorQuantizer(int n_threads) : pool_(n_threads) {}

  // Rows [begin, end) of `view` as `to`, into bytes().
  void run(const TensorView& view, TensorType to, std::int64_t begin, std::int64_t end) {
    const std::int64_t n = end - begin;
    const std::int64_t cols = view.row_length();
    const Matrix matrix{view.type, view.rows(), cols, view.data.data()};
    const std::size_t width = row_bytes(to, cols);
    rows_.resize(static_cast<std::size_t>(n));
    bytes_.resize(static_cast<std::size_t>(n) * width);
    pool_.run([&](int part) {
      const ThreadPool::Range range = pool_.share(n, 1, part);
      std::vector<float> weights(static_cast<std::size_t>(cols));
      std::vector<float> back(weights.size());
      for (std::int64_t i = range.begin; i < range.end; ++i) {
        dequantize_row(matrix, begin + i, weights.data());
        check(view, begin + i, weights, ErrorCode::kCorrupt, "is not a finite number");
        std::byte* out = bytes_.data() + static_cast<std::size_t>(i) * width;
        quantise_row(to, weights.data(), cols, out);
        dequantize_row({to, 1, cols, out}, 0, back.data());
        check(view, begin + i, back, ErrorCode::kUnsupported,
              "is too large for " + std::string(info(to).name));
        rows_[static_cast<std::size_t>(i)] = squares(weights, back);
      }
    });
  }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::span<const Squares> rows() const { return rows_; }  // of the same rows

 private:
  static void check(const TensorView& view, std::int64_t row, std::span<const float> values,
                    ErrorCode code, const std::string& what) {
    const auto bad = std::find_if_not(values.begin(), values.end(),
                                      [](float value) { return std::isfinite(value); });
    if (bad == values.end()) return;
    throw Error(code, "tensor " + view.name + ": element " + std::to_string(bad - values.begin()) +
                          " of row " + std::to_string(row) + " " + what);
  }
  static Squares squares(std::span<const float> weights, std::span<const float> back) {
    Squares sum;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double w = weights[i];
      const double e = w - static_cast<double>(back[i]);
      sum.weights += w * w;
      sum.errors += e * e;
    }
    return sum;
  }

  ThreadPool pool_;
  std::vector<std::byte> bytes_;
  std::vector<Squares> rows_;
};

std::vector<TensorType> types_for(const GgufFile& file, const QuantizeOptions& options) {
  std::vector<MixTensor> tensors;
  for (const TensorView& view : file.tensors()) {
    tensors.push_back({view.name, view.type, view.shape});
  }
  const std::string architecture(file.text("general.architecture"));
  auto types = mixed_types(options.mix, tensors, file.integer(architecture + ".block_count"),
                           file.integer(architecture + ".expert_count", 0));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (types[i] == tensors[i].type || is_float(tensors[i].type)) continue;
    if (!options.allow_requantize) {
      throw Error(ErrorCode::kInvalid,
                  file.name() + ": tensor " + tensors[i].name + " is quantised already (" +
                      std::string(info(tensors[i].type).name) +
                      "); start from an F32, F16 or BF16 file, or allow requantising");
    }
  }
  return types;
}

}  // namespace

QuantizeReport quantize_model(const GgufFile& file, const std::filesystem::path& path,
                              const QuantizeOptions& options) {
  const std::vector<TensorType> types = types_for(file, options);
  const auto& views = file.tensors();
  GgufWriter out;
  out.copy_metadata(file);
  out.set("general.file_type", info(options.mix).file_type);
  out.set("general.quantization_version", std::uint32_t{2});
  QuantizeReport report;
  for (std::size_t i = 0; i < views.size(); ++i) {
    out.add_tensor(views[i].name, types[i], views[i].shape);
    report.bytes_before += views[i].data.size();
  }

  out.begin(path);
  TensorQuantizer quantizer(options.n_threads);
  Squares total;
  std::uint64_t done = 0;
  for (std::size_t i = 0; i < views.size(); ++i) {
    const TensorView& view = views[i];
    const bool kept = types[i] == view.type;
    const std::int64_t step = std::max<std::int64_t>(1, kPieceElements / view.row_length());
    Squares squares;
    std::uint64_t written = 0;
    for (std::int64_t row = 0; row < view.rows(); row += step) {
      const std::int64_t end = std::min(row + step, view.rows());
      const std::uint64_t read = static_cast<std::uint64_t>(end - row) * view.row_bytes();
      std::span<const std::byte> bytes =
          view.data.subspan(static_cast<std::size_t>(row) * view.row_bytes(), read);
      if (!kept) {
        quantizer.run(view, types[i], row, end);
        bytes = quantizer.bytes();
        for (const Squares& one : quantizer.rows()) {
          squares.weights += one.weights;
          squares.errors += one.errors;
        }
      }
      out.write(bytes);
      written += bytes.size();
      done += read;
      file.forget(view.data.subspan(static_cast<std::size_t>(row) * view.row_bytes(), read));
      if (options.progress) options.progress(done, report.bytes_before);
    }
    total.weights += squares.weights;
    total.errors += squares.errors;
    report.bytes_after += written;
    report.tensors.push_back({.name = view.name,
                              .shape = view.shape,
                              .from = view.type,
                              .to = types[i],
                              .bytes_before = view.data.size(),
                              .bytes_after = written,
                              .error = squares.relative()});
    if (options.tensor_done) options.tensor_done(report.tensors.back());
  }
  out.commit();
  report.error = total.relative();
  return report;
}

}  // namespace orkestra::model
