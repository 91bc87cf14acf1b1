// Attention over pages: fast kernels against the reference, and every set against itself when rows
// and keys are taken in other pieces.

#include <orkestra/model/engine/kv_pages.h>
#include <orkestra/model/kernels/kv_layout.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/kernels_data.h>

#include <cmath>

using namespace orkestra;
using namespace orkestra::tests;

namespace {

// `n_tokens` queries at the end of `n_keys` tokens, over the second of two KV heads.
struct Case {
  Case(model::KvType type, std::int64_t head_dim, std::int64_t n_heads, std::int64_t n_keys,
       std::int64_t n_tokens, std::int64_t window, Random& random)
      : pool(type, 2, head_dim),
        pages(pool),
        workspace(static_cast<std::size_t>(model::attention_workspace(head_dim))),
        q(random_floats(n_tokens * n_heads * head_dim, random, 2.0F)),
        n_rows(n_tokens * n_heads) {
    pages.prepare(0, n_keys);
    for (std::int64_t j = 0; j < n_keys; ++j) {
      const auto k = random_floats(2 * head_dim, random);
      const auto v = random_floats(2 * head_dim, random);
      pages.store(j, k.data(), v.data());
    }
    args = {.q = q.data(),
            .q_stride = n_heads * head_dim,
            .pages = pages.pages(),
            .type = type,
            .k_at = pool.k_at(1),
            .v_at = pool.v_at(1),
            .first = n_keys - n_tokens,
            .n_heads = n_heads,
            .head_dim = head_dim,
            .window = window,
            .scale = 1.0F / std::sqrt(static_cast<float>(head_dim)),
            .workspace = workspace.data()};
  }

  // Rows in pieces that end at `row_cuts`, keys in segments of `segment`. out: [n_rows, head_dim]
  std::vector<float> run(const model::Kernels& kernels, std::vector<std::int64_t> row_cuts,
                         std::int64_t segment) const {
    const std::int64_t size = model::partial_size(args.head_dim);
    std::vector<float> out;
    row_cuts.push_back(n_rows);
    std::int64_t begin = 0;
    for (const std::int64_t end : row_cuts) {
      std::vector<float> whole(static_cast<std::size_t>((end - begin) * size));
      std::vector<float> piece(whole.size());
      const std::int64_t last_key = args.first + (end - 1) / args.n_heads + 1;
      for (std::int64_t key = 0; key < last_key; key += segment) {
        const std::int64_t key_end = std::min(last_key, key + segment);
        kernels.attend(args, begin, end, key, key_end, key == 0 ? whole.data() : piece.data());
        if (key > 0) {
          kernels.merge_attention(whole.data(), piece.data(), end - begin, args.head_dim);
        }
      }
      for (std::int64_t r = 0; r < end - begin; ++r) {
        const float* row = whole.data() + r * size;
        const float sum = row[model::padded(args.head_dim) + 1];
        for (std::int64_t i = 0; i < args.head_dim; ++i) out.push_back(row[i] / sum);
      }
      begin = end;
    }
    return out;
  }

  model::PagePool pool;
  model::PageList pages;
  mutable std::vector<float> workspace;
  std::vector<float> q;
  std::int64_t n_rows;
  model::AttentionArgs args{};
};

}  // namespace

TEST_CASE("attention agrees with float64 and with its own pieces") {
  Random random(16);
  int n_cases = 0;
  for (const std::int64_t head_dim : {1, 6, 8, 20, 32, 48, 128}) {
    for (const std::int64_t n_heads : {1, 3, 20}) {
      for (const std::int64_t n_keys : {1, 2, 63, 64, 65, 300}) {
        for (const std::int64_t n_tokens : {1, 5, 70}) {
          for (const std::int64_t window : {0, 1, 40}) {
            if (n_tokens > n_keys) continue;
            const auto type = static_cast<model::KvType>(n_cases++ % 3);
            const Case c(type, head_dim, n_heads, n_keys, n_tokens, window, random);
            const auto expected = c.run(model::reference_kernels(), {}, 1 << 20);
            for (const model::Kernels* kernels : kernel_sets()) {
              INFO(kernels->name << " head_dim " << head_dim << ", heads " << n_heads << ", keys "
                                 << n_keys << ", tokens " << n_tokens << ", window " << window
                                 << ", type " << static_cast<int>(type));
              const auto segmented = c.run(*kernels, {}, 128);
              CHECK(relative_error(c.run(*kernels, {}, 1 << 20), expected) < 2e-6);
              CHECK(relative_error(segmented, expected) < 2e-6);
              std::vector<std::int64_t> cuts;
              for (std::int64_t row = 1; row < c.n_rows; row += 1 + random() % 9)
                cuts.push_back(row);
              CHECK(same_bits(c.run(*kernels, cuts, 128), segmented));
              // Vectors of 8 and of 16 lanes give the same bits.
              if (kernels == model::avx512_kernels()) {
                CHECK(same_bits(c.run(*model::avx2_kernels(), {}, 128), segmented));
              }
            }
          }
        }
      }
    }
  }
}

TEST_CASE("a key and a value are read back as their type keeps them") {
  using model::KvType;
  Random random(18);
  for (const std::int64_t head_dim : {1, 16, 20, 33, 128}) {
    for (const KvType type : {KvType::kF32, KvType::kF16, KvType::kQ8_0}) {
      CAPTURE(head_dim, static_cast<int>(type));
      std::vector<std::byte> keys(static_cast<std::size_t>(model::key_bytes(type, head_dim)));
      std::vector<std::byte> values(static_cast<std::size_t>(model::value_bytes(type, head_dim)));
      std::vector<std::vector<float>> rows;
      for (std::int64_t t = 0; t < model::kPageTokens; ++t) {
        rows.push_back(random_floats(head_dim, random, t == 5 ? 1e6F : t == 6 ? 1e-6F : 1.0F));
        model::store_key(type, rows.back().data(), head_dim, t, keys.data());
        model::store_value(type, rows.back().data(), head_dim, t, values.data());
      }
      for (std::int64_t t = 0; t < model::kPageTokens; ++t) {
        const std::vector<float>& row = rows[static_cast<std::size_t>(t)];
        for (std::int64_t i = 0; i < head_dim; ++i) {
          const float x = row[static_cast<std::size_t>(i)];
          const float key = model::key_at(type, keys.data(), head_dim, t, i);
          CHECK(model::value_at(type, values.data(), head_dim, t, i) == key);
          if (type == KvType::kF32) {
            CHECK(key == x);
          } else if (type == KvType::kF16) {
            const float kept = std::clamp(x, -65504.0F, 65504.0F);
            CHECK(std::abs(key - kept) <= std::max(std::abs(kept) * 0x1p-11F, 0x1p-25F));
          } else {
            const auto begin = row.begin() + i / 32 * 32;
            const auto end = row.begin() + std::min(head_dim, i / 32 * 32 + 32);
            float largest = 0.0F;
            for (auto y = begin; y != end; ++y) largest = std::max(largest, std::abs(*y));
            // Half a step, and the rounding of the scale to a half float (or to the grid near 0).
            CHECK(std::abs(key - x) <= largest * (0.5F / 127.0F + 0x1p-10F) + 127 * 0x1p-25F);
          }
        }
      }
    }
  }
  // No number stays none, and keeps its neighbours' blocks out of it.
  for (const KvType type : {KvType::kF16, KvType::kQ8_0}) {
    std::vector<std::byte> keys(static_cast<std::size_t>(model::key_bytes(type, 64)));
    std::vector<float> row(64, 1.0F);
    row[3] = NAN;
    model::store_key(type, row.data(), 64, 9, keys.data());
    CHECK(std::isnan(model::key_at(type, keys.data(), 64, 9, 3)));
    CHECK(model::key_at(type, keys.data(), 64, 9, 40) == Approx(1.0F).margin(1e-3));
  }
}

TEST_CASE("scores far apart neither overflow nor lose the largest") {
  Random random(17);
  Case c(model::KvType::kF32, 32, 2, 200, 3, 0, random);
  for (float& value : c.q) value *= 1e4F;
  const auto expected = c.run(model::reference_kernels(), {}, 1 << 20);
  for (const model::Kernels* kernels : kernel_sets()) {
    for (const std::int64_t segment : {64, 1 << 20}) {
      const auto got = c.run(*kernels, {}, segment);
      CHECK(relative_error(got, expected) < 1e-3);  // float scores of 1e5 are 0.01 apart
    }
  }
}

TEST_CASE("pages are shared until one of two lists writes, and go back to the pool") {
  model::PagePool pool(model::KvType::kF32, 1, 4);
  const std::vector<float> ones(4, 1.0F);
  const std::vector<float> twos(4, 2.0F);
  {
    model::PageList origin(pool);
    origin.prepare(0, 70);
    for (std::int64_t i = 0; i < 70; ++i) origin.store(i, ones.data(), ones.data());
    CHECK(pool.bytes_in_use() == 2 * pool.page_bytes());
    model::PageList copy(origin);
    CHECK(pool.bytes_in_use() == 2 * pool.page_bytes());
    copy.prepare(70, 71);
    copy.store(70, twos.data(), twos.data());
    CHECK(pool.bytes_in_use() == 3 * pool.page_bytes());
    CHECK(copy.pages()[0] == origin.pages()[0]);
    const auto key = [&](const model::PageList& list, std::int64_t at) {
      return model::key_at(pool.type(), list.pages()[at / model::kPageTokens] + pool.k_at(0), 4,
                           at % model::kPageTokens, 0);
    };
    CHECK(key(copy, 69) == 1.0F);
    CHECK(key(copy, 70) == 2.0F);
    CHECK(key(origin, 70) == 0.0F);
    copy.forget_before(70);
    CHECK(copy.pages()[0] == nullptr);
    CHECK(key(origin, 3) == 1.0F);
    CHECK(pool.bytes_in_use() == 3 * pool.page_bytes());
  }
  CHECK(pool.bytes_in_use() == 0);
}
