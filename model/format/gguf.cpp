// Reading a GGUF file: header, metadata, tensor table, in file order; then the checks that need
// the whole table (duplicates, overlaps).
//
// Memory: the header part of a file is limited to kMaxHeaderBytes, every count is held against the
// bytes that are left before anything is reserved, and the costliest things a byte can buy are an
// element of an 8-bit integer array (8 bytes) and a metadata entry (about 12 bytes a byte). So
// opening a file takes at most about 12 times its header part.

#include <orkestra/core/error.h>
#include <orkestra/model/format/byte_reader.h>
#include <orkestra/model/format/gguf.h>
#include <orkestra/model/format/gguf_file.h>
#include <orkestra/model/format/gguf_split.h>
#include <orkestra/model/format/gguf_value_reader.h>
#include <orkestra/model/format/mapped_file.h>
#include <orkestra/model/format/tensor_type.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

namespace orkestra::model {

namespace {

constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{64} << 20U;  // real files: 1 to 15 MiB
constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint64_t kMinAlignment = 8;  // the specification: a multiple of 8
constexpr std::uint64_t kMaxAlignment = std::uint64_t{64} << 10U;
constexpr std::uint64_t kMaxNameBytes = 1024;
constexpr std::uint64_t kMinMetadataEntryBytes = 8 + 1 + 4 + 1;        // key, type, value
constexpr std::uint64_t kMinTensorEntryBytes = 8 + 1 + 4 + 8 + 4 + 8;  // name, dims, type, offset
constexpr std::uint32_t kMaxDimensions = 4;

// A key or a tensor name.
std::string_view read_name(ByteReader& in, std::string_view what) {
  const std::string_view name = in.string(what);
  if (name.empty() || name.size() > kMaxNameBytes) {
    in.fail(ErrorCode::kCorrupt, std::string(what) + " of " + std::to_string(name.size()) +
                                     " bytes; 1 to " + std::to_string(kMaxNameBytes) +
                                     " are allowed");
  }
  return name;
}

class ParsedGguf final : public GgufFile {
 public:
  ParsedGguf(std::string name, std::unique_ptr<MappedFile> mapping,
             std::span<const std::byte> bytes)
      : name_(std::move(name)), mapping_(std::move(mapping)), bytes_(bytes) {
    const auto header = bytes_.first(std::min<std::uint64_t>(bytes_.size(), kMaxHeaderBytes));
    ByteReader in(header, name_);
    try {
      read_header(in);
    } catch (const Error& e) {
      if (e.code() != ErrorCode::kCorrupt || header.size() == bytes_.size()) throw;
      throw Error(e.code(), e.message() + " (metadata and tensor table may take " +
                                std::to_string(kMaxHeaderBytes >> 20U) + " MiB)");
    }
    check_names();
    check_overlaps();
  }

  const std::string& name() const override { return name_; }
  const std::map<std::string, GgufValue, std::less<>>& metadata() const override {
    return metadata_;
  }
  const std::vector<TensorView>& tensors() const override { return tensors_; }
  std::span<const std::byte> header_bytes() const override { return header_bytes_; }
  void forget(std::span<const std::byte> part) const override {
    if (mapping_) MappedFile::forget(part);
  }

  const TensorView* find_tensor(std::string_view name) const override {
    const auto found =
        std::lower_bound(by_name_.begin(), by_name_.end(), name,
                         [&](std::size_t i, std::string_view n) { return tensors_[i].name < n; });
    if (found == by_name_.end() || tensors_[*found].name != name) return nullptr;
    return &tensors_[*found];
  }

 private:
  void read_header(ByteReader& in) {
    if (in.left() < 4 || std::memcmp(in.take(4, "the magic").data(), "GGUF", 4) != 0) {
      in.fail(ErrorCode::kCorrupt, "not a GGUF file: it does not begin with \"GGUF\"");
    }
    const auto version = in.read<std::uint32_t>("the version");
    if (version == 0x02000000U || version == 0x03000000U) {
      in.fail(ErrorCode::kUnsupported, "a big-endian file; convert it to little endian");
    }
    if (version != 2 && version != 3) {
      in.fail(ErrorCode::kUnsupported,
              "GGUF version " + std::to_string(version) + "; versions 2 and 3 are supported");
    }
    const auto n_tensors = in.read<std::uint64_t>("the tensor count");
    const auto n_metadata = in.read<std::uint64_t>("the metadata count");
    if (n_metadata > in.left() / kMinMetadataEntryBytes) {
      in.fail(ErrorCode::kCorrupt, "a metadata count of " + std::to_string(n_metadata) +
                                       " can't fit into the " + std::to_string(in.left()) +
                                       " bytes left");
    }
    for (std::uint64_t i = 0; i < n_metadata; ++i) read_metadata_entry(in, i);
    alignment_ = read_alignment();
    in.enter("tensor table entry", 0);
    if (n_tensors > in.left() / kMinTensorEntryBytes) {
      in.fail(ErrorCode::kCorrupt, "a tensor count of " + std::to_string(n_tensors) +
                                       " can't fit into the " + std::to_string(in.left()) +
                                       " bytes left");
    }
    tensors_.reserve(n_tensors);
    offsets_.reserve(n_tensors);
    for (std::uint64_t i = 0; i < n_tensors; ++i) read_tensor_entry(in, i);
    header_bytes_ = bytes_.first(in.position());
    // At most kMaxHeaderBytes + kMaxAlignment: no overflow.
    data_begin_ = (in.position() + alignment_ - 1) / alignment_ * alignment_;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      in.enter("tensor table entry", i, tensors_[i].name);
      locate(in, tensors_[i], offsets_[i]);
    }
  }

  void read_metadata_entry(ByteReader& in, std::uint64_t index) {
    in.enter("metadata entry", index);
    const std::string_view key = read_name(in, "a metadata key");
    in.enter("metadata entry", index, key);
    GgufValue value = read_gguf_value(in);
    if (!metadata_.emplace(std::string(key), std::move(value)).second) {
      in.fail(ErrorCode::kCorrupt, "the key occurs twice");
    }
  }

  std::uint64_t read_alignment() const {
    const std::int64_t value =
        integer("general.alignment", static_cast<std::int64_t>(kDefaultAlignment));
    const auto alignment = static_cast<std::uint64_t>(value);
    if (value <= 0 || (alignment & (alignment - 1)) != 0 || alignment < kMinAlignment ||
        alignment > kMaxAlignment) {
      throw Error(ErrorCode::kCorrupt,
                  name_ + ": metadata key general.alignment must be a power of two from " +
                      std::to_string(kMinAlignment) + " to " + std::to_string(kMaxAlignment) +
                      ", it is " + std::to_string(value));
    }
    return alignment;
  }

  void read_tensor_entry(ByteReader& in, std::uint64_t index) {
    in.enter("tensor table entry", index);
    TensorView tensor;
    const std::string_view name = read_name(in, "a tensor name");
    in.enter("tensor table entry", index, name);
    tensor.name = std::string(name);
    const auto n_dims = in.read<std::uint32_t>("the number of dimensions");
    if (n_dims < 1 || n_dims > kMaxDimensions) {
      in.fail(ErrorCode::kCorrupt, std::to_string(n_dims) + " dimensions; 1 to 4 are allowed");
    }
    std::int64_t elements = 1;
    tensor.shape.reserve(n_dims);
    for (std::uint32_t i = 0; i < n_dims; ++i) {
      const auto extent = static_cast<std::int64_t>(in.read<std::uint64_t>("a dimension"));
      if (extent <= 0 || __builtin_mul_overflow(elements, extent, &elements)) {
        in.fail(ErrorCode::kCorrupt, "dimension " + std::to_string(i) + " is " +
                                         std::to_string(static_cast<std::uint64_t>(extent)) +
                                         ": not positive, or the element count overflows");
      }
      tensor.shape.push_back(extent);
    }
    const auto number = in.read<std::uint32_t>("the tensor type");
    const TensorTypeInfo* type = find_tensor_type(number);
    if (type == nullptr) {
      std::string known;
      for (const TensorTypeInfo& row : tensor_types()) {
        known.append(known.empty() ? "" : ", ").append(row.name);
      }
      in.fail(ErrorCode::kUnsupported, "tensor type number " + std::to_string(number) +
                                           " is not supported; quantise the model to one of " +
                                           known);
    }
    if (tensor.shape[0] % type->block_elements != 0) {
      in.fail(ErrorCode::kCorrupt, "a row of " + std::to_string(tensor.shape[0]) +
                                       " elements is no multiple of the " +
                                       std::to_string(type->block_elements) + " of a " +
                                       std::string(type->name) + " block");
    }
    tensor.type = type->type;
    offsets_.push_back(in.read<std::uint64_t>("the data offset"));
    tensors_.push_back(std::move(tensor));
  }

  // Finds the tensor's bytes in the file, or refuses.
  void locate(const ByteReader& in, TensorView& tensor, std::uint64_t offset) {
    const TensorTypeInfo& type = info(tensor.type);
    std::uint64_t elements = 1;
    for (const std::int64_t extent : tensor.shape) elements *= static_cast<std::uint64_t>(extent);
    std::uint64_t size = 0;
    if (__builtin_mul_overflow(elements / static_cast<std::uint64_t>(type.block_elements),
                               std::uint64_t{type.block_bytes}, &size)) {
      in.fail(ErrorCode::kCorrupt, "the tensor's size overflows");
    }
    if (offset % alignment_ != 0) {
      in.fail(ErrorCode::kCorrupt, "the data offset " + std::to_string(offset) +
                                       " is no multiple of the alignment " +
                                       std::to_string(alignment_));
    }
    const std::uint64_t data_bytes = bytes_.size() > data_begin_ ? bytes_.size() - data_begin_ : 0;
    if (offset > data_bytes || size > data_bytes - offset) {
      in.fail(ErrorCode::kCorrupt, "its " + std::to_string(size) + " bytes at data offset " +
                                       std::to_string(offset) + " reach beyond the " +
                                       std::to_string(data_bytes) +
                                       " bytes of data; the file is cut short or damaged");
    }
    tensor.data = bytes_.subspan(data_begin_ + offset, size);
  }

  void check_names() {
    by_name_.resize(tensors_.size());
    std::iota(by_name_.begin(), by_name_.end(), std::size_t{0});
    std::sort(by_name_.begin(), by_name_.end(),
              [&](std::size_t a, std::size_t b) { return tensors_[a].name < tensors_[b].name; });
    for (std::size_t i = 1; i < by_name_.size(); ++i) {
      if (tensors_[by_name_[i - 1]].name == tensors_[by_name_[i]].name) {
        refuse_pair(by_name_[i - 1], by_name_[i], "have the same name");
      }
    }
  }

  void check_overlaps() {
    std::vector<std::size_t> order(tensors_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return offsets_[a] < offsets_[b]; });
    for (std::size_t i = 1; i < order.size(); ++i) {
      const std::size_t before = order[i - 1];
      if (offsets_[before] + tensors_[before].data.size() > offsets_[order[i]]) {
        refuse_pair(before, order[i], "overlap in the file");
      }
    }
    offsets_ = {};
  }

  [[noreturn]] void refuse_pair(std::size_t a, std::size_t b, const std::string& why) const {
    const auto [first, second] = std::minmax(a, b);
    throw Error(ErrorCode::kCorrupt, name_ + ": tensor table entries " + std::to_string(first) +
                                         " (" + printable(tensors_[first].name) + ") and " +
                                         std::to_string(second) + " (" +
                                         printable(tensors_[second].name) + ") " + why);
  }

  std::string name_;
  std::unique_ptr<MappedFile> mapping_;  // empty when the bytes belong to the caller
  std::span<const std::byte> bytes_;
  std::span<const std::byte> header_bytes_;
  std::map<std::string, GgufValue, std::less<>> metadata_;
  std::vector<TensorView> tensors_;
  std::vector<std::uint64_t> offsets_;  // [tensors] from data_begin_; empty once checked
  std::vector<std::size_t> by_name_;    // [tensors] indices in order of name
  std::uint64_t alignment_ = kDefaultAlignment;
  std::uint64_t data_begin_ = 0;
};

}  // namespace

std::shared_ptr<const GgufFile> open_gguf_part(const std::filesystem::path& path) {
  auto mapping = MappedFile::open(path);
  const auto bytes = mapping->bytes();
  return std::make_shared<ParsedGguf>(path.string(), std::move(mapping), bytes);
}

std::shared_ptr<const GgufFile> GgufFile::open(const std::filesystem::path& path) {
  auto file = open_gguf_part(path);
  return split_count(*file) == 1 ? file : join_split(std::move(file), path);
}

std::shared_ptr<const GgufFile> GgufFile::parse(std::span<const std::byte> bytes,
                                                std::string name) {
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % kMinAlignment != 0) {
    throw Error(ErrorCode::kInvalid, name +
                                         ": the bytes of a GGUF file must lie at an address "
                                         "that is a multiple of 8");
  }
  auto file = std::make_shared<ParsedGguf>(std::move(name), nullptr, bytes);
  if (split_count(*file) != 1) {
    throw Error(ErrorCode::kUnsupported,
                file->name() + ": a part of a split model can't be read from memory");
  }
  return file;
}

}  // namespace orkestra::model
