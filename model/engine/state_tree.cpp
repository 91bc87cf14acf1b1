#include <orkestra/model/engine/state_tree.h>

#include <algorithm>
#include <utility>

namespace orkestra::model {
namespace {

std::size_t common_prefix(std::span<const TokenId> a, std::span<const TokenId> b) {
  const std::size_t n = std::min(a.size(), b.size());
  return static_cast<std::size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<long>(n), b.begin()).first - a.begin());
}

}  // namespace

StateTree::StateTree(Backend& backend, std::size_t budget_bytes)
    : backend_(backend), budget_bytes_(budget_bytes) {}

StateTree::~StateTree() { evict_to(0); }

StateTree::Match StateTree::longest(std::string_view tenant,
                                    std::span<const TokenId> tokens) const {
  Match best;
  const auto root = roots_.find(tenant);
  if (root == roots_.end()) return best;
  const Node* node = root->second.get();
  std::size_t length = 0;
  while (true) {
    const bool usable =
        node->snapshot && (length < tokens.size() || node->snapshot->logits != nullptr);
    if (usable) best = {.node = node, .length = length};
    if (length == tokens.size()) return best;
    const auto child = node->children.find(tokens[length]);
    if (child == node->children.end()) return best;
    const std::vector<TokenId>& edge = child->second->edge;
    if (common_prefix(edge, tokens.subspan(length)) < edge.size()) return best;
    node = child->second.get();
    length += edge.size();
  }
}

std::optional<StateTree::Found> StateTree::find(std::string_view tenant,
                                                std::span<const TokenId> tokens) {
  const Match match = longest(tenant, tokens);
  if (match.node == nullptr) {
    ++counts_.misses;
    return std::nullopt;
  }
  ++counts_.hits;
  used_.splice(used_.begin(), used_, match.node->use);
  return Found{.length = match.length,
               .state = match.node->snapshot->state,
               .logits = match.node->snapshot->logits};
}

std::size_t StateTree::known(std::string_view tenant, std::span<const TokenId> tokens) const {
  return longest(tenant, tokens).length;
}

const StateTree::Node* StateTree::exact(std::string_view tenant,
                                        std::span<const TokenId> tokens) const {
  const auto root = roots_.find(tenant);
  if (root == roots_.end()) return nullptr;
  const Node* node = root->second.get();
  while (!tokens.empty()) {
    const auto child = node->children.find(tokens.front());
    if (child == node->children.end()) return nullptr;
    node = child->second.get();
    if (common_prefix(node->edge, tokens) < node->edge.size()) return nullptr;
    tokens = tokens.subspan(node->edge.size());
  }
  return node->snapshot ? node : nullptr;
}

bool StateTree::contains(std::string_view tenant, std::span<const TokenId> tokens) const {
  return exact(tenant, tokens) != nullptr;
}

void StateTree::store_copy(std::string_view tenant, std::span<const TokenId> tokens,
                           StateHandle state, const SharedLogits& logits) {
  const Node* there = exact(tenant, tokens);
  if (there != nullptr && (!logits || there->snapshot->logits)) return;
  if (backend_.state_bytes(state) > budget_bytes_) return;
  store(tenant, tokens, backend_.copy_state(state), logits);
}

StateTree::Node& StateTree::node_of(std::string_view tenant, std::span<const TokenId> tokens) {
  auto root = roots_.find(tenant);
  if (root == roots_.end()) {
    root = roots_.emplace(std::string(tenant), std::make_unique<Node>()).first;
    root->second->tenant = tenant;
  }
  Node* node = root->second.get();
  while (!tokens.empty()) {
    std::unique_ptr<Node>& slot = node->children[tokens.front()];
    if (!slot) {
      slot = std::make_unique<Node>();
      slot->parent = node;
      slot->edge.assign(tokens.begin(), tokens.end());
      return *slot;
    }
    const std::size_t shared = common_prefix(slot->edge, tokens);
    if (shared < slot->edge.size()) {
      // Split: a new node takes the shared tokens, the old one keeps the rest below it.
      auto upper = std::make_unique<Node>();
      upper->parent = node;
      upper->edge.assign(slot->edge.begin(), slot->edge.begin() + static_cast<long>(shared));
      slot->edge.erase(slot->edge.begin(), slot->edge.begin() + static_cast<long>(shared));
      slot->parent = upper.get();
      const TokenId next = slot->edge.front();
      upper->children.emplace(next, std::move(slot));
      slot = std::move(upper);
    }
    node = slot.get();
    tokens = tokens.subspan(shared);
  }
  return *node;
}

void StateTree::store(std::string_view tenant, std::span<const TokenId> tokens, StateHandle state,
                      SharedLogits logits) {
  const auto bytes_with = [&](const SharedLogits& values) {
    return backend_.state_bytes(state) + (values ? values->size() * sizeof(float) : 0);
  };
  if (tokens.empty() || bytes_with(logits) > budget_bytes_) {
    backend_.release_state(state);
    return;
  }
  Node& node = node_of(tenant, tokens);
  if (node.snapshot) {
    if (!logits) logits = node.snapshot->logits;
    counts_.bytes -= node.snapshot->bytes;
    backend_.release_state(node.snapshot->state);
    used_.splice(used_.begin(), used_, node.use);
  } else {
    used_.push_front(&node);
    node.use = used_.begin();
    ++counts_.snapshots;
  }
  node.snapshot = Snapshot{.state = state, .logits = logits, .bytes = bytes_with(logits)};
  counts_.bytes += node.snapshot->bytes;
  evict_to(budget_bytes_);
}

void StateTree::evict_to(std::size_t bytes) {
  while (!used_.empty() && counts_.bytes > bytes) {
    ++counts_.evictions;
    drop(*used_.back());
  }
}

void StateTree::drop(Node& node) {
  counts_.bytes -= node.snapshot->bytes;
  --counts_.snapshots;
  backend_.release_state(node.snapshot->state);
  used_.erase(node.use);
  node.snapshot.reset();
  prune(&node);
}

// Nodes that neither hold a snapshot nor lead to one go; a lone child is joined to its parent.
void StateTree::prune(Node* node) {
  while (!node->snapshot && node->children.empty()) {
    Node* parent = node->parent;
    if (parent == nullptr) {
      roots_.erase(roots_.find(node->tenant));
      return;
    }
    parent->children.erase(parent->children.find(node->edge.front()));
    node = parent;
  }
  if (node->snapshot || node->children.size() != 1 || node->parent == nullptr) return;
  std::unique_ptr<Node> child = std::move(node->children.begin()->second);
  child->edge.insert(child->edge.begin(), node->edge.begin(), node->edge.end());
  child->parent = node->parent;
  node->parent->children.find(child->edge.front())->second = std::move(child);
}

}  // namespace orkestra::model
