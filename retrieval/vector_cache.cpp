#include <orkestra/core/error.h>
#include <orkestra/core/hash.h>
#include <orkestra/retrieval/byte_fields.h>
#include <orkestra/retrieval/vector_cache.h>

#include <unistd.h>

#include <fstream>
#include <system_error>

namespace orkestra::retrieval {
namespace {

constexpr std::string_view kMagic = "orkestra vectors 1\n";
constexpr std::size_t kHashBytes = 64;

}  // namespace

std::filesystem::path vector_cache_path(const std::filesystem::path& store) {
  std::filesystem::path out = store;
  out += ".vectors";
  return out;
}

VectorCache read_vector_cache(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    throw Error(ErrorCode::kNotFound, file.string() + ": there are no stored vectors");
  }
  std::ifstream in(file, std::ios::binary);
  std::string bytes(std::filesystem::file_size(file, error), '\0');
  if (error || !in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    throw Error(ErrorCode::kUnavailable, file.string() + ": can't be read");
  }
  const std::string_view all(bytes);
  if (!all.starts_with(kMagic) || all.size() < kMagic.size() + kHashBytes) ByteReader::bad();
  const std::string_view body = all.substr(kMagic.size() + kHashBytes);
  if (all.substr(kMagic.size(), kHashBytes) != sha256_hex(body)) ByteReader::bad();
  ByteReader fields(body);
  VectorCache out;
  out.state = fields.text();
  out.embedder = fields.text();
  out.fitted = fields.text();
  out.dimension = fields.number();
  const std::uint64_t count = fields.number();
  if (count > body.size() || out.dimension > body.size()) ByteReader::bad();
  for (std::uint64_t i = 0; i < count; ++i) {
    out.chunks.push_back(static_cast<std::int64_t>(fields.number()));
    out.hashes.emplace_back(fields.text());
  }
  out.rows = fields.unit_values();
  if (out.rows.size() != count * out.dimension || !fields.at_end()) ByteReader::bad();
  return out;
}

void write_vector_cache(const std::filesystem::path& file, const VectorCache& cache) {
  ByteWriter fields;
  fields.text(cache.state);
  fields.text(cache.embedder);
  fields.text(cache.fitted);
  fields.number(cache.dimension);
  fields.number(cache.chunks.size());
  for (std::size_t i = 0; i < cache.chunks.size(); ++i) {
    fields.number(static_cast<std::uint64_t>(cache.chunks[i]));
    fields.text(cache.hashes[i]);
  }
  fields.values(cache.rows);
  const std::string body = fields.take();
  std::filesystem::path fresh = file;
  fresh += "." + std::to_string(::getpid());
  std::error_code error;
  {
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out << kMagic << sha256_hex(body) << body;
    out.close();
    if (!out) {
      std::filesystem::remove(fresh, error);
      throw Error(ErrorCode::kUnavailable, fresh.string() + ": can't be written");
    }
  }
  std::filesystem::rename(fresh, file, error);
  if (error) {
    std::error_code ignored;
    std::filesystem::remove(fresh, ignored);
    throw Error(ErrorCode::kUnavailable, file.string() + ": can't be replaced: " + error.message());
  }
}

}  // namespace orkestra::retrieval
