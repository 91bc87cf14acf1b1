#include <orkestra/core/sandbox_root.h>

#include <orkestra/core/descriptor.h>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace orkestra {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refused(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

// A file system in memory, not yet attached anywhere.
Descriptor memory_file_system(std::size_t bytes, std::size_t files, const char* mode,
                              unsigned attributes) {
  const Descriptor context(::fsopen("tmpfs", FSOPEN_CLOEXEC));
  const std::array<std::array<std::string, 2>, 3> options{
      {{"size", std::to_string(bytes)}, {"nr_inodes", std::to_string(files)}, {"mode", mode}}};
  if (!context) refused("a file system in memory (tmpfs) is refused");
  for (const auto& [key, value] : options) {
    if (::fsconfig(context.get(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) != 0) {
      refused("a file system in memory can't be given its " + key);
    }
  }
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    refused("a file system in memory (tmpfs) is refused");
  }
  Descriptor mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, attributes));
  if (!mount) refused("a file system in memory can't be mounted");
  return mount;
}

// A copy of what is mounted at `path`, read-only throughout, not yet attached anywhere.
Descriptor read_only_copy(const std::string& path, bool device) {
  Descriptor tree(
      ::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
  if (!tree) refused(path + " can't be shown inside");
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID;
  attributes.attr_set |= device ? MOUNT_ATTR_NOEXEC : MOUNT_ATTR_NODEV;
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes,
                      sizeof attributes) != 0) {
    refused(path + " can't be made read-only (Linux 5.12 or newer is needed)");
  }
  return tree;
}

struct Source {
  std::string path;
  bool folder = false;
  Descriptor tree;
};

void make_folders(const fs::path& path) {
  fs::path made = "/";
  for (const fs::path& part : path.relative_path()) {
    made /= part;
    if (::mkdir(made.c_str(), 0755) != 0 && errno != EEXIST) refused(made.string());
  }
}

void attach(const Descriptor& tree, const std::string& path) {
  if (::move_mount(tree.get(), "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    refused(path + " can't be mounted inside");
  }
}

// Everything outside that is shown inside: taken before the old root goes away.
class Shown {
 public:
  explicit Shown(const LaunchRequest& request) {
    add("/usr/bin", false);
    for (const char* path : {"/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/share/zoneinfo"}) {
      if (fs::is_directory(path)) add(path, false);
    }
    // Links into /usr on systems of today, folders of their own on older ones.
    for (const char* path : {"/bin", "/lib", "/lib32", "/lib64"}) {
      if (fs::is_symlink(path)) {
        links_.emplace_back(path, fs::read_symlink(path).string());
      } else if (fs::is_directory(path)) {
        add(path, false);
      }
    }
    for (const char* path : {"/dev/null", "/dev/zero", "/dev/urandom"}) add(path, true);
    for (const std::string& path : request.read_only) add(path, false);
  }

  void attach_all() const {
    for (const Source& source : sources_) {
      make_folders(source.folder ? fs::path(source.path) : fs::path(source.path).parent_path());
      if (!source.folder) {
        const Descriptor file(::open(source.path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0444));
        if (!file) refused(source.path);
      }
      attach(source.tree, source.path);
    }
    for (const auto& [path, target] : links_) {
      if (::symlink(target.c_str(), path.c_str()) != 0) refused(path);
    }
  }

 private:
  void add(const std::string& path, bool device) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) refused(path + " can't be shown inside");
    sources_.push_back({path, S_ISDIR(status.st_mode), read_only_copy(path, device)});
  }
  std::vector<Source> sources_;
  std::vector<std::pair<std::string, std::string>> links_;
};

// The new root takes the place of the old one, which is let go. Any folder serves as the place
// where it is attached for a moment; /usr is always there.
void change_root(const Descriptor& root) {
  constexpr const char* kPlace = "/usr";
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    refused("the mounts can't be made private");
  }
  attach(root, kPlace);
  if (::chdir(kPlace) != 0) refused(kPlace);
  if (::syscall(SYS_pivot_root, ".", ".") != 0) refused("the root can't be changed");
  if (::umount2(".", MNT_DETACH) != 0) refused("the old root can't be let go");
  if (::chdir("/") != 0) refused("/");
}

void make_read_only(const Descriptor& mount) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    refused("the root can't be made read-only");
  }
}

}  // namespace

void enter_sandbox_root(const LaunchRequest& request) {
  constexpr unsigned kPlain = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  constexpr std::size_t kRootBytes = std::size_t{1} << 20U;
  constexpr std::size_t kRootFiles = 1024;
  const Shown shown(request);
  const Descriptor root = memory_file_system(kRootBytes, kRootFiles, "0755", kPlain);
  const Descriptor work =
      memory_file_system(request.work_bytes, request.work_files, "0700", kPlain);
  change_root(root);
  shown.attach_all();
  make_folders("/work");
  attach(work, "/work");
  make_read_only(root);
  if (::chdir("/work") != 0) refused("/work");
}

void place_files(const LaunchRequest& request) {
  for (std::size_t i = 0; i < request.files.size(); ++i) {
    const std::string& name = request.files[i];
    const int from = kFirstFileDescriptor + static_cast<int>(i);
    const Descriptor to(
        ::open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!to) refused("the file " + name);
    struct stat status {};
    if (::fstat(from, &status) != 0) refused("the file " + name);
    off_t done = 0;
    while (done < status.st_size) {
      const auto left = static_cast<std::size_t>(status.st_size - done);
      if (::sendfile(to.get(), from, &done, left) <= 0) refused("the file " + name);
    }
  }
}

}  // namespace orkestra
