#include <orkestra/model/engine/state_tree.h>
#include <orkestra/tests/catch.h>

#include <map>
#include <numeric>

using namespace orkestra::model;

namespace {

// States of a declared size that remember only how many there are.
class CountingBackend final : public Backend {
 public:
  StateHandle create_state() override {
    live[++last] = 100;
    return static_cast<StateHandle>(last);
  }
  StateHandle copy_state(StateHandle state) override {
    live[++last] = live.at(static_cast<std::int64_t>(state));
    return static_cast<StateHandle>(last);
  }
  void release_state(StateHandle state) override {
    REQUIRE(live.erase(static_cast<std::int64_t>(state)) == 1);
  }
  std::size_t state_bytes(StateHandle state) const override {
    return live.at(static_cast<std::int64_t>(state));
  }
  std::size_t bytes_in_use() const override {
    std::size_t bytes = 0;
    for (const auto& [handle, size] : live) bytes += size;
    return bytes;
  }
  std::size_t copy_bytes(StateHandle state) const override { return state_bytes(state); }
  std::size_t growth_bytes(StateHandle, std::size_t) const override { return 0; }
  std::string state_format() const override { return "counted"; }
  void save_state(StateHandle, std::optional<StateHandle>, const StateSink&) const override {}
  std::optional<StateHandle> load_state(std::int64_t, std::optional<StateHandle>,
                                        const StateSource&,
                                        const std::function<bool(std::size_t)>&) override {
    return std::nullopt;
  }
  void step(std::span<const StepChunk>, std::vector<float>&) override {}
  bool long_step(std::span<const StepChunk>, std::vector<float>&,
                 const std::function<bool()>&) override {
    return true;
  }

  std::map<std::int64_t, std::size_t> live;
  std::int64_t last = 0;
};

std::vector<TokenId> counting(std::size_t n) {
  std::vector<TokenId> tokens(n);
  std::iota(tokens.begin(), tokens.end(), 0);
  return tokens;
}

SharedLogits some_logits() { return std::make_shared<const std::vector<float>>(4, 1.0F); }

}  // namespace

TEST_CASE("the longest stored prefix is found, and only a true one") {
  CountingBackend backend;
  StateTree tree(backend, 10000);
  const auto tokens = counting(50);
  const std::span<const TokenId> all(tokens);
  CHECK_FALSE(tree.find("", all));
  tree.store("", all.first(10), backend.create_state(), nullptr);
  tree.store("", all.first(30), backend.create_state(), nullptr);
  tree.store("", all.first(20), backend.create_state(), nullptr);
  CHECK(tree.find("", all)->length == 30);
  CHECK(tree.find("", all.first(30))->length == 20);  // 30 itself has no logits
  CHECK(tree.find("", all.first(29))->length == 20);
  CHECK(tree.find("", all.first(11))->length == 10);
  CHECK_FALSE(tree.find("", all.first(10)));
  CHECK_FALSE(tree.find("", all.first(9)));

  auto changed = tokens;
  changed[25] = 7;
  CHECK(tree.find("", changed)->length == 20);
  changed[3] = 7;
  CHECK_FALSE(tree.find("", changed));
  CHECK(tree.contains("", all.first(20)));
  CHECK_FALSE(tree.contains("", all.first(21)));
  CHECK(tree.counts().snapshots == 3);
  CHECK(tree.counts().hits == 5);
  CHECK(tree.counts().misses == 4);
}

TEST_CASE("a whole prompt is usable when its logits were kept") {
  CountingBackend backend;
  StateTree tree(backend, 10000);
  const auto tokens = counting(8);
  tree.store("", tokens, backend.create_state(), some_logits());
  const auto found = tree.find("", tokens);
  REQUIRE(found);
  CHECK(found->length == 8);
  CHECK(found->logits->size() == 4);
  // Storing again without logits must not lose them.
  tree.store("", tokens, backend.create_state(), nullptr);
  CHECK(tree.find("", tokens)->length == 8);
  CHECK(tree.counts().snapshots == 1);
  CHECK(tree.counts().bytes == 100 + 4 * sizeof(float));
  CHECK(backend.live.size() == 1);
}

TEST_CASE("branches share their stem and are found apart") {
  CountingBackend backend;
  StateTree tree(backend, 10000);
  auto left = counting(20);
  auto right = counting(20);
  for (std::size_t i = 12; i < 20; ++i) right[i] = 100 + static_cast<TokenId>(i);
  tree.store("", left, backend.create_state(), nullptr);
  tree.store("", right, backend.create_state(), nullptr);
  tree.store("", std::span(left).first(12), backend.create_state(), nullptr);
  std::map<std::vector<TokenId>, StateHandle> seen;
  tree.for_each([&](const StateTree::View& view) {
    seen[{view.tokens.begin(), view.tokens.end()}] = view.state;
  });
  CHECK(seen.size() == 3);
  CHECK(seen.at(left) != seen.at(right));
  left.push_back(1);
  right.push_back(1);
  CHECK(tree.find("", left)->length == 20);
  CHECK(tree.find("", right)->length == 20);
  CHECK(tree.find("", std::span(right).first(15))->length == 12);
}

TEST_CASE("tenants never see each other's states") {
  CountingBackend backend;
  StateTree tree(backend, 10000);
  const auto tokens = counting(9);
  tree.store("a", std::span(tokens).first(5), backend.create_state(), some_logits());
  CHECK(tree.find("a", tokens));
  CHECK_FALSE(tree.find("b", tokens));
  CHECK_FALSE(tree.find("", tokens));
  CHECK(tree.known("b", tokens) == 0);
  CHECK_FALSE(tree.contains("b", std::span(tokens).first(5)));
}

TEST_CASE("the budget holds: least recently used goes first, nothing leaks") {
  CountingBackend backend;
  {
    StateTree tree(backend, 350);  // three states of 100 bytes
    std::vector<std::vector<TokenId>> prompts;
    for (TokenId first = 0; first < 5; ++first) prompts.push_back({first, 1, 2, 3});
    for (int i = 0; i < 3; ++i) {
      tree.store("", std::span(prompts[static_cast<std::size_t>(i)]).first(3),
                 backend.create_state(), nullptr);
    }
    // A copy finds no room while the others are there: the oldest of them goes, then 2 is.
    const auto lent = tree.lend("", std::span(prompts[0]).first(3), false);
    REQUIRE(lent);
    CHECK(tree.known("", prompts[1]) == 0);
    backend.release_state(*lent);
    tree.store("", std::span(prompts[1]).first(3), backend.create_state(), nullptr);
    tree.store("", std::span(prompts[3]).first(3), backend.create_state(), nullptr);
    CHECK(tree.known("", prompts[0]) == 3);
    CHECK(tree.known("", prompts[1]) == 3);
    CHECK(tree.known("", prompts[2]) == 0);
    CHECK(tree.counts().bytes == 300);
    CHECK(tree.counts().evictions == 2);
    CHECK(backend.live.size() == 3);

    backend.live[99] = 1000;  // larger than everything
    tree.store("", prompts[4], static_cast<StateHandle>(99), nullptr);
    CHECK(tree.known("", prompts[4]) == 0);
    CHECK(tree.counts().snapshots == 3);

    CHECK(tree.make_room(100));
    const StateHandle live = backend.create_state();
    CHECK(tree.counts().bytes == 300);
    tree.store_copy("", std::span(prompts[0]).first(3), live, nullptr);  // already there
    CHECK(backend.live.size() == 3);
    tree.store_copy("", std::span(prompts[4]).first(2), live, nullptr);
    CHECK(tree.known("", prompts[4]) == 2);
    backend.release_state(live);
    CHECK(backend.live.size() == 2);
  }
  CHECK(backend.live.empty());
}

TEST_CASE("what costs most to compute again per byte stays longest, until it is old") {
  CountingBackend backend;
  StateTree tree(backend, 350);
  const auto tokens = counting(2000);
  const std::span<const TokenId> all(tokens);
  tree.store("", all.first(1000), backend.create_state(), nullptr);
  tree.store("", all.first(1010), backend.create_state(), nullptr);  // 10 tokens behind it
  tree.store("", all.first(1400), backend.create_state(), nullptr);
  tree.store("", all.first(1900), backend.create_state(), nullptr);
  CHECK(tree.contains("", all.first(1000)));
  CHECK_FALSE(tree.contains("", all.first(1010)));
  // Little things come and go; each that goes makes what is not used older.
  for (TokenId i = 0; i < 400; ++i) {
    tree.store("", std::vector<TokenId>(9, i + 5000), backend.create_state(), nullptr);
  }
  CHECK_FALSE(tree.contains("", all.first(1000)));
  CHECK(tree.counts().bytes <= 350);
}

TEST_CASE("a snapshot at an interval is kept only for what is worth less") {
  CountingBackend backend;
  StateTree tree(backend, 250);
  const auto tokens = counting(2000);
  const std::span<const TokenId> all(tokens);
  tree.store("", all.first(300), backend.create_state(), nullptr);
  tree.store("", all.first(350), backend.create_state(), nullptr);
  const StateHandle live = static_cast<StateHandle>(1000);
  backend.live[1000] = 50;
  tree.offer_copy("", all.first(360), live);
  CHECK_FALSE(tree.contains("", all.first(360)));
  backend.live[1000] = 100;
  CHECK(tree.make_room(0));
  CHECK(tree.counts().snapshots == 1);
  CHECK(tree.contains("", all.first(300)));
  tree.offer_copy("", all.first(1400), live);
  CHECK(tree.contains("", all.first(1400)) != tree.contains("", all.first(300)));
  backend.release_state(live);
}

TEST_CASE("pinned snapshots stay, and are evicted only once nobody pins them") {
  CountingBackend backend;
  StateTree tree(backend, 350);
  const std::vector<TokenId> system{1, 2, 3};
  CHECK_FALSE(tree.pin("", system));
  tree.store("", system, backend.create_state(), nullptr);
  CHECK(tree.pin("", system));
  CHECK(tree.pin("", system));
  const auto flood = [&](TokenId from) {
    for (TokenId i = from; i < from + 10; ++i) {
      tree.store("", std::vector<TokenId>(100, i), backend.create_state(), nullptr);
    }
  };
  flood(10);
  CHECK(tree.contains("", system));
  CHECK_FALSE(tree.make_room(300));
  CHECK(tree.counts().pinned == 1);
  tree.unpin("", system);
  flood(30);
  CHECK(tree.contains("", system));
  tree.unpin("", system);
  CHECK(tree.counts().pinned == 0);
  flood(50);
  CHECK_FALSE(tree.contains("", system));
}

TEST_CASE("a tenant within its share keeps its states, whatever another one does") {
  CountingBackend backend;
  StateTree tree(backend, 1000);
  for (TokenId i = 0; i < 4; ++i) {
    tree.store("quiet", std::vector<TokenId>(2, i), backend.create_state(), nullptr);
  }
  for (TokenId i = 0; i < 100; ++i) {
    tree.store("busy", std::vector<TokenId>(500, i), backend.create_state(), nullptr);
  }
  for (TokenId i = 0; i < 4; ++i) CHECK(tree.contains("quiet", std::vector<TokenId>(2, i)));
  CHECK(tree.counts().snapshots == 10);
}

TEST_CASE("a state finds no room beside itself: it is given away where that is wanted") {
  CountingBackend backend;
  StateTree tree(backend, 150);
  const std::vector<TokenId> tokens{1, 2, 3};
  tree.store("", tokens, backend.create_state(), nullptr);
  CHECK_FALSE(tree.lend("", tokens, false));
  tree.pin("", tokens);
  CHECK_FALSE(tree.lend("", tokens, true));
  tree.unpin("", tokens);
  const auto state = tree.lend("", tokens, true);
  REQUIRE(state);
  CHECK_FALSE(tree.contains("", tokens));
  CHECK_FALSE(tree.create());
  backend.release_state(*state);
  CHECK(backend.live.empty());
}

TEST_CASE("thousands of random stores and look-ups agree with a plain list") {
  CountingBackend backend;
  StateTree tree(backend, 100 * 40);
  std::uint32_t seed = 1;
  const auto random = [&](std::uint32_t n) {
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 16U) % n;
  };
  const auto random_tokens = [&] {
    std::vector<TokenId> tokens(1 + random(12));
    for (TokenId& token : tokens) token = static_cast<TokenId>(random(2));
    return tokens;
  };
  std::vector<std::vector<TokenId>> stored;  // everything ever stored
  for (int round = 0; round < 4000; ++round) {
    const auto tokens = random_tokens();
    if (random(2) == 0) {
      tree.store("", tokens, backend.create_state(), nullptr);
      stored.push_back(tokens);
    } else {
      std::size_t expected = 0;
      for (const auto& prefix : stored) {
        if (prefix.size() < tokens.size() && prefix.size() > expected &&
            std::equal(prefix.begin(), prefix.end(), tokens.begin()) && tree.contains("", prefix)) {
          expected = prefix.size();
        }
      }
      CHECK(tree.known("", tokens) == expected);
    }
    REQUIRE(tree.counts().bytes <= 4000);
    REQUIRE(tree.counts().snapshots == backend.live.size());
  }
  CHECK(tree.counts().evictions > 100);
}
