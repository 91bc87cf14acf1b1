#include <orkestra/model/text/tokenizer/bpe_merges.h>

#include <algorithm>
#include <bit>

namespace orkestra::model {

BpeMerges::BpeMerges(std::size_t n_merges) : slots_(std::bit_ceil(2 * n_merges + 2)) {}

std::size_t BpeMerges::first_slot(TokenId left, TokenId right) const {
  std::uint64_t key = (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32U) |
                      static_cast<std::uint32_t>(right);
  key *= 0x9E3779B97F4A7C15U;  // Fibonacci hashing: the high bits depend on all of the key
  return static_cast<std::size_t>(key >>
                                  (64U - static_cast<unsigned>(std::bit_width(slots_.size() - 1))));
}

void BpeMerges::add(TokenId left, TokenId right, TokenId merged) {
  const std::uint32_t rank = next_rank_++;
  for (std::size_t i = first_slot(left, right);; i = (i + 1) & (slots_.size() - 1)) {
    Slot& slot = slots_[i];
    if (slot.left == left && slot.right == right) return;
    if (slot.merged < 0) {
      slot = {left, right, merged, rank};
      return;
    }
  }
}

const BpeMerges::Slot* BpeMerges::find(TokenId left, TokenId right) const {
  for (std::size_t i = first_slot(left, right); slots_[i].merged >= 0;
       i = (i + 1) & (slots_.size() - 1)) {
    if (slots_[i].left == left && slots_[i].right == right) return &slots_[i];
  }
  return nullptr;
}

void BpeMerges::apply(std::vector<TokenId>& word, Work& work) const {
  auto& symbols = work.symbols;
  auto& heap = work.heap;
  symbols.clear();
  heap.clear();
  const auto later = [](const Work::Candidate& a, const Work::Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
  };
  const auto size = static_cast<std::int32_t>(word.size());
  for (std::int32_t i = 0; i < size; ++i) {
    symbols.push_back({word[static_cast<std::size_t>(i)], i - 1, i + 1 < size ? i + 1 : -1});
  }
  const auto symbol = [&](std::int32_t i) -> Work::Symbol& {
    return symbols[static_cast<std::size_t>(i)];
  };
  const auto candidate = [&](std::int32_t left, std::int32_t right) {
    const Slot* slot = left < 0 || right < 0 ? nullptr : find(symbol(left).id, symbol(right).id);
    if (slot == nullptr) return false;
    heap.push_back({slot->rank, left, slot->left, slot->right, slot->merged});
    return true;
  };
  for (std::int32_t i = 0; i + 1 < size; ++i) candidate(i, i + 1);
  std::make_heap(heap.begin(), heap.end(), later);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    const Work::Candidate best = heap.back();
    heap.pop_back();
    Work::Symbol& left = symbol(best.at);
    if (left.id != best.left || left.right < 0 || symbol(left.right).id != best.right) continue;
    Work::Symbol& right = symbol(left.right);
    left.id = best.merged;
    right.id = -1;
    left.right = right.right;
    if (left.right >= 0) symbol(left.right).left = best.at;
    if (candidate(left.left, best.at)) std::push_heap(heap.begin(), heap.end(), later);
    if (candidate(best.at, left.right)) std::push_heap(heap.begin(), heap.end(), later);
  }
  word.clear();
  for (const Work::Symbol& each : symbols) {
    if (each.id >= 0) word.push_back(each.id);
  }
}

}  // namespace orkestra::model
