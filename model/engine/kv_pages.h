// The attention memory of sequences: keys and values in pages of kPageTokens tokens, shared between
// a sequence and its copies until one of them writes.
//
// A PagePool hands pages out and keeps a few returned ones for the next caller; a PageList is one
// layer's memory of one sequence: a value, whose copy costs references only. All of it belongs to
// the backend's thread. The pool outlives its lists.
#pragma once

#include <orkestra/model/kernels/kernels.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace orkestra::model {

class PagePool {
 public:
  // Pages for n_kv_heads heads: the keys of each, then the values of each, as kernels/kv_layout.h
  // lays them out.
  PagePool(KvType type, std::int64_t n_kv_heads, std::int64_t head_dim);
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  KvType type() const { return type_; }
  // Where a head's keys and values begin in a page: bytes.
  std::int64_t k_at(std::int64_t kv_head) const { return kv_head * key_bytes_; }
  std::int64_t v_at(std::int64_t kv_head) const {
    return n_kv_heads_ * key_bytes_ + kv_head * value_bytes_;
  }
  std::int64_t n_kv_heads() const { return n_kv_heads_; }
  std::int64_t head_dim() const { return head_dim_; }
  std::size_t page_bytes() const;     // of memory
  std::size_t content_bytes() const;  // of these, keys and values
  // Of the pages that are in use, each counted once.
  std::size_t bytes_in_use() const { return n_used_ * page_bytes(); }

 private:
  friend class PageList;
  // A page of zeros with one reference.
  std::byte* take();
  // Another reference to `page`.
  static void share(std::byte* page);
  static bool is_shared(const std::byte* page);
  void give_back(std::byte* page);

  KvType type_;
  std::int64_t n_kv_heads_;
  std::int64_t head_dim_;
  std::int64_t key_bytes_;  // of one head
  std::int64_t value_bytes_;
  std::size_t n_used_ = 0;
  std::vector<std::byte*> spare_;
};

class PageList {
 public:
  explicit PageList(PagePool& pool) : pool_(&pool) {}
  PageList(const PageList& other);
  // Both of one pool. Allocates nothing where there was room for as many pages.
  PageList& operator=(const PageList& other);
  ~PageList();
  // Lets go of all pages.
  void clear();

  // Room for tokens up to position `end`; pages from position `begin` on become this list's own.
  void prepare(std::int64_t begin, std::int64_t end);
  // How many pages prepare(begin, end) would take from the pool.
  std::size_t pages_taken(std::int64_t begin, std::int64_t end) const;
  // Stores one token of all KV heads: k, v: [n_kv_heads, head_dim]. prepare() made room for it.
  void store(std::int64_t position, const float* k, const float* v);
  // For reading back a saved list, page by page: the next one is forgotten (only the first ones
  // are), is that of `base` at the same place, or is new, content_bytes() to be filled in.
  void append_forgotten();
  void append_shared(const PageList& base);
  std::byte* append_new();
  // Lets go of the pages wholly before `position`; they must not be read again.
  void forget_before(std::int64_t position);

  const PagePool& pool() const { return *pool_; }
  // By position / kPageTokens; null where forgotten. Valid until the next prepare().
  const std::byte* const* pages() const { return pages_.data(); }
  std::size_t size() const { return pages_.size(); }
  std::size_t n_forgotten() const { return n_forgotten_; }
  std::size_t n_held() const { return pages_.size() - n_forgotten_; }

 private:
  PagePool* pool_;
  std::vector<std::byte*> pages_;
  std::size_t n_forgotten_ = 0;  // the first ones, which are null
};

}  // namespace orkestra::model
