#include <orkestra/core/error.h>
#include <orkestra/retrieval/latent_semantics.h>
#include <orkestra/retrieval/vector_cache.h>
#include <orkestra/retrieval/vector_index.h>
#include <orkestra/retrieval/vectors.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/retrieval/store_folder.h>

#include <cmath>
#include <random>

using namespace orkestra;
using namespace orkestra::retrieval;

namespace {

std::unique_ptr<LatentSemantics> fit(const std::vector<std::string>& texts,
                                     std::size_t dimension = 256) {
  TermCounts counts;
  for (const auto& text : texts) counts.add(text);
  return LatentSemantics::fit(counts, {.dimension = dimension});
}

double similarity(LatentSemantics& model, std::string_view a, std::string_view b) {
  const auto x = model.embed_query(a);
  const auto y = model.embed_query(b);
  return dot(x.data(), y.data(), x.size());
}

// A matrix of known singular vectors: rows are sums of a few fixed sparse patterns.
SparseMatrix patterned(std::size_t rows, std::size_t patterns) {
  SparseMatrix matrix{.columns = patterns * 4};
  std::mt19937 random(7);
  for (std::size_t r = 0; r < rows; ++r) {
    const auto pattern = static_cast<std::uint32_t>(r % patterns);
    const float weight = 1.0F + static_cast<float>(random() % 100) / 100.0F;
    for (std::uint32_t i = 0; i < 4; ++i) {
      matrix.column.push_back(pattern * 4 + i);
      matrix.value.push_back(weight * static_cast<float>(i + 1));
    }
    matrix.row_begin.push_back(matrix.value.size());
  }
  return matrix;
}

}  // namespace

TEST_CASE("the subspace of a matrix of low rank holds all of it") {
  const SparseMatrix matrix = patterned(60, 5);
  const Subspace space = leading_subspace(matrix, {.dimension = 12});
  REQUIRE(space.dimension == 5);
  for (std::size_t a = 0; a < 5; ++a) {
    for (std::size_t b = 0; b < 5; ++b) {
      float product = 0;
      for (std::size_t c = 0; c < matrix.columns; ++c) {
        product += space.basis[c * 5 + a] * space.basis[c * 5 + b];
      }
      CHECK(product == Approx(a == b ? 1.0 : 0.0).margin(1e-5));
    }
  }
  for (std::size_t r = 0; r < matrix.rows(); ++r) {
    double length = 0;
    std::vector<double> projected(5);
    for (std::size_t e = matrix.row_begin[r]; e < matrix.row_begin[r + 1]; ++e) {
      length += matrix.value[e] * matrix.value[e];
      for (std::size_t k = 0; k < 5; ++k) {
        projected[k] += matrix.value[e] * space.basis[matrix.column[e] * 5 + k];
      }
    }
    double kept = 0;
    for (const double p : projected) kept += p * p;
    CHECK(kept == Approx(length).epsilon(1e-4));
  }
}

TEST_CASE("the leading directions are found before the others") {
  SparseMatrix matrix{.columns = 30};
  for (std::uint32_t r = 0; r < 30; ++r) {
    matrix.column.push_back(r);
    matrix.value.push_back(r < 3 ? 10.0F : 1.0F);
    matrix.row_begin.push_back(matrix.value.size());
  }
  const Subspace space = leading_subspace(matrix, {.dimension = 3});
  REQUIRE(space.dimension == 3);
  for (std::size_t c = 0; c < 3; ++c) {
    const float* row = space.basis.data() + c * 3;
    CHECK(dot(row, row, 3) == Approx(1).margin(1e-3));
  }
}

TEST_CASE("words used together come close to each other") {
  // No text has both "car" and "automobile", nor both "apple" and "pear".
  const std::vector<std::string> traffic{"fuel", "driver", "garage", "road", "wheel"};
  const std::vector<std::string> garden{"orchard", "ripe", "tree", "harvest", "seed"};
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 20; ++i) {
    const auto pick = [&](const std::vector<std::string>& from) {
      return from[i % 5] + " " + from[(i + 1) % 5] + " " + from[(i / 5 + 2) % 5];
    };
    texts.push_back((i % 2 == 0 ? "car " : "automobile ") + pick(traffic));
    texts.push_back((i % 2 == 0 ? "apple " : "pear ") + pick(garden));
  }
  const auto model = fit(texts, 2);
  CHECK(similarity(*model, "car", "automobile") > 0.8);
  CHECK(std::abs(similarity(*model, "car", "apple")) < 0.2);
  CHECK(similarity(*model, "pear", "apple") > 0.8);
}

TEST_CASE("no text, one, two and three can be fitted") {
  CHECK(fit({})->dimension() == 0);
  CHECK(fit({""})->dimension() == 0);
  CHECK(fit({"a single text about moons"})->dimension() == 1);
  const auto two = fit({"moons of mars", "rings of saturn"});
  CHECK(two->dimension() == 2);
  CHECK(similarity(*two, "moons", "mars") == Approx(1).margin(1e-4));
  CHECK(similarity(*two, "moons", "rings") == Approx(0).margin(1e-4));
  CHECK(fit({"same words", "same words", "same words"})->dimension() <= 1);
  const auto unknown = two->embed_query("nothing of that");
  CHECK(dot(unknown.data(), unknown.data(), unknown.size()) == 0.0F);
}

TEST_CASE("fitting is the same every time, and comes back from its bytes") {
  std::vector<std::string> texts;
  for (int i = 0; i < 60; ++i) {
    texts.push_back("word" + std::to_string(i % 7) + " word" + std::to_string(i % 11) + " word" +
                    std::to_string(i % 13));
  }
  const auto model = fit(texts, 8);
  const std::string bytes = model->serialise();
  CHECK(fit(texts, 8)->serialise() == bytes);
  const auto again = LatentSemantics::deserialise(bytes);
  CHECK(again->embed_query("word3 word5") == model->embed_query("word3 word5"));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  CHECK(again->embed_documents(views) == model->embed_documents(views));
  for (std::size_t cut = 0; cut < bytes.size(); cut += 37) {
    CHECK_THROWS_AS(LatentSemantics::deserialise(std::string_view(bytes).substr(0, cut)), Error);
  }
}

TEST_CASE("the flat index finds the nearest in order") {
  const auto index = make_flat_index(2);
  CHECK(index->search(std::vector<float>{1, 0}, 3).empty());
  index->add(std::vector<float>{1, 0, 0, 1, 0.6F, 0.8F, 1, 0});
  const auto found = index->search(std::vector<float>{1, 0}, 10);
  REQUIRE(found.size() == 4);
  CHECK(found[0].position == 0);
  CHECK(found[1].position == 3);
  CHECK(found[2].position == 2);
  CHECK(index->row(2)[1] == 0.8F);
}

TEST_CASE("stored vectors come back as they were, and no damaged byte is believed") {
  const StoreFolder folder;
  const auto file = folder.folder / "x.vectors";
  CHECK_THROWS_AS(read_vector_cache(file), Error);
  write_vector_cache(file, {.state = "s",
                            .embedder = "e",
                            .fitted = "f",
                            .dimension = 2,
                            .chunks = {4, 9},
                            .hashes = {"a", "b"},
                            .rows = {1, 0, 0, 1}});
  const VectorCache back = read_vector_cache(file);
  CHECK(back.chunks == std::vector<std::int64_t>{4, 9});
  CHECK(back.rows == std::vector<float>{1, 0, 0, 1});
  const std::string good = bytes_of(file);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bad;
    CHECK_THROWS_AS(read_vector_cache(file), Error);
    std::ofstream(file, std::ios::binary | std::ios::trunc) << good.substr(0, i);
    CHECK_THROWS_AS(read_vector_cache(file), Error);
  }
}
