// StateTree: snapshots of sequence states, found again by content, under one byte budget for all
// states of the backend, those being computed included. A radix tree per tenant: edges are token
// runs, so finding a prefix compares every token, never only a hash. Snapshots hang on nodes.
//
// When room is needed, the tenant whose snapshots hold most gives way first, so that nobody within
// their share can tell by time what others do. Of its 64 least recently used the one goes whose
// recomputation costs least per byte, aged by use (GreedyDual-Size, Cao & Irani 1997). Pinned ones
// stay.
//
// Owned by the batch worker, used by its thread only. It owns the states handed to it and releases
// them through the backend, which must outlive it.
#pragma once

#include <orkestra/model/engine/backend.h>

#include <cstddef>
#include <cstdint>
#include <functional>
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
    std::size_t pinned = 0;
    std::size_t bytes = 0;       // of all states, and of the logits held
    std::size_t peak_bytes = 0;  // the most there ever were
    std::int64_t hits = 0;       // look-ups that found a prefix
    std::int64_t misses = 0;     // look-ups that found none
    std::int64_t evictions = 0;
  };
  struct Found {
    std::size_t length = 0;  // tokens of the prefix
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
  bool contains(std::string_view tenant, std::span<const TokenId> tokens) const;

  // A copy of the snapshot at exactly `tokens`, which find() has just reported, for the caller to
  // own. Where a copy finds no room and `may_take`, an unpinned snapshot itself is given away.
  // None: no room.
  std::optional<StateHandle> lend(std::string_view tenant, std::span<const TokenId> tokens,
                                  bool may_take);
  // A fresh state, if there is room.
  std::optional<StateHandle> create();
  // Evicts until `bytes` more fit the budget. False when they can't.
  bool make_room(std::size_t bytes);
  // Whether they fit as it is.
  bool has_room(std::size_t bytes) const;
  // Keeps so many bytes free for a step in progress, whatever else is asked for; 0: none.
  void reserve(std::size_t bytes) { reserved_ = bytes; }

  // Takes over `state`, which must have been fed exactly `tokens`. A snapshot already there is
  // replaced, its logits and pin kept. What can't fit at all is released at once.
  void store(std::string_view tenant, std::span<const TokenId> tokens, StateHandle state,
             SharedLogits logits);
  // Stores a copy of `state`, unless there is nothing to gain by it or no room. True when the
  // tree holds `tokens` now.
  bool store_copy(std::string_view tenant, std::span<const TokenId> tokens, StateHandle state,
                  const SharedLogits& logits);
  // The same without logits, and only where nothing worth more has to go for it.
  void offer_copy(std::string_view tenant, std::span<const TokenId> tokens, StateHandle state);

  // Keeps the snapshot at exactly `tokens` from eviction until as many unpin(). False: not there.
  bool pin(std::string_view tenant, std::span<const TokenId> tokens);
  void unpin(std::string_view tenant, std::span<const TokenId> tokens);

  struct View {
    const std::string& tenant;
    std::span<const TokenId> tokens;  // valid during the call
    StateHandle state;
    const SharedLogits& logits;
    bool pinned;
  };
  // Every snapshot, a prefix always before what continues it.
  void for_each(const std::function<void(const View&)>& visit) const;
  // The snapshot at exactly `tokens`; valid until the tree changes.
  std::optional<View> at(std::string_view tenant, std::span<const TokenId> tokens) const;

  std::size_t budget_bytes() const { return budget_bytes_; }
  Counts counts() const;

 private:
  struct Node;
  struct Snapshot {
    StateHandle state{};
    SharedLogits logits;
    int pins = 0;
    std::size_t bytes = 0;             // what it held when it was stored, about
    double used_at = 0.0;              // the tenant's clock when it was last used
    std::list<Node*>::iterator place;  // in the tenant's snapshots
  };
  struct Node {
    Node* parent = nullptr;
    std::size_t length = 0;     // tokens from the root to here
    std::vector<TokenId> edge;  // tokens from the parent to here; empty only at a root
    std::map<TokenId, std::unique_ptr<Node>> children;  // by the first token of their edge
    std::optional<Snapshot> snapshot;
  };
  struct Tenant {
    std::string name;
    Node root;
    std::list<Node*> snapshots;  // most recently used first
    std::size_t bytes = 0;       // sum over them
    double clock = 0.0;          // rises to the value of what was evicted last
  };
  using Tenants = std::map<std::string, Tenant, std::less<>>;

  const Node* longest(std::string_view tenant, std::span<const TokenId> tokens) const;
  const Node* exact(std::string_view tenant, std::span<const TokenId> tokens) const;
  Node* exact(std::string_view tenant, std::span<const TokenId> tokens);
  // The node of exactly `tokens`, made (splitting an edge) where missing.
  Node& node_of(Tenant& tenant, std::span<const TokenId> tokens);
  static const Node* snapshot_above(const Node& node);
  static bool snapshot_below(const Node& node);
  std::size_t bytes_of(const Node& node) const;  // what its eviction frees, about
  double value_of(const Node& node) const;       // of keeping it: tokens saved per byte, aged
  void used(Tenant& tenant, Node& node);
  // Evicts what is worth least, if that is below `worth`.
  bool evict_one(double worth);
  StateHandle detach(Tenant& tenant, Node& node);
  void prune(Tenant& tenant, Node* node);
  std::size_t bytes_held() const { return backend_.bytes_in_use() + logits_bytes_; }
  void note_peak() { peak_bytes_ = std::max(peak_bytes_, bytes_held()); }

  Backend& backend_;
  const std::size_t budget_bytes_;
  const std::size_t fresh_bytes_;  // of a state without tokens
  Tenants tenants_;
  Node* kept_ = nullptr;  // not to be evicted now
  std::size_t logits_bytes_ = 0;
  std::size_t reserved_ = 0;
  std::size_t snapshots_ = 0;
  std::size_t pinned_ = 0;
  std::size_t peak_bytes_ = 0;
  std::int64_t hits_ = 0;
  std::int64_t misses_ = 0;
  std::int64_t evictions_ = 0;
};

}  // namespace orkestra::model
