#include <orkestra/core/error.h>
#include <orkestra/retrieval/source_files.h>

#include <algorithm>
#include <chrono>
#include <fstream>

namespace orkestra::retrieval {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxEntries = 1'000'000;

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

bool is_below(const fs::path& path, const fs::path& root) {
  return std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
}

std::string link_reason(const fs::path& link, const fs::path& root) {
  std::error_code error;
  const fs::path target = fs::canonical(link, error);
  if (error) return "a link to nothing";
  return is_below(target, root) ? "a link to something in the folder itself"
                                : "a link that leaves the folder, to " + target.string();
}

void visit(const fs::path& folder, const fs::path& root, std::vector<fs::path>& folders,
           SourceFiles& out, std::size_t& entries) {
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  if (error) {
    out.skipped.push_back({folder.string(), "can't be opened: " + error.message()});
    return;
  }
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (++entries > kMaxEntries) {
      throw Error(ErrorCode::kExhausted,
                  root.string() + ": more than a million files; add its folders one by one");
    }
    const fs::path path = entry->path();
    std::error_code unknown;
    const fs::file_status status = entry->symlink_status(unknown);
    if (unknown) {
      out.skipped.push_back({path.string(), "can't be looked at: " + unknown.message()});
    } else if (is_hidden(path)) {
      out.skipped.push_back({path.string(), "hidden"});
    } else if (fs::is_symlink(status)) {
      out.skipped.push_back({path.string(), link_reason(path, root)});
    } else if (fs::is_directory(status)) {
      folders.push_back(path);
    } else if (fs::is_regular_file(status)) {
      out.files.push_back(path);
    } else {
      out.skipped.push_back({path.string(), "not a regular file"});
    }
  }
  if (error) out.skipped.push_back({folder.string(), "can't be read on: " + error.message()});
}

}  // namespace

SourceFiles find_source_files(const fs::path& path) {
  std::error_code error;
  const fs::path root = fs::canonical(path, error);
  if (error == std::errc::permission_denied) {
    throw Error(ErrorCode::kDenied, path.string() + ": can't be looked at; check its permissions");
  }
  if (error) {
    throw Error(ErrorCode::kNotFound,
                path.string() + ": there is no such file or folder; check the path");
  }
  SourceFiles out;
  const fs::file_status status = fs::status(root, error);
  if (fs::is_regular_file(status)) {
    out.files.push_back(root);
    return out;
  }
  if (!fs::is_directory(status)) {
    throw Error(ErrorCode::kInvalid, path.string() + ": neither a regular file nor a folder");
  }
  std::vector<fs::path> folders{root};
  std::size_t entries = 0;
  while (!folders.empty()) {
    const fs::path folder = std::move(folders.back());
    folders.pop_back();
    visit(folder, root, folders, out, entries);
  }
  std::sort(out.files.begin(), out.files.end());
  std::sort(out.skipped.begin(), out.skipped.end(),
            [](const SkippedFile& a, const SkippedFile& b) { return a.path < b.path; });
  return out;
}

SourceFile stat_source_file(const fs::path& file) {
  std::error_code error;
  SourceFile out;
  if (fs::is_regular_file(file, error)) out.size = fs::file_size(file, error);
  const fs::file_time_type modified = fs::last_write_time(file, error);
  if (error || !fs::is_regular_file(file, error)) {
    throw Error(ErrorCode::kNotFound, file.string() + ": there is no such file any more");
  }
  out.modified_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                        fs::file_time_type::clock::to_sys(modified).time_since_epoch())
                        .count();
  return out;
}

SourceFile read_source_file(const fs::path& file) {
  SourceFile out = stat_source_file(file);
  const auto check_size = [&](std::uintmax_t size) {
    if (size <= kMaxDocumentBytes) return;
    throw Error(ErrorCode::kExhausted, file.string() + ": larger than " +
                                           std::to_string(kMaxDocumentBytes >> 20U) +
                                           " MiB; split it");
  };
  check_size(out.size);
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    throw Error(ErrorCode::kDenied, file.string() + ": can't be read; check its permissions");
  }
  out.bytes.reserve(out.size);
  std::vector<char> part(std::size_t{64} << 10U);
  while (in.read(part.data(), static_cast<std::streamsize>(part.size())) || in.gcount() > 0) {
    out.bytes.append(part.data(), static_cast<std::size_t>(in.gcount()));
    check_size(out.bytes.size());
  }
  if (in.bad()) throw Error(ErrorCode::kUnavailable, file.string() + ": reading it failed");
  out.size = out.bytes.size();
  return out;
}

}  // namespace orkestra::retrieval
