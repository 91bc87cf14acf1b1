// Measures search on a test collection: one file per record, the collection's own judgements.
//
//   bench_retrieval FOLDER [NAME]    FOLDER/NAME.ALL, NAME.QRY, NAME.REL; NAME is CISI by default
#include <orkestra/bench/retrieval/collection.h>
#include <orkestra/core/error.h>
#include <orkestra/retrieval/hybrid_search.h>
#include <orkestra/retrieval/store.h>

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>

namespace {

namespace fs = std::filesystem;
using namespace orkestra;
using namespace orkestra::retrieval;

struct Setting {
  std::string name;
  HybridOptions options;
};

struct Scratch {
  fs::path folder = fs::temp_directory_path() / ("orkestra_bench_" + std::to_string(::getpid()));
  Scratch() { fs::create_directories(folder / "documents"); }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string field(const bench::Record& record, char name) {
  const auto at = record.fields.find(name);
  return at == record.fields.end() ? "" : at->second;
}

int run(const fs::path& folder, const std::string& name) {
  const Scratch scratch;
  const auto records = bench::read_records(folder / (name + ".ALL"));
  for (const auto& record : records) {
    std::ofstream(scratch.folder / "documents" / (std::to_string(record.id) + ".txt"))
        << field(record, 'T') << field(record, 'A') << field(record, 'W');
  }
  const auto queries = bench::read_records(folder / (name + ".QRY"));
  const auto judgements = bench::read_judgements(folder / (name + ".REL"));

  const fs::path path = scratch.folder / "store.db";
  auto start = std::chrono::steady_clock::now();
  {
    Store store = Store::create(path);
    store.add(scratch.folder / "documents");
    const double added = seconds_since(start);
    start = std::chrono::steady_clock::now();
    store.refresh();
    const StoreStats stats = store.stats();
    std::printf("%zu documents, %zu chunks; added in %.2f s, %zu dimensions fitted in %.2f s\n\n",
                stats.documents, stats.chunks, added, stats.dimension, seconds_since(start));
  }
  StoreFile file(path, false);
  SemanticIndex semantics(vector_cache_path(path), nullptr);
  TermReader reader;
  file.snapshot([&] { semantics.refresh(file, {}, {}); });

  std::vector<Setting> settings{
      {"BM25", {.semantic_share = 0, .feedback = 0}},
      {"latent semantics", {.semantic_share = 1, .feedback = 0}},
      {"both, without feedback", {.feedback = 0}},
      {"both, with feedback (default)", {}},
  };
  std::printf("| | MAP | nDCG@10 | R@100 | ms a query |\n|---|---|---|---|---|\n");
  for (const Setting& setting : settings) {
    bench::Figures sum;
    double judged = 0;
    double spent = 0;
    for (const auto& query : queries) {
      const auto relevant = judgements.find(query.id);
      if (relevant == judgements.end()) continue;
      ++judged;
      const std::string text = field(query, 'T') + field(query, 'W');
      std::vector<int> ranking;
      std::set<int> seen;
      start = std::chrono::steady_clock::now();
      const auto hits = search_hybrid(file, semantics, reader, text, 2000, setting.options);
      spent += seconds_since(start);
      for (const HybridHit& hit : hits) {
        const int id = std::stoi(fs::path(file.passage(hit.chunk).document).stem().string());
        if (seen.insert(id).second) ranking.push_back(id);
      }
      const bench::Figures one = bench::measure(ranking, relevant->second);
      sum.map += one.map;
      sum.ndcg10 += one.ndcg10;
      sum.recall100 += one.recall100;
    }
    std::printf("| %s | %.3f | %.3f | %.3f | %.1f |\n", setting.name.c_str(), sum.map / judged,
                sum.ndcg10 / judged, sum.recall100 / judged, 1000 * spent / judged);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_retrieval FOLDER [NAME]\n");
    return 2;
  }
  try {
    return run(argv[1], argc > 2 ? argv[2] : "CISI");
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_retrieval: %s\n", e.what());
    return 1;
  }
}
