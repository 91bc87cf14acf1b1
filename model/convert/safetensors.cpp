#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/model/convert/safetensors.h>
#include <orkestra/model/format/byte_reader.h>
#include <orkestra/model/format/float16.h>
#include <orkestra/model/format/mapped_file.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

namespace orkestra::model {
namespace {

constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{16} << 20U;  // real shards: below 1 MiB
constexpr std::size_t kMaxDimensions = 8;
constexpr std::size_t kMaxNameBytes = 1024;
constexpr std::size_t kMaxFiles = 4096;
constexpr int kMaxDepth = 8;

struct ElementType {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array kTypes{
    ElementType{"F64", 8},  ElementType{"F32", 4},     ElementType{"F16", 2},
    ElementType{"BF16", 2}, ElementType{"F8_E4M3", 1}, ElementType{"F8_E5M2", 1},
    ElementType{"I64", 8},  ElementType{"I32", 4},     ElementType{"I16", 2},
    ElementType{"I8", 1},   ElementType{"U64", 8},     ElementType{"U32", 4},
    ElementType{"U16", 2},  ElementType{"U8", 1},      ElementType{"BOOL", 1},
};

[[noreturn]] void corrupt(std::string_view file, const std::string& what) {
  throw Error(ErrorCode::kCorrupt, std::string(file) + ": " + what);
}

std::optional<std::uint64_t> natural(const Json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  return value.get<std::uint64_t>();
}

SafeTensor read_entry(const std::string& name, const Json& entry, std::string_view file,
                      std::span<const std::byte> data) {
  const std::string who = "tensor " + printable(name);
  if (name.empty() || name.size() > kMaxNameBytes) {
    corrupt(file, "a tensor's name has " + std::to_string(name.size()) + " bytes");
  }
  if (!entry.is_object()) corrupt(file, who + " is not described by an object");
  const auto member = [&](const char* key) -> const Json& {
    const auto found = entry.find(key);
    if (found == entry.end()) corrupt(file, who + " has no \"" + key + "\"");
    return *found;
  };
  SafeTensor tensor{.name = name, .file = file};
  const Json& type = member("dtype");
  if (!type.is_string()) corrupt(file, who + ": \"dtype\" must be a string");
  tensor.type = type.get<std::string>();
  const auto* known = std::find_if(kTypes.begin(), kTypes.end(),
                                   [&](const ElementType& t) { return t.name == tensor.type; });
  if (known == kTypes.end()) {
    throw Error(ErrorCode::kUnsupported, std::string(file) + ": " + who + " has the element type " +
                                             printable(tensor.type) +
                                             ", which this build doesn't know");
  }
  const Json& shape = member("shape");
  if (!shape.is_array() || shape.size() > kMaxDimensions) {
    corrupt(file, who + ": \"shape\" must be an array of at most 8 integers");
  }
  tensor.elements = 1;
  for (const Json& extent : shape) {
    const auto n = natural(extent);
    if (!n || *n == 0 || *n > (std::uint64_t{1} << 48U) ||
        __builtin_mul_overflow(tensor.elements, static_cast<std::int64_t>(*n), &tensor.elements)) {
      corrupt(file, who + ": its shape has an extent that is not positive or too large");
    }
    tensor.shape.push_back(static_cast<std::int64_t>(*n));
  }
  const Json& offsets = member("data_offsets");
  const auto begin = offsets.is_array() && offsets.size() == 2 ? natural(offsets[0]) : std::nullopt;
  const auto end = offsets.is_array() && offsets.size() == 2 ? natural(offsets[1]) : std::nullopt;
  if (!begin || !end) corrupt(file, who + ": \"data_offsets\" must be two integers");
  std::uint64_t size = 0;
  if (__builtin_mul_overflow(static_cast<std::uint64_t>(tensor.elements), known->bytes, &size)) {
    corrupt(file, who + ": its size overflows");
  }
  if (*begin > *end || *end > data.size() || *end - *begin != size) {
    corrupt(file, who + ": its " + std::to_string(size) + " bytes are not at offsets " +
                      std::to_string(*begin) + " to " + std::to_string(*end) + " of " +
                      std::to_string(data.size()) + "; the file is cut short or damaged");
  }
  tensor.data = data.subspan(*begin, size);
  return tensor;
}

void check_overlaps(const std::vector<SafeTensor>& tensors, std::string_view file) {
  std::vector<const SafeTensor*> order;
  for (const SafeTensor& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const SafeTensor* a, const SafeTensor* b) {
    return a->data.data() < b->data.data();
  });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (order[i - 1]->data.data() + order[i - 1]->data.size() > order[i]->data.data()) {
      corrupt(file, "tensors " + printable(order[i - 1]->name) + " and " +
                        printable(order[i]->name) + " overlap");
    }
  }
}

class MappedCheckpoint final : public Checkpoint {
 public:
  void add(const std::filesystem::path& path) {
    Part& part =
        *parts_.emplace_back(std::make_unique<Part>(Part{path.string(), MappedFile::open(path)}));
    for (SafeTensor& tensor : parse_safetensors(part.mapping->bytes(), part.name)) {
      const auto [at, is_new] = tensors_.try_emplace(tensor.name, tensor);
      if (!is_new) {
        corrupt(part.name,
                "tensor " + printable(tensor.name) + " is also in " + std::string(at->second.file));
      }
    }
  }

  const SafeTensor* find(std::string_view name) const override {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? nullptr : &found->second;
  }
  std::vector<std::string_view> names() const override {
    std::vector<std::string_view> names;
    for (const auto& [name, tensor] : tensors_) names.push_back(name);
    return names;
  }
  void forget(const SafeTensor& tensor) const override { MappedFile::forget(tensor.data); }

 private:
  struct Part {
    std::string name;
    std::unique_ptr<MappedFile> mapping;
  };
  std::vector<std::unique_ptr<Part>> parts_;  // tensors refer to their names
  std::map<std::string, SafeTensor, std::less<>> tensors_;
};

// The files an index names: plain names in its own folder.
std::set<std::string> files_of_index(const std::filesystem::path& path) {
  const auto mapping = MappedFile::open(path);
  const auto bytes = mapping->bytes();
  const Json index =
      parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string(),
                 {.max_bytes = kMaxHeaderBytes, .max_depth = kMaxDepth});
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  if (!index.is_object() || map == index.end() || !map->is_object()) {
    corrupt(path.string(), "it has no object \"weight_map\"");
  }
  std::set<std::string> files;
  for (const Json& file : *map) {
    if (!file.is_string()) corrupt(path.string(), "a file in \"weight_map\" is not a string");
    const auto name = file.get<std::string>();
    if (name.empty() || name.size() > 255 || name[0] == '.' ||
        name.find_first_of(std::string("/\\\0", 3)) != std::string::npos) {
      throw Error(ErrorCode::kInvalid, path.string() + ": \"" + printable(name) +
                                           "\" is not the name of a file in the same folder");
    }
    files.insert(name);
  }
  if (files.empty() || files.size() > kMaxFiles) {
    corrupt(path.string(), "it names " + std::to_string(files.size()) + " files");
  }
  return files;
}

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

template <typename To>
void read_halves(const std::byte* bytes, std::int64_t count, float* out, To to_float) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes + 2 * i, 2);
    out[i] = to_float(bits);
  }
}

}  // namespace

void read_floats(const SafeTensor& tensor, std::int64_t first, std::int64_t count, float* out) {
  const std::byte* data = tensor.data.data();
  if (tensor.type == "F32") {
    std::memcpy(out, data + 4 * first, static_cast<std::size_t>(4 * count));
  } else if (tensor.type == "F16") {
    read_halves(data + 2 * first, count, out, f16_to_float);
  } else if (tensor.type == "BF16") {
    read_halves(data + 2 * first, count, out, bf16_to_float);
  } else {
    throw Error(ErrorCode::kUnsupported, std::string(tensor.file) + ": tensor " +
                                             printable(tensor.name) + " is stored as " +
                                             tensor.type + "; F32, F16 and BF16 can be converted");
  }
}

std::vector<SafeTensor> parse_safetensors(std::span<const std::byte> bytes, std::string_view file) {
  if (bytes.size() < 8) corrupt(file, "not a safetensors file: it has fewer than 8 bytes");
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), 8);
  if (header_bytes > bytes.size() - 8) {
    corrupt(file, "its header of " + std::to_string(header_bytes) +
                      " bytes reaches beyond the end; the file is cut short or damaged");
  }
  if (header_bytes > kMaxHeaderBytes) {
    corrupt(file,
            "its header takes " + std::to_string(header_bytes) + " bytes, 16 MiB are allowed");
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, header_bytes);
  Json header;
  try {
    header = parse_json(text, file, {.max_bytes = kMaxHeaderBytes, .max_depth = kMaxDepth});
  } catch (const Error& e) {
    throw Error(ErrorCode::kCorrupt, e.message());
  }
  if (!header.is_object()) corrupt(file, "its header is not a JSON object");
  std::vector<SafeTensor> tensors;
  const auto data = bytes.subspan(8 + header_bytes);
  for (const auto& [name, entry] : header.items()) {
    if (name != "__metadata__") tensors.push_back(read_entry(name, entry, file, data));
  }
  std::sort(tensors.begin(), tensors.end(),
            [](const SafeTensor& a, const SafeTensor& b) { return a.name < b.name; });
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    if (tensors[i - 1].name == tensors[i].name) {
      corrupt(file, "tensor " + printable(tensors[i].name) + " occurs twice");
    }
  }
  check_overlaps(tensors, file);
  return tensors;
}

std::shared_ptr<const Checkpoint> Checkpoint::open(const std::filesystem::path& folder) {
  auto checkpoint = std::make_shared<MappedCheckpoint>();
  const auto index = folder / "model.safetensors.index.json";
  const auto single = folder / "model.safetensors";
  if (is_there(index)) {
    for (const std::string& file : files_of_index(index)) checkpoint->add(folder / file);
  } else if (is_there(single)) {
    checkpoint->add(single);
  } else if (is_there(folder / "pytorch_model.bin") ||
             is_there(folder / "pytorch_model.bin.index.json")) {
    throw Error(ErrorCode::kUnsupported,
                folder.string() + ": its weights are pickled; save the model as safetensors first");
  } else {
    throw Error(
        ErrorCode::kNotFound,
        folder.string() + ": neither model.safetensors nor model.safetensors.index.json is there");
  }
  return checkpoint;
}

}  // namespace orkestra::model
