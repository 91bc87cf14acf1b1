// Writing.

#include <orkestra/core/checksum.h>
#include <orkestra/core/error.h>
#include <orkestra/core/hash.h>
#include <orkestra/model/engine/state_file.h>
#include <orkestra/model/format/atomic_file.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace orkestra::model {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie");

// A snapshot that is to be saved, kept from eviction until then.
struct Kept {
  std::string tenant;
  std::vector<TokenId> tokens;
  bool pinned = false;  // by somebody else
};

class KeptStates {
 public:
  KeptStates(BatchWorker& worker, const SaveOptions& options) : worker_(worker) {
    std::size_t n_tokens = 0;
    worker.with_tree([&](StateTree& tree, Backend&) {
      tree.for_each([&](const StateTree::View& view) {
        if (options.tenant && *options.tenant != view.tenant) return;
        if (options.pinned_only && !view.pinned) return;
        if (view.tenant.size() > state_file::kMaxTenantBytes) {
          throw Error(ErrorCode::kInvalid, "a tenant's name of more than " +
                                               std::to_string(state_file::kMaxTenantBytes) +
                                               " bytes can't be saved");
        }
        n_tokens += view.tokens.size();
        if (n_tokens > state_file::kMaxTokens) {
          throw Error(ErrorCode::kExhausted,
                      "states of more than " + std::to_string(state_file::kMaxTokens) +
                          " tokens together can't be saved in one file: save pinned ones only");
        }
        states_.push_back({.tenant = view.tenant,
                           .tokens = {view.tokens.begin(), view.tokens.end()},
                           .pinned = view.pinned});
      });
      for (const Kept& kept : states_) tree.pin(kept.tenant, kept.tokens);
    });
  }
  ~KeptStates() {
    worker_.with_tree([this](StateTree& tree, Backend&) {
      for (const Kept& kept : states_) tree.unpin(kept.tenant, kept.tokens);
    });
  }
  KeptStates(const KeptStates&) = delete;
  KeptStates& operator=(const KeptStates&) = delete;

  const std::vector<Kept>& states() const { return states_; }

 private:
  BatchWorker& worker_;
  std::vector<Kept> states_;
};

// Into the file, which holds what people wrote and so is its owner's only, and the checksum of the
// part in hand.
class Writer {
 public:
  explicit Writer(const std::filesystem::path& path) : file_(path, AtomicFile::Readers::kOwner) {}

  void write(std::span<const std::byte> bytes) {
    file_.write(bytes);
    sum_.add(bytes);
  }
  template <typename T>
  void write_values(const T* values, std::size_t n) {
    write(std::as_bytes(std::span(values, n)));
  }
  void write_u32(std::size_t value) {
    const auto narrow = static_cast<std::uint32_t>(value);
    write_values(&narrow, 1);
  }
  void end_part() {
    const std::uint64_t sum = sum_.value();
    file_.write(std::as_bytes(std::span(&sum, 1)));
    sum_ = Checksum();
  }
  void commit() { file_.commit(); }
  std::uint64_t size() const { return file_.size(); }

 private:
  AtomicFile file_;
  Checksum sum_;
};

void write_state(Writer& out, StateTree& tree, Backend& backend, const Kept& kept,
                 const Kept* before) {
  const auto view = tree.at(kept.tenant, kept.tokens);
  if (!view) throw Error(ErrorCode::kInternal, "a pinned state is gone");
  std::size_t common = 0;
  std::optional<StateHandle> base;
  if (before != nullptr) {
    common = static_cast<std::size_t>(std::mismatch(kept.tokens.begin(), kept.tokens.end(),
                                                    before->tokens.begin(), before->tokens.end())
                                          .first -
                                      kept.tokens.begin());
    if (before->tenant == kept.tenant) base = tree.at(before->tenant, before->tokens)->state;
  }
  out.write_u32(kept.tokens.size());
  out.write_u32(common);
  out.write_u32(kept.tenant.size());
  out.write_u32((kept.pinned ? state_file::kPinned : 0U) |
                (view->logits ? state_file::kWithLogits : 0U));
  out.end_part();
  out.write_values(kept.tenant.data(), kept.tenant.size());
  out.write_values(kept.tokens.data() + common, kept.tokens.size() - common);
  if (view->logits) out.write_values(view->logits->data(), view->logits->size());
  backend.save_state(view->state, base, [&](std::span<const std::byte> b) { out.write(b); });
  out.end_part();
}

}  // namespace

std::string state_file::identity(const std::string& weights, const Backend& backend) {
  return sha256_hex(weights + "\n" + backend.state_format());
}

SavedStates save_states(BatchWorker& worker, const std::string& weights,
                        const std::filesystem::path& path, const SaveOptions& options) {
  Writer out(path);
  const KeptStates kept(worker, options);
  const std::vector<Kept>& states = kept.states();
  SavedStates saved{.states = states.size()};
  std::string identity;
  worker.with_tree(
      [&](StateTree&, Backend& backend) { identity = state_file::identity(weights, backend); });
  out.write_values(state_file::kMagic, sizeof state_file::kMagic);
  out.write_u32(state_file::kVersion);
  out.write_u32(states.size());
  out.write_values(identity.data(), identity.size());
  out.end_part();
  for (std::size_t i = 0; i < states.size(); ++i) {
    worker.with_tree([&](StateTree& tree, Backend& backend) {
      write_state(out, tree, backend, states[i], i > 0 ? &states[i - 1] : nullptr);
    });
    saved.pinned += states[i].pinned ? 1 : 0;
    saved.longest = std::max(saved.longest, states[i].tokens.size());
  }
  out.commit();
  saved.bytes = out.size();
  return saved;
}

}  // namespace orkestra::model
