#include <orkestra/model/engine/kv_pages.h>
#include <orkestra/model/kernels/kv_layout.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace orkestra::model {
namespace {

// Before each page, at a cache line's distance so that pages stay aligned.
struct PageHead {
  std::int64_t references;
};
constexpr std::size_t kHeadBytes = 64;
constexpr std::align_val_t kAlignment{64};
// Enough that a sequence which ends feeds the next one, too few to matter.
constexpr std::size_t kMostSpare = 64;

PageHead& head(const std::byte* page) {
  return *reinterpret_cast<PageHead*>(const_cast<std::byte*>(page) - kHeadBytes);
}

void free_page(std::byte* page) { ::operator delete(static_cast<void*>(&head(page)), kAlignment); }

}  // namespace

PagePool::PagePool(KvType type, std::int64_t n_kv_heads, std::int64_t head_dim)
    : type_(type),
      n_kv_heads_(n_kv_heads),
      head_dim_(head_dim),
      key_bytes_(key_bytes(type, head_dim)),
      value_bytes_(value_bytes(type, head_dim)) {
  spare_.reserve(kMostSpare);
}

PagePool::~PagePool() {
  for (std::byte* page : spare_) free_page(page);
}

std::size_t PagePool::content_bytes() const {
  return static_cast<std::size_t>(n_kv_heads_ * (key_bytes_ + value_bytes_));
}

std::size_t PagePool::page_bytes() const { return kHeadBytes + content_bytes(); }

std::byte* PagePool::take() {
  std::byte* memory = nullptr;
  if (!spare_.empty()) {
    memory = reinterpret_cast<std::byte*>(&head(spare_.back()));
    spare_.pop_back();
  } else {
    memory = static_cast<std::byte*>(::operator new(page_bytes(), kAlignment));
  }
  std::memset(memory, 0, page_bytes());
  std::byte* page = memory + kHeadBytes;
  head(page).references = 1;
  ++n_used_;
  return page;
}

void PagePool::share(std::byte* page) { ++head(page).references; }

bool PagePool::is_shared(const std::byte* page) { return head(page).references > 1; }

void PagePool::give_back(std::byte* page) {
  if (--head(page).references > 0) return;
  --n_used_;
  if (spare_.size() < kMostSpare) {
    spare_.push_back(page);
  } else {
    free_page(page);
  }
}

PageList::PageList(const PageList& other)
    : pool_(other.pool_), pages_(other.pages_), n_forgotten_(other.n_forgotten_) {
  for (std::byte* page : pages_) {
    if (page != nullptr) PagePool::share(page);
  }
}

PageList& PageList::operator=(const PageList& other) {
  if (this == &other) return *this;
  clear();
  // As push_back() grows it, so that copies of a growing list seldom allocate.
  if (pages_.capacity() < other.pages_.size()) pages_.reserve(std::bit_ceil(other.pages_.size()));
  pages_ = other.pages_;
  for (std::byte* page : pages_) {
    if (page != nullptr) PagePool::share(page);
  }
  n_forgotten_ = other.n_forgotten_;
  return *this;
}

PageList::~PageList() { clear(); }

void PageList::clear() {
  for (std::byte* page : pages_) {
    if (page != nullptr) pool_->give_back(page);
  }
  pages_.clear();
  n_forgotten_ = 0;
}

void PageList::prepare(std::int64_t begin, std::int64_t end) {
  const auto needed = static_cast<std::size_t>((end + kPageTokens - 1) / kPageTokens);
  const auto first = static_cast<std::size_t>(begin / kPageTokens);
  for (std::size_t i = first; i < std::min(needed, pages_.size()); ++i) {
    if (!PagePool::is_shared(pages_[i])) continue;
    std::byte* own = pool_->take();
    std::memcpy(own, pages_[i], pool_->content_bytes());
    pool_->give_back(pages_[i]);
    pages_[i] = own;
  }
  while (pages_.size() < needed) {
    pages_.push_back(nullptr);
    pages_.back() = pool_->take();
  }
}

std::size_t PageList::pages_taken(std::int64_t begin, std::int64_t end) const {
  const auto needed = static_cast<std::size_t>((end + kPageTokens - 1) / kPageTokens);
  const auto first = static_cast<std::size_t>(begin / kPageTokens);
  std::size_t taken = needed > pages_.size() ? needed - pages_.size() : 0;
  for (std::size_t i = first; i < std::min(needed, pages_.size()); ++i) {
    if (PagePool::is_shared(pages_[i])) ++taken;
  }
  return taken;
}

void PageList::store(std::int64_t position, const float* k, const float* v) {
  std::byte* page = pages_[static_cast<std::size_t>(position / kPageTokens)];
  const std::int64_t slot = position % kPageTokens;
  const std::int64_t head_dim = pool_->head_dim();
  for (std::int64_t h = 0; h < pool_->n_kv_heads(); ++h) {
    store_key(pool_->type(), k + h * head_dim, head_dim, slot, page + pool_->k_at(h));
    store_value(pool_->type(), v + h * head_dim, head_dim, slot, page + pool_->v_at(h));
  }
}

void PageList::append_forgotten() {
  pages_.push_back(nullptr);
  ++n_forgotten_;
}

void PageList::append_shared(const PageList& base) {
  std::byte* page = base.pages_[pages_.size()];
  pages_.push_back(page);
  PagePool::share(page);
}

std::byte* PageList::append_new() {
  pages_.push_back(nullptr);
  pages_.back() = pool_->take();
  return pages_.back();
}

void PageList::forget_before(std::int64_t position) {
  const auto end = std::min(pages_.size(), static_cast<std::size_t>(position / kPageTokens));
  for (; n_forgotten_ < end; ++n_forgotten_) {
    pool_->give_back(pages_[n_forgotten_]);
    pages_[n_forgotten_] = nullptr;
  }
}

}  // namespace orkestra::model
