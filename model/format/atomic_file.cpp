#include <fcntl.h>
#include <orkestra/core/error.h>
#include <orkestra/model/format/atomic_file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace orkestra::model {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20U;

mode_t mode_of(AtomicFile::Readers readers) {
  return readers == AtomicFile::Readers::kOwner ? 0600 : 0666;
}

ErrorCode code_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ErrorCode::kExhausted;
    default:
      return ErrorCode::kUnavailable;
  }
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path target, Readers readers) : target_(std::move(target)) {
  const mode_t mode = mode_of(readers);
  const std::filesystem::path folder = folder_of(target_);
  descriptor_ = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
  if (descriptor_ < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
    hidden_ = folder / ("." + target_.filename().string() + "." + std::to_string(::getpid()));
    descriptor_ = ::open(hidden_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);
    if (descriptor_ < 0) hidden_.clear();
  }
  if (descriptor_ < 0) fail("can't be created");
  buffer_.reserve(kBufferBytes);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!hidden_.empty()) ::unlink(hidden_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t n = std::min(bytes.size(), kBufferBytes - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    bytes = bytes.subspan(n);
    if (buffer_.size() == kBufferBytes) flush();
  }
}

void AtomicFile::flush() {
  std::size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t n = ::write(descriptor_, buffer_.data() + done, buffer_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("can't be written");
    done += static_cast<std::size_t>(n);
  }
  buffer_.clear();
}

void AtomicFile::commit() {
  flush();
  if (::fsync(descriptor_) != 0) fail("can't be forced to the disk");
  if (hidden_.empty()) {
    // A nameless file can be given a new name but not an existing one: one more step.
    const std::filesystem::path name =
        folder_of(target_) / ("." + target_.filename().string() + "." + std::to_string(::getpid()));
    const std::string self = "/proc/self/fd/" + std::to_string(descriptor_);
    ::unlink(name.c_str());
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      fail("can't be given a name");
    }
    hidden_ = name;
  }
  if (::rename(hidden_.c_str(), target_.c_str()) != 0) fail("can't be replaced");
  hidden_.clear();
  const int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

void AtomicFile::fail(const char* what) const {
  const int error = errno;
  throw Error(code_of(error), target_.string() + ": " + what + ": " + std::strerror(error));
}

}  // namespace orkestra::model
