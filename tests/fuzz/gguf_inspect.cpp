#include <orkestra/model/format/gguf.h>
#include <orkestra/model/model.h>
#include <orkestra/tests/fuzz/gguf_inspect.h>

#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

namespace orkestra::tests {

namespace {

// Reads what a value refers to, so that a view beyond the file is seen by the sanitizer.
std::size_t touch(const model::GgufValue& value) {
  std::size_t seen = 0;
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    for (const char c : *text) seen += static_cast<unsigned char>(c);
  }
  if (const auto* array = std::get_if<model::GgufArray>(&value)) {
    if (const auto* strings = std::get_if<std::vector<std::string_view>>(array)) {
      for (const std::string_view text : *strings) {
        if (!text.empty()) seen += static_cast<unsigned char>(text.back());
      }
    }
  }
  return seen;
}

void require(bool promise) {
  if (!promise) std::abort();  // the reader broke a promise of its header
}

}  // namespace

std::optional<ErrorCode> inspect_gguf(std::span<const std::byte> bytes,
                                      const InspectOptions& options) {
  try {
    const auto file = model::GgufFile::parse(bytes, "mutant");
    std::size_t seen = 0;
    for (const auto& [key, value] : file->metadata()) seen += touch(value);
    for (const auto& tensor : file->tensors()) {
      require(tensor.rows() > 0 && tensor.row_length() > 0);
      require(tensor.data.size() == tensor.row_bytes() * static_cast<std::size_t>(tensor.rows()));
      require(reinterpret_cast<std::uintptr_t>(tensor.data.data()) % 8 == 0);
      seen += static_cast<std::size_t>(tensor.data.front()) +
              static_cast<std::size_t>(tensor.data.back());
      require(file->find_tensor(tensor.name) == &tensor);
    }
    volatile std::size_t sink = seen;
    static_cast<void>(sink);
    if (options.open_model) static_cast<void>(model::open_model(file)->id());
    return std::nullopt;
  } catch (const Error& e) {
    require(!e.message().empty() && e.code() != ErrorCode::kInternal);
    return e.code();
  }
}

}  // namespace orkestra::tests
