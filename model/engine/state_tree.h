// StateTree: snapshots of sequence states, found again by content. A radix tree per tenant: edges
// are token runs, so finding a prefix compares every token, never only a hash. Snapshots hang on
// nodes and are evicted least recently used first, under a byte budget.
//
// Owned by the batch worker, used by its thread only. It owns the states handed to it and releases
// them through the backend, which must outlive it.
#pragma once

#include <orkestra/model/engine/backend.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

// What a model said after the last token of a prefix; [n_vocab]. Shared, never changed.
using SharedLogits = std::shared_ptr<const std::vector<float>>;

class StateTree {
 public:
  struct Counts {
    std::size_t snapshots = 0;
    std::size_t bytes = 0;    // of states and logits held
    std::int64_t hits = 0;    // look-ups that found a prefix
    std::int64_t misses = 0;  // look-ups that found none
    std::int64_t evictions = 0;
  };
  struct Found {
    std::size_t length = 0;  // tokens of the prefix
    StateHandle state{};     // still the tree's: copy it before anything else is stored
    SharedLogits logits;     // null when the snapshot was taken without
  };

  StateTree(Backend& backend, std::size_t budget_bytes);
  ~StateTree();
  StateTree(const StateTree&) = delete;
  StateTree& operator=(const StateTree&) = delete;

  // The longest stored prefix of `tokens` from which its last logits can be had: shorter than
  // `tokens`, or equal to it with logits.
  std::optional<Found> find(std::string_view tenant, std::span<const TokenId> tokens);
  // The length find() would report, without counting or refreshing anything. 0 = none.
  std::size_t known(std::string_view tenant, std::span<const TokenId> tokens) const;

  // Takes over `state`, which must have been fed exactly `tokens`. A snapshot already there is
  // kept (and gains the logits); one larger than the whole budget is released at once.
  void store(std::string_view tenant, std::span<const TokenId> tokens, StateHandle state,
             SharedLogits logits);
  // Stores a copy of `state`, unless there is nothing to gain by it.
  void store_copy(std::string_view tenant, std::span<const TokenId> tokens, StateHandle state,
                  const SharedLogits& logits);
  bool contains(std::string_view tenant, std::span<const TokenId> tokens) const;

  const Counts& counts() const { return counts_; }

 private:
  struct Snapshot {
    StateHandle state{};
    SharedLogits logits;
    std::size_t bytes = 0;
  };
  struct Node {
    Node* parent = nullptr;
    std::vector<TokenId> edge;  // tokens from the parent to here; empty only at a root
    std::map<TokenId, std::unique_ptr<Node>> children;  // by the first token of their edge
    std::optional<Snapshot> snapshot;
    std::list<Node*>::iterator use;  // place in used_, valid while there is a snapshot
    std::string tenant;              // roots only
  };
  struct Match {
    const Node* node = nullptr;  // the deepest usable snapshot
    std::size_t length = 0;
  };

  const Node* exact(std::string_view tenant, std::span<const TokenId> tokens) const;
  Match longest(std::string_view tenant, std::span<const TokenId> tokens) const;
  // The node of exactly `tokens`, made (splitting an edge) where missing.
  Node& node_of(std::string_view tenant, std::span<const TokenId> tokens);
  void evict_to(std::size_t bytes);
  void drop(Node& node);
  void prune(Node* node);

  Backend& backend_;
  std::size_t budget_bytes_;
  std::map<std::string, std::unique_ptr<Node>, std::less<>> roots_;
  std::list<Node*> used_;  // nodes with a snapshot, most recently used first
  Counts counts_;
};

}  // namespace orkestra::model
