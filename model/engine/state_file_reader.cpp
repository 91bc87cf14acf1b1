// Reading.

#include <fcntl.h>
#include <orkestra/core/checksum.h>
#include <orkestra/core/error.h>
#include <orkestra/model/engine/state_file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace orkestra::model {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} << 10U;

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : name_(path.string()) {
    // Not blocking: something that is no file must not hold us up.
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor_ < 0) {
      const bool missing = errno == ENOENT || errno == ENOTDIR;
      throw Error(missing ? ErrorCode::kNotFound : ErrorCode::kDenied,
                  name_ + ": can't be read: " + std::strerror(errno));
    }
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
      ::close(descriptor_);
      throw Error(ErrorCode::kInvalid, name_ + ": is no file");
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
    left_ = size_;
    buffer_.resize(kBufferBytes);
  }
  ~Reader() { ::close(descriptor_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void read(std::span<std::byte> to) {
    fill(to);
    sum_.add(to);
  }
  template <typename T>
  void read_values(T* values, std::size_t n) {
    read(std::as_writable_bytes(std::span(values, n)));
  }
  std::uint32_t read_u32() {
    std::uint32_t value = 0;
    read_values(&value, 1);
    return value;
  }
  void end_part(const std::string& what) {
    const std::uint64_t expected = sum_.value();
    sum_ = Checksum();
    std::uint64_t found = 0;
    fill(std::as_writable_bytes(std::span(&found, 1)));
    if (found != expected) fail(what + " is damaged");
  }
  // Bytes not yet read.
  std::uint64_t left() const { return left_; }
  std::uint64_t size() const { return size_; }
  [[noreturn]] void fail(const std::string& why, ErrorCode code = ErrorCode::kCorrupt) const {
    throw Error(code, name_ + ": " + why);
  }

 private:
  void fill(std::span<std::byte> to) {
    if (to.size() > left_) fail("ends too early");
    left_ -= to.size();
    while (!to.empty()) {
      if (begin_ == end_ && to.size() >= kBufferBytes / 4) {
        to = to.subspan(read_some(to));
        continue;
      }
      if (begin_ == end_) {
        end_ = read_some(buffer_);
        begin_ = 0;
      }
      const std::size_t n = std::min(to.size(), end_ - begin_);
      std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), n, to.begin());
      begin_ += n;
      to = to.subspan(n);
    }
  }
  std::size_t read_some(std::span<std::byte> to) {
    while (true) {
      const ssize_t n = ::read(descriptor_, to.data(), to.size());
      if (n > 0) return static_cast<std::size_t>(n);
      if (n == 0) fail("ends too early");
      if (errno != EINTR) fail(std::string("can't be read: ") + std::strerror(errno));
    }
  }

  std::string name_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::uint64_t left_ = 0;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;  // of what is in the buffer and not handed out
  std::size_t end_ = 0;
  Checksum sum_;
};

struct Loaded {
  std::string tenant;
  std::vector<TokenId> tokens;
  SharedLogits logits;
  std::optional<StateHandle> state;
  bool pinned = false;
};

// What has been read and is not the tree's yet; released when reading fails.
class LoadedStates {
 public:
  explicit LoadedStates(BatchWorker& worker) : worker_(worker) {}
  ~LoadedStates() {
    worker_.with_tree([this](StateTree&, Backend& backend) {
      for (const Loaded& loaded : states_) {
        if (loaded.state) backend.release_state(*loaded.state);
      }
    });
  }
  LoadedStates(const LoadedStates&) = delete;
  LoadedStates& operator=(const LoadedStates&) = delete;

  // Reads the next state. On the worker's thread.
  void read(Reader& in, StateTree& tree, Backend& backend, const LoadOptions& options) {
    const std::string what = "state " + std::to_string(states_.size() + 1);
    const std::uint32_t n_tokens = in.read_u32();
    const std::uint32_t n_common = in.read_u32();
    const std::uint32_t tenant_bytes = in.read_u32();
    const std::uint32_t flags = in.read_u32();
    in.end_part(what);
    const Loaded* before = states_.empty() ? nullptr : &states_.back();
    if (n_tokens < 1 || n_tokens > options.context_length) {
      in.fail(what + ": " + std::to_string(n_tokens) + " tokens, where the context holds " +
              std::to_string(options.context_length));
    }
    if (n_common > n_tokens || n_common > (before == nullptr ? 0 : before->tokens.size()) ||
        tenant_bytes > state_file::kMaxTenantBytes ||
        (flags & ~(state_file::kPinned | state_file::kWithLogits)) != 0) {
      in.fail(what + " has a head that makes no sense");
    }
    n_tokens_ += n_tokens;
    if (n_tokens_ > state_file::kMaxTokens) {
      in.fail("holds more than " + std::to_string(state_file::kMaxTokens) + " tokens",
              ErrorCode::kExhausted);
    }
    const std::uint64_t n_own = n_tokens - n_common;
    const bool with_logits = (flags & state_file::kWithLogits) != 0;
    const std::uint64_t logits_bytes =
        with_logits ? static_cast<std::uint64_t>(options.n_vocab) * sizeof(float) : 0;
    if (in.left() < tenant_bytes + n_own * sizeof(TokenId) + logits_bytes) {
      in.fail("ends too early");
    }
    Loaded next{.tenant = std::string(tenant_bytes, '\0'),
                .tokens = {},
                .logits = nullptr,
                .state = std::nullopt,
                .pinned = (flags & state_file::kPinned) != 0};
    in.read_values(next.tenant.data(), tenant_bytes);
    if (options.tenant && *options.tenant != next.tenant) {
      in.fail("holds states of another tenant", ErrorCode::kDenied);
    }
    next.tokens.resize(n_tokens);
    if (n_common > 0) std::copy_n(before->tokens.begin(), n_common, next.tokens.begin());
    in.read_values(next.tokens.data() + n_common, n_own);
    for (const TokenId token : next.tokens) {
      if (token < 0 || token >= options.n_vocab) in.fail(what + " has a token that is none");
    }
    const auto fits = [&](std::size_t bytes) { return tree.make_room(bytes + logits_bytes_); };
    if (with_logits) {
      logits_bytes_ += logits_bytes;
      if (!fits(0)) no_room(in);
      std::vector<float> logits(static_cast<std::size_t>(options.n_vocab));
      in.read_values(logits.data(), logits.size());
      next.logits = std::make_shared<const std::vector<float>>(std::move(logits));
    }
    const bool same = before != nullptr && before->tenant == next.tenant;
    states_.push_back(std::move(next));
    const std::size_t i = states_.size() - 1;
    states_[i].state = backend.load_state(
        n_tokens, same ? states_[i - 1].state : std::nullopt,
        [&](std::span<std::byte> to) { in.read(to); }, fits);
    if (!states_[i].state) no_room(in);
    in.end_part(what);
  }

  // Hands all of them to the tree.
  void adopt(StateTree& tree, const Reader& in) {
    if (!tree.make_room(logits_bytes_)) no_room(in);
    for (Loaded& loaded : states_) {
      tree.store(loaded.tenant, loaded.tokens, *std::exchange(loaded.state, std::nullopt),
                 std::move(loaded.logits));
      const auto view = tree.at(loaded.tenant, loaded.tokens);
      if (loaded.pinned && view && !view->pinned) tree.pin(loaded.tenant, loaded.tokens);
    }
  }

  SavedStates summary() const {
    SavedStates sum{.states = states_.size()};
    for (const Loaded& loaded : states_) {
      sum.pinned += loaded.pinned ? 1 : 0;
      sum.longest = std::max(sum.longest, loaded.tokens.size());
    }
    return sum;
  }

 private:
  [[noreturn]] static void no_room(const Reader& in) {
    in.fail("the budget for model states has no room for its " + std::to_string(in.size() >> 20U) +
                " MiB: raise the budget, or save less",
            ErrorCode::kExhausted);
  }

  BatchWorker& worker_;
  std::vector<Loaded> states_;
  std::size_t n_tokens_ = 0;      // of all so far
  std::size_t logits_bytes_ = 0;  // the same
};

}  // namespace

SavedStates load_states(BatchWorker& worker, const std::string& weights,
                        const std::filesystem::path& path, const LoadOptions& options) {
  Reader in(path);
  char magic[sizeof state_file::kMagic] = {};
  in.read_values(magic, sizeof magic);
  if (std::memcmp(magic, state_file::kMagic, sizeof magic) != 0) in.fail("is no file of states");
  const std::uint32_t version = in.read_u32();
  if (version != state_file::kVersion) {
    in.fail("has version " + std::to_string(version) + " of the format, this program reads " +
                std::to_string(state_file::kVersion),
            ErrorCode::kUnsupported);
  }
  const std::uint32_t n_states = in.read_u32();
  std::string found(state_file::kIdentityBytes, '\0');
  in.read_values(found.data(), found.size());
  in.end_part("its head");
  std::string expected;
  worker.with_tree(
      [&](StateTree&, Backend& backend) { expected = state_file::identity(weights, backend); });
  if (found != expected) {
    in.fail("was saved with another model, other kernels or another version of the engine",
            ErrorCode::kConflict);
  }
  if (n_states > in.left() / state_file::kStateHeadBytes) in.fail("ends too early");
  LoadedStates loaded(worker);
  for (std::uint32_t i = 0; i < n_states; ++i) {
    worker.with_tree(
        [&](StateTree& tree, Backend& backend) { loaded.read(in, tree, backend, options); });
  }
  if (in.left() > 0) in.fail("goes on behind its last state");
  worker.with_tree([&](StateTree& tree, Backend&) { loaded.adopt(tree, in); });
  SavedStates sum = loaded.summary();
  sum.bytes = in.size();
  return sum;
}

}  // namespace orkestra::model
