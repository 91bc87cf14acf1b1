#include <orkestra/model/engine/state_tree.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace orkestra::model {
namespace {

constexpr int kLookedAt = 64;  // of a tenant's snapshots, the least recently used

std::size_t common_prefix(std::span<const TokenId> a, std::span<const TokenId> b) {
  const auto n = static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()));
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.begin() + n, b.begin()).first -
                                  a.begin());
}

std::size_t bytes_of(const SharedLogits& logits) {
  return logits ? logits->size() * sizeof(float) : 0;
}

std::size_t measure_fresh(Backend& backend) {
  const std::size_t before = backend.bytes_in_use();
  const StateHandle state = backend.create_state();
  const std::size_t bytes = backend.bytes_in_use() - before;
  backend.release_state(state);
  return bytes;
}

}  // namespace

StateTree::StateTree(Backend& backend, std::size_t budget_bytes)
    : backend_(backend), budget_bytes_(budget_bytes), fresh_bytes_(measure_fresh(backend)) {}

StateTree::~StateTree() {
  for (auto& [name, tenant] : tenants_) {
    for (const Node* node : tenant.snapshots) backend_.release_state(node->snapshot->state);
  }
}

StateTree::Counts StateTree::counts() const {
  return {.snapshots = snapshots_,
          .pinned = pinned_,
          .bytes = bytes_held(),
          .peak_bytes = std::max(peak_bytes_, bytes_held()),
          .hits = hits_,
          .misses = misses_,
          .evictions = evictions_};
}

const StateTree::Node* StateTree::longest(std::string_view tenant,
                                          std::span<const TokenId> tokens) const {
  const auto found = tenants_.find(tenant);
  if (found == tenants_.end()) return nullptr;
  const Node* best = nullptr;
  const Node* node = &found->second.root;
  while (true) {
    if (node->snapshot && (node->length < tokens.size() || node->snapshot->logits)) best = node;
    if (node->length == tokens.size()) return best;
    const auto child = node->children.find(tokens[node->length]);
    if (child == node->children.end()) return best;
    const std::vector<TokenId>& edge = child->second->edge;
    if (common_prefix(edge, tokens.subspan(node->length)) < edge.size()) return best;
    node = child->second.get();
  }
}

std::optional<StateTree::Found> StateTree::find(std::string_view tenant,
                                                std::span<const TokenId> tokens) {
  const Node* node = longest(tenant, tokens);
  if (node == nullptr) {
    ++misses_;
    return std::nullopt;
  }
  ++hits_;
  return Found{.length = node->length, .logits = node->snapshot->logits};
}

std::size_t StateTree::known(std::string_view tenant, std::span<const TokenId> tokens) const {
  const Node* node = longest(tenant, tokens);
  return node == nullptr ? 0 : node->length;
}

const StateTree::Node* StateTree::exact(std::string_view tenant,
                                        std::span<const TokenId> tokens) const {
  const auto found = tenants_.find(tenant);
  if (found == tenants_.end()) return nullptr;
  const Node* node = &found->second.root;
  while (node->length < tokens.size()) {
    const auto child = node->children.find(tokens[node->length]);
    if (child == node->children.end()) return nullptr;
    const std::vector<TokenId>& edge = child->second->edge;
    if (common_prefix(edge, tokens.subspan(node->length)) < edge.size()) return nullptr;
    node = child->second.get();
  }
  return node->snapshot ? node : nullptr;
}

StateTree::Node* StateTree::exact(std::string_view tenant, std::span<const TokenId> tokens) {
  return const_cast<Node*>(std::as_const(*this).exact(tenant, tokens));
}

bool StateTree::contains(std::string_view tenant, std::span<const TokenId> tokens) const {
  return exact(tenant, tokens) != nullptr;
}

std::optional<StateHandle> StateTree::create() {
  if (!make_room(fresh_bytes_)) return std::nullopt;
  const StateHandle state = backend_.create_state();
  note_peak();
  return state;
}

std::optional<StateHandle> StateTree::lend(std::string_view tenant, std::span<const TokenId> tokens,
                                           bool may_take) {
  Node* node = exact(tenant, tokens);
  if (node == nullptr) return std::nullopt;
  Tenant& owner = tenants_.find(tenant)->second;
  used(owner, *node);
  kept_ = node;
  const bool fits = make_room(backend_.copy_bytes(node->snapshot->state));
  kept_ = nullptr;
  if (!fits) {
    if (!may_take || node->snapshot->pins > 0) return std::nullopt;
    return detach(owner, *node);
  }
  const StateHandle copy = backend_.copy_state(node->snapshot->state);
  note_peak();
  return copy;
}

bool StateTree::store_copy(std::string_view tenant, std::span<const TokenId> tokens,
                           StateHandle state, const SharedLogits& logits) {
  Node* there = exact(tenant, tokens);
  if (there != nullptr && (!logits || there->snapshot->logits)) return true;
  kept_ = there;
  const std::size_t more = there == nullptr ? backend_.copy_bytes(state) : 0;
  const bool fits = make_room(more + model::bytes_of(logits));
  kept_ = nullptr;
  if (!fits) return there != nullptr;
  if (there != nullptr) {
    logits_bytes_ += model::bytes_of(logits);
    there->snapshot->logits = logits;
  } else {
    store(tenant, tokens, backend_.copy_state(state), logits);
  }
  note_peak();
  return true;
}

void StateTree::offer_copy(std::string_view tenant, std::span<const TokenId> tokens,
                           StateHandle state) {
  if (contains(tenant, tokens)) return;
  const auto owner = tenants_.find(tenant);
  const std::size_t bytes = backend_.copy_bytes(state);
  const double worth =
      (owner == tenants_.end() ? 0.0 : owner->second.clock) +
      static_cast<double>(tokens.size() - known(tenant, tokens)) / static_cast<double>(bytes + 1);
  if (bytes > budget_bytes_) return;
  while (!has_room(bytes)) {
    if (!evict_one(worth)) return;
  }
  store(tenant, tokens, backend_.copy_state(state), nullptr);
}

StateTree::Node& StateTree::node_of(Tenant& tenant, std::span<const TokenId> tokens) {
  Node* node = &tenant.root;
  while (node->length < tokens.size()) {
    const std::span<const TokenId> rest = tokens.subspan(node->length);
    std::unique_ptr<Node>& slot = node->children[rest.front()];
    if (!slot) {
      slot = std::make_unique<Node>();
      slot->parent = node;
      slot->length = tokens.size();
      slot->edge.assign(rest.begin(), rest.end());
      return *slot;
    }
    const std::size_t shared = common_prefix(slot->edge, rest);
    if (shared < slot->edge.size()) {
      // Split: a new node takes the shared tokens, the old one keeps the rest below it.
      const auto cut = slot->edge.begin() + static_cast<std::ptrdiff_t>(shared);
      auto upper = std::make_unique<Node>();
      upper->parent = node;
      upper->length = node->length + shared;
      upper->edge.assign(slot->edge.begin(), cut);
      slot->edge.erase(slot->edge.begin(), cut);
      slot->parent = upper.get();
      const TokenId next = slot->edge.front();
      upper->children.emplace(next, std::move(slot));
      slot = std::move(upper);
    }
    node = slot.get();
  }
  return *node;
}

void StateTree::store(std::string_view tenant, std::span<const TokenId> tokens, StateHandle state,
                      SharedLogits logits) {
  if (tokens.empty() || backend_.copy_bytes(state) > budget_bytes_) {
    backend_.release_state(state);
    return;
  }
  auto owner = tenants_.find(tenant);
  if (owner == tenants_.end()) {
    owner = tenants_.try_emplace(std::string(tenant)).first;
    owner->second.name = tenant;
  }
  Node& node = node_of(owner->second, tokens);
  if (node.snapshot) {
    backend_.release_state(node.snapshot->state);
    node.snapshot->state = state;
    if (logits && !node.snapshot->logits) {
      logits_bytes_ += model::bytes_of(logits);
      node.snapshot->logits = std::move(logits);
    }
  } else {
    logits_bytes_ += model::bytes_of(logits);
    ++snapshots_;
    owner->second.snapshots.push_front(&node);
    node.snapshot = Snapshot{
        .state = state, .logits = std::move(logits), .place = owner->second.snapshots.begin()};
  }
  used(owner->second, node);
  owner->second.bytes += bytes_of(node) - node.snapshot->bytes;
  node.snapshot->bytes = bytes_of(node);
  note_peak();
  make_room(0);
}

void StateTree::used(Tenant& tenant, Node& node) {
  node.snapshot->used_at = tenant.clock;
  tenant.snapshots.splice(tenant.snapshots.begin(), tenant.snapshots, node.snapshot->place);
}

bool StateTree::pin(std::string_view tenant, std::span<const TokenId> tokens) {
  Node* node = exact(tenant, tokens);
  if (node == nullptr) return false;
  if (node->snapshot->pins++ == 0) ++pinned_;
  return true;
}

void StateTree::unpin(std::string_view tenant, std::span<const TokenId> tokens) {
  Node* node = exact(tenant, tokens);
  if (node != nullptr && node->snapshot->pins > 0 && --node->snapshot->pins == 0) --pinned_;
}

const StateTree::Node* StateTree::snapshot_above(const Node& node) {
  const Node* above = node.parent;
  while (above != nullptr && !above->snapshot) above = above->parent;
  return above;
}

// Nodes without a snapshot always lead to one.
bool StateTree::snapshot_below(const Node& node) { return !node.children.empty(); }

std::size_t StateTree::bytes_of(const Node& node) const {
  const StateHandle state = node.snapshot->state;
  const std::size_t fixed = backend_.copy_bytes(state);
  std::size_t bytes = fixed + model::bytes_of(node.snapshot->logits);
  // What a continuation or the prefix above holds too stays.
  if (!snapshot_below(node)) {
    const Node* above = snapshot_above(node);
    const std::size_t own = node.length - (above == nullptr ? 0 : above->length);
    const std::size_t whole = backend_.state_bytes(state);
    bytes += (whole - std::min(whole, fixed)) * own / node.length;
  }
  return bytes;
}

double StateTree::value_of(const Node& node) const {
  const Node* above = snapshot_above(node);
  const std::size_t saved = node.length - (above == nullptr ? 0 : above->length);
  return node.snapshot->used_at +
         static_cast<double>(saved) / static_cast<double>(bytes_of(node) + 1);
}

bool StateTree::has_room(std::size_t bytes) const {
  const std::size_t more = bytes + reserved_;
  return more <= budget_bytes_ && bytes_held() <= budget_bytes_ - more;
}

bool StateTree::make_room(std::size_t bytes) {
  if (bytes > budget_bytes_) return false;
  while (!has_room(bytes)) {
    if (!evict_one(std::numeric_limits<double>::infinity())) return false;
  }
  return true;
}

bool StateTree::evict_one(double worth) {
  Tenant* largest = nullptr;
  Node* worst = nullptr;
  double lowest = 0.0;
  for (auto& [name, tenant] : tenants_) {
    if (largest != nullptr && tenant.bytes <= largest->bytes) continue;
    Node* candidate = nullptr;
    double value = std::numeric_limits<double>::infinity();
    int looked_at = 0;
    for (auto it = tenant.snapshots.rbegin(); it != tenant.snapshots.rend(); ++it) {
      if (*it == kept_ || (*it)->snapshot->pins > 0) continue;
      if (++looked_at > kLookedAt) break;
      if (value_of(**it) < value) {
        value = value_of(**it);
        candidate = *it;
      }
    }
    if (candidate == nullptr) continue;
    largest = &tenant;
    worst = candidate;
    lowest = value;
  }
  if (largest == nullptr || lowest >= worth) return false;
  largest->clock = std::max(largest->clock, lowest);
  ++evictions_;
  backend_.release_state(detach(*largest, *worst));
  return true;
}

StateHandle StateTree::detach(Tenant& tenant, Node& node) {
  const StateHandle state = node.snapshot->state;
  logits_bytes_ -= model::bytes_of(node.snapshot->logits);
  --snapshots_;
  tenant.bytes -= node.snapshot->bytes;
  tenant.snapshots.erase(node.snapshot->place);
  node.snapshot.reset();
  prune(tenant, &node);
  return state;
}

// Nodes that neither hold a snapshot nor lead to one go; a lone child is joined to its parent.
void StateTree::prune(Tenant& tenant, Node* node) {
  while (!node->snapshot && node->children.empty()) {
    Node* parent = node->parent;
    if (parent == nullptr) {
      tenants_.erase(tenants_.find(tenant.name));
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

std::optional<StateTree::View> StateTree::at(std::string_view tenant,
                                             std::span<const TokenId> tokens) const {
  const Node* node = exact(tenant, tokens);
  if (node == nullptr) return std::nullopt;
  return View{.tenant = tenants_.find(tenant)->second.name,
              .tokens = tokens,
              .state = node->snapshot->state,
              .logits = node->snapshot->logits,
              .pinned = node->snapshot->pins > 0};
}

void StateTree::for_each(const std::function<void(const View&)>& visit) const {
  std::vector<TokenId> tokens;
  for (const auto& [name, tenant] : tenants_) {
    std::vector<const Node*> open{&tenant.root};
    while (!open.empty()) {
      const Node* node = open.back();
      open.pop_back();
      tokens.resize(node->length - node->edge.size());
      tokens.insert(tokens.end(), node->edge.begin(), node->edge.end());
      if (node->snapshot) {
        visit({.tenant = name,
               .tokens = tokens,
               .state = node->snapshot->state,
               .logits = node->snapshot->logits,
               .pinned = node->snapshot->pins > 0});
      }
      for (auto child = node->children.rbegin(); child != node->children.rend(); ++child) {
        open.push_back(child->second.get());
      }
    }
  }
}

}  // namespace orkestra::model
