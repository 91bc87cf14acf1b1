// State files: snapshots of a StateTree on disk, so that what was read once (a system prompt, a
// long document, whole sessions) need not be read again after a restart.
//
// A file is bound to one model's weights and to the engine's way of keeping states; its states to
// their tenants. It is written whole or not at all, read in one stream, and nothing in it is
// trusted: every count is bounded before it is used, every part has a checksum, and states enter
// the tree only when all of the file has been read and found good.
//
// Little endian; checksums as core/checksum.h has them:
//
//   head    "orkstate", version u32, states u32, model and format as 64 hexadecimal digits,
//           checksum of all this u64
//   states  each: tokens u32, of these as in the state before u32, bytes of the tenant's name u32,
//           flags u32 (1 pinned, 2 with logits), checksum of these u64; then the name, the other
//           tokens (i32 each), logits (f32 each), what the backend writes of a state (what it has
//           in common with the state before left out when that is the same tenant's); checksum u64
//
// Functions here may be called from any thread but the worker's; other requests go on between two
// states.
#pragma once

#include <orkestra/model/engine/batch_worker.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace orkestra::model {

struct SaveOptions {
  std::optional<std::string> tenant{};  // this one's states; none: everybody's
  bool pinned_only = false;
};

struct LoadOptions {
  std::optional<std::string> tenant{};  // the only one whose states are taken; none: everybody's
  std::int64_t n_vocab = 0;
  std::int64_t context_length = 0;
};

struct SavedStates {
  std::size_t states = 0;
  std::size_t pinned = 0;
  std::size_t longest = 0;  // tokens
  std::uint64_t bytes = 0;  // of the file
};

// `weights` names the model's weights (weights_fingerprint.h). What is saved is kept from eviction
// meanwhile. Throws Error as AtomicFile does.
SavedStates save_states(BatchWorker& worker, const std::string& weights,
                        const std::filesystem::path& path, const SaveOptions& options);

// States already in the tree give way where room is needed. Throws Error, and leaves the tree with
// no state of the file: kNotFound, kCorrupt, kUnsupported (version), kConflict (another model or
// format), kDenied (another tenant's), kExhausted (the budget has no room for all of it).
SavedStates load_states(BatchWorker& worker, const std::string& weights,
                        const std::filesystem::path& path, const LoadOptions& options);

namespace state_file {

inline constexpr char kMagic[8] = {'o', 'r', 'k', 's', 't', 'a', 't', 'e'};
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint32_t kPinned = 1;
inline constexpr std::uint32_t kWithLogits = 2;
inline constexpr std::uint32_t kMaxTenantBytes = 4096;
inline constexpr std::size_t kMaxTokens = std::size_t{1} << 26U;  // of all states together
inline constexpr std::size_t kIdentityBytes = 64;
inline constexpr std::size_t kHeadBytes = 8 + 4 + 4 + kIdentityBytes + 8;
inline constexpr std::size_t kStateHeadBytes = 4 * 4 + 8;

// What a file must name to be read here.
std::string identity(const std::string& weights, const Backend& backend);

}  // namespace state_file

}  // namespace orkestra::model
