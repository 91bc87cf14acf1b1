// States on their way to a file and back. Of one state:
//
//   the recurrent layers' block; then per attention layer the number of pages, how many of the
//   first were forgotten (both u32), and one byte for each other page: 1 = the same as the base's;
//   then the content of the pages that are not.
//
// All in the machine's own order of bytes, which state_format() names.

#include <orkestra/core/error.h>
#include <orkestra/model/engine/cpu_backend.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <utility>

namespace orkestra::model {
namespace {

// Raise it when the bytes of a state mean something else.
constexpr int kStateVersion = 1;

template <typename T>
std::span<const std::byte> bytes_of(const T* values, std::size_t n) {
  return std::as_bytes(std::span(values, n));
}

std::size_t pages_for(std::int64_t n_tokens) {
  return static_cast<std::size_t>((n_tokens + kPageTokens - 1) / kPageTokens);
}

// Equal bytes count, too: computing a prefix again gives the same ones.
bool same_page(const PageList& list, const PageList* base, std::size_t i) {
  if (base == nullptr || i >= base->size() || base->pages()[i] == nullptr) return false;
  return list.pages()[i] == base->pages()[i] ||
         std::memcmp(list.pages()[i], base->pages()[i], list.pool().content_bytes()) == 0;
}

[[noreturn]] void corrupt(const char* why) {
  throw Error(ErrorCode::kCorrupt, std::string("a saved state ") + why);
}

}  // namespace

std::string CpuBackend::state_format() const {
  // Vectors of 8 and of 16 numbers give the same bits.
  const bool vectors = kernels_.name != "reference";
  std::string format = "cpu states " + std::to_string(kStateVersion) +
                       (std::endian::native == std::endian::little ? " little" : " big") +
                       (vectors ? " vectors" : " reference") + "; recurrent " +
                       std::to_string(layout_.recurrent_floats()) + "; pages of " +
                       std::to_string(kPageTokens);
  for (std::size_t list = 0; list < layout_.pools().size(); ++list) {
    const PagePool& pool = *layout_.pools()[list];
    format += "; " + std::to_string(pool.n_kv_heads()) + "x" + std::to_string(pool.head_dim()) +
              " window " + std::to_string(layout_.window(list)) + " in " +
              std::to_string(pool.content_bytes());
  }
  return format;
}

void CpuBackend::save_state(StateHandle handle, std::optional<StateHandle> base,
                            const StateSink& write) const {
  const SequenceState& state = find(handle);
  const SequenceState* from = base ? &find(*base) : nullptr;
  write(bytes_of(state.recurrent.data(), state.recurrent.size()));
  const std::size_t n_pages = pages_for(state.n_tokens);
  std::vector<std::vector<std::uint8_t>> shared(state.attention.size());
  for (std::size_t l = 0; l < shared.size(); ++l) {
    const PageList& list = state.attention[l];
    const PageList* base_list = from == nullptr ? nullptr : &from->attention[l];
    const std::uint32_t head[2] = {static_cast<std::uint32_t>(n_pages),
                                   static_cast<std::uint32_t>(list.n_forgotten())};
    for (std::size_t i = list.n_forgotten(); i < n_pages; ++i) {
      shared[l].push_back(same_page(list, base_list, i) ? 1 : 0);
    }
    write(bytes_of(head, 2));
    write(bytes_of(shared[l].data(), shared[l].size()));
  }
  for (std::size_t l = 0; l < shared.size(); ++l) {
    const PageList& list = state.attention[l];
    for (std::size_t i = 0; i < shared[l].size(); ++i) {
      if (shared[l][i] != 0) continue;
      write({list.pages()[list.n_forgotten() + i], list.pool().content_bytes()});
    }
  }
}

std::optional<StateHandle> CpuBackend::load_state(std::int64_t n_tokens,
                                                  std::optional<StateHandle> base,
                                                  const StateSource& read,
                                                  const std::function<bool(std::size_t)>& fits) {
  const std::size_t fixed = sizeof(SequenceState) + layout_.recurrent_bytes();
  if (!fits(fixed)) return std::nullopt;
  const StateHandle handle = create_state();
  try {
    if (read_state(n_tokens, find(handle), base ? &find(*base) : nullptr, read, fits)) {
      return handle;
    }
  } catch (...) {
    release_state(handle);
    throw;
  }
  release_state(handle);
  return std::nullopt;
}

bool CpuBackend::read_state(std::int64_t n_tokens, SequenceState& state, const SequenceState* from,
                            const StateSource& read,
                            const std::function<bool(std::size_t)>& fits) const {
  state.n_tokens = n_tokens;
  read(std::as_writable_bytes(std::span(state.recurrent)));
  const std::size_t n_pages = pages_for(n_tokens);
  std::vector<std::vector<std::uint8_t>> shared(state.attention.size());
  std::size_t more = 0;
  for (std::size_t l = 0; l < shared.size(); ++l) {
    std::uint32_t head[2] = {0, 0};
    read(std::as_writable_bytes(std::span(head)));
    if (head[0] != n_pages) corrupt("has not the pages that its tokens need");
    const std::int64_t window = layout_.window(l);
    const std::int64_t unseen = window > 0 ? std::max<std::int64_t>(0, n_tokens - window + 1) : 0;
    if (head[1] > static_cast<std::size_t>(unseen / kPageTokens)) {
      corrupt("lacks pages that are still looked at");
    }
    for (std::uint32_t i = 0; i < head[1]; ++i) state.attention[l].append_forgotten();
    shared[l].resize(n_pages - head[1]);
    read(std::as_writable_bytes(std::span(shared[l])));
    for (std::size_t i = 0; i < shared[l].size(); ++i) {
      if (shared[l][i] > 1) corrupt("has a page of no known kind");
      const PageList* list = from == nullptr ? nullptr : &from->attention[l];
      const std::size_t page = head[1] + i;
      if (shared[l][i] == 0) {
        more += layout_.pools()[l]->page_bytes();
      } else if (list == nullptr || page >= list->size() || list->pages()[page] == nullptr) {
        corrupt("shares a page that the one before it lacks");
      }
    }
  }
  if (!fits(more)) return false;
  for (std::size_t l = 0; l < shared.size(); ++l) {
    PageList& list = state.attention[l];
    for (const std::uint8_t same : shared[l]) {
      if (same != 0) {
        list.append_shared(from->attention[l]);
        continue;
      }
      read({list.append_new(), list.pool().content_bytes()});
    }
  }
  return true;
}

}  // namespace orkestra::model
