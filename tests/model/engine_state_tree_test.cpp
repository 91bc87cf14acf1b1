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
  void step(std::span<const StepChunk>, std::vector<float>&) override {}

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
  const StateHandle stem = tree.find("", std::span(left).first(13))->state;
  left.push_back(1);
  right.push_back(1);
  const auto a = tree.find("", left);
  const auto b = tree.find("", right);
  CHECK(a->length == 20);
  CHECK(b->length == 20);
  CHECK(a->state != b->state);
  CHECK(tree.find("", std::span(right).first(15))->state == stem);
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
    CHECK(tree.find("", prompts[0]));  // 1 is now the oldest
    tree.store("", std::span(prompts[3]).first(3), backend.create_state(), nullptr);
    CHECK(tree.known("", prompts[0]) == 3);
    CHECK(tree.known("", prompts[1]) == 0);
    CHECK(tree.known("", prompts[2]) == 3);
    CHECK(tree.counts().bytes == 300);
    CHECK(tree.counts().evictions == 1);
    CHECK(backend.live.size() == 3);

    backend.live[99] = 1000;  // larger than everything
    tree.store("", prompts[4], static_cast<StateHandle>(99), nullptr);
    CHECK(tree.known("", prompts[4]) == 0);
    CHECK(tree.counts().snapshots == 3);

    const StateHandle live = backend.create_state();
    tree.store_copy("", std::span(prompts[0]).first(3), live, nullptr);  // already there
    CHECK(backend.live.size() == 4);
    tree.store_copy("", std::span(prompts[4]).first(2), live, nullptr);
    CHECK(tree.known("", prompts[4]) == 2);
    backend.release_state(live);
    CHECK(backend.live.size() == 3);
  }
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
