#include <orkestra/core/descriptor.h>
#include <orkestra/core/text.h>
#include <orkestra/tools/files.h>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

namespace orkestra::tools {
namespace {

namespace fs = std::filesystem;

constexpr Label kLabel{Integrity::kTrusted, Confidentiality::kPrivate};
constexpr std::size_t kCharacterBytes = 4;  // at most, in UTF-8

// The folder, held open: it stays the same one even if it is moved. Shared by both tools.
class Folder {
 public:
  explicit Folder(const fs::path& path)
      : path_(path), root_(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    if (!root_) {
      throw Error(ErrorCode::kNotFound,
                  path.string() + ": can't be opened as a folder: " + std::strerror(errno));
    }
    open(".", O_PATH);  // throws when the kernel can't do it
  }

  Descriptor open(const std::string& path, std::uint64_t flags) const {
    if (path.find('\0') != std::string::npos) {
      throw Error(ErrorCode::kInvalid, "the path contains a NUL byte");
    }
    open_how how{.flags = flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                 .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    if ((flags & O_PATH) != 0) how.flags = flags | O_CLOEXEC;
    for (int attempt = 0;; ++attempt) {
      const long fd = ::syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof how);
      if (fd >= 0) return Descriptor(static_cast<int>(fd));
      // EAGAIN: something was moved while the path was followed.
      if ((errno != EAGAIN && errno != EINTR) || attempt == 100) throw error(path, errno);
    }
  }

  const fs::path& path() const { return path_; }

 private:
  Error error(const std::string& path, int number) const {
    const std::string name = "the path \"" + path + "\"";
    switch (number) {
      case ENOENT:
      case ENOTDIR:
        return {ErrorCode::kNotFound, name + " does not exist; list_files tells what there is"};
      case EXDEV:
      case ELOOP:
        return {ErrorCode::kDenied,
                name + " leads out of the folder; name a path inside it, relative to it"};
      case EACCES:
      case EPERM:
        return {ErrorCode::kDenied, name + " may not be read by this user"};
      case ENAMETOOLONG:
      case EINVAL:
        return {ErrorCode::kInvalid, name + " is not a usable path"};
      case ENOSYS:
        return {ErrorCode::kUnsupported,
                "this kernel can't keep paths within a folder (openat2, Linux 5.6 or newer)"};
      default:
        return {ErrorCode::kUnavailable, name + ": " + std::strerror(number)};
    }
  }

  fs::path path_;
  Descriptor root_;
};

// Bytes [begin, begin + size) of the file, fewer at its end.
std::string read_range(int file, std::uint64_t begin, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got =
        ::pread(file, bytes.data() + done, size - done, static_cast<off_t>(begin + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      throw Error(ErrorCode::kUnavailable, std::string("can't be read: ") + std::strerror(errno));
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

struct TextRange {
  std::uint64_t begin = 0;
  std::string text;
};

// Moves both ends of the bytes read at `begin` to where text can be cut. `more` follows in the
// file. At most kCharacterBytes are lost at the beginning; at the end the last, incomplete line.
TextRange cut_to_text(std::uint64_t begin, std::string bytes, bool more) {
  std::size_t first = 0;
  while (begin > 0 && first < std::min(bytes.size(), kCharacterBytes - 1) &&
         continues_character(bytes[first])) {
    ++first;
  }
  std::size_t end = bytes.size();
  if (more) {
    const std::size_t newline = bytes.rfind('\n');
    if (newline != std::string::npos && newline >= first) {
      end = newline + 1;
    } else {
      // In the middle of a character: back to its first byte.
      std::size_t lead = end;
      while (lead > first && end - lead < kCharacterBytes && continues_character(bytes[lead - 1])) {
        --lead;
      }
      if (lead > first && !valid_utf8(std::string_view(bytes).substr(lead - 1))) end = lead - 1;
    }
  }
  return {begin + first, bytes.substr(first, end - first)};
}

class ReadFileTool final : public Tool {
 public:
  ReadFileTool(std::shared_ptr<const Folder> folder, const FilesOptions& options)
      : folder_(std::move(folder)), options_(options) {
    spec_.name = "read_file";
    spec_.description = "Read a text file of the folder " + folder_->path().string() + ".";
    spec_.parameters = Json{
        {"type", "object"},
        {"properties",
         {{"path", {{"type", "string"}, {"description", "The file, relative to the folder."}}},
          {"offset",
           {{"type", "integer"},
            {"minimum", 0},
            {"description", "The byte to begin at; default 0."}}},
          {"limit",
           {{"type", "integer"}, {"minimum", 1}, {"description", "At most this many bytes."}}}}},
        {"required", Json::array({"path"})},
        {"additionalProperties", false}};
    spec_.traits.reads_private = true;
  }

  const ToolSpec& spec() const override { return spec_; }

  ToolResult run(const ToolCall& call, const Limits&) override {
    const auto path = call.arguments.at("path").get<std::string>();
    const auto offset = number(call.arguments, "offset", 0);
    // At least one character, so that reading on always gets on.
    const auto limit = std::clamp<std::uint64_t>(
        number(call.arguments, "limit", options_.max_read_bytes), kCharacterBytes,
        std::max(options_.max_read_bytes, kCharacterBytes));
    const Descriptor file = folder_->open(path, O_RDONLY);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
      return ToolResult::failure(ErrorCode::kUnsupported,
                                 "\"" + path + "\" is not a file" +
                                     (S_ISDIR(status.st_mode) ? "; list_files lists it" : ""));
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (offset > size) {
      return ToolResult::failure(ErrorCode::kInvalid,
                                 "the offset " + std::to_string(offset) + " is past the end of \"" +
                                     path + "\", which has " + std::to_string(size) + " bytes");
    }
    std::string bytes = read_range(file.get(), offset, static_cast<std::size_t>(limit));
    const bool more = offset + bytes.size() < size;
    TextRange range = cut_to_text(offset, std::move(bytes), more);
    if (range.text.find('\0') != std::string::npos || !valid_utf8(range.text)) {
      return ToolResult::failure(ErrorCode::kUnsupported,
                                 "\"" + path + "\" is not a text file (UTF-8); it can't be read");
    }
    return answer(path, std::move(range), size);
  }

 private:
  // JSON integers come in any size and sign; the schema has checked the sign.
  static std::uint64_t number(const Json& arguments, const char* key, std::uint64_t otherwise) {
    const auto found = arguments.find(key);
    if (found == arguments.end()) return otherwise;
    constexpr double kMost = 9e15;
    const double value = found->get<double>();
    return value >= kMost ? static_cast<std::uint64_t>(kMost) : static_cast<std::uint64_t>(value);
  }

  ToolResult answer(const std::string& path, TextRange range, std::uint64_t size) const {
    const std::uint64_t end = range.begin + range.text.size();
    const Origin origin{.kind = Origin::Kind::kDocument,
                        .locator = (folder_->path() / path).lexically_normal().string(),
                        .detail = Json{{"begin", range.begin}, {"end", end}}};
    ToolResult result = ToolResult::success(Json{{"path", path},
                                                 {"begin", range.begin},
                                                 {"end", end},
                                                 {"size", size},
                                                 {"text", range.text}},
                                            origin, kLabel);
    if (!range.text.empty()) {
      result.parts.push_back(
          {.text = std::move(range.text), .description = path, .origin = origin, .label = kLabel});
    }
    return result;
  }

  std::shared_ptr<const Folder> folder_;
  FilesOptions options_;
  ToolSpec spec_;
};

struct DirectoryCloser {
  void operator()(DIR* stream) const { ::closedir(stream); }
};
using Directory = std::unique_ptr<DIR, DirectoryCloser>;

class ListFilesTool final : public Tool {
 public:
  ListFilesTool(std::shared_ptr<const Folder> folder, const FilesOptions& options)
      : folder_(std::move(folder)), options_(options) {
    spec_.name = "list_files";
    spec_.description = "List the files and folders in " + folder_->path().string() + ".";
    spec_.parameters =
        Json{{"type", "object"},
             {"properties",
              {{"path",
                {{"type", "string"},
                 {"description", "A folder in it, relative to it; default: itself."}}}}},
             {"additionalProperties", false}};
    spec_.traits.reads_private = true;
  }

  const ToolSpec& spec() const override { return spec_; }

  ToolResult run(const ToolCall& call, const Limits&) override {
    const std::string given = call.arguments.value("path", "");
    const std::string path = given.empty() ? "." : given;
    Descriptor opened = folder_->open(path, O_RDONLY | O_DIRECTORY);
    const Directory directory(::fdopendir(opened.get()));
    if (directory) {
      opened.release();
    } else {
      return ToolResult::failure(ErrorCode::kExhausted,
                                 "\"" + path + "\" can't be listed: " + std::strerror(errno));
    }
    std::vector<std::pair<std::string, Json>> entries;
    bool truncated = false;
    while (const dirent* entry = ::readdir(directory.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      // A path that would not come back as it is can't be read either.
      if (!valid_utf8(name)) continue;
      const std::string shown = (fs::path(path) / name).lexically_normal().string();
      struct stat status {};
      if (!look(shown, status)) continue;
      const bool folder = S_ISDIR(status.st_mode);
      if (entries.size() == options_.max_entries) {
        truncated = true;
        break;
      }
      Json row{{"path", shown}, {"type", folder ? "folder" : "file"}};
      if (!folder) row["bytes"] = status.st_size;
      entries.emplace_back(shown, std::move(row));
    }
    std::sort(entries.begin(), entries.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    Json rows = Json::array();
    for (auto& [name, row] : entries) rows.push_back(std::move(row));
    ToolResult result = ToolResult::success(std::move(rows),
                                            {.kind = Origin::Kind::kTool,
                                             .locator = spec_.name,
                                             .detail = Json{{"arguments", call.arguments}}},
                                            kLabel);
    result.truncated = truncated;
    return result;
  }

 private:
  // What read_file or list_files would find at `path`; false when they would find nothing.
  bool look(const std::string& path, struct stat& status) const {
    try {
      const Descriptor found = folder_->open(path, O_PATH);
      return ::fstat(found.get(), &status) == 0 &&
             (S_ISDIR(status.st_mode) || S_ISREG(status.st_mode));
    } catch (const Error&) {
      return false;
    }
  }

  std::shared_ptr<const Folder> folder_;
  FilesOptions options_;
  ToolSpec spec_;
};

}  // namespace

std::vector<std::unique_ptr<Tool>> make_file_tools(const fs::path& folder,
                                                   const FilesOptions& options) {
  const auto shared = std::make_shared<const Folder>(folder);
  std::vector<std::unique_ptr<Tool>> tools;
  tools.push_back(std::make_unique<ReadFileTool>(shared, options));
  tools.push_back(std::make_unique<ListFilesTool>(shared, options));
  return tools;
}

}  // namespace orkestra::tools
