#include <orkestra/core/error.h>
#include <orkestra/retrieval/lexical_index.h>

#include <algorithm>
#include <unordered_map>

namespace orkestra::retrieval {
namespace {

class FtsIndex final : public LexicalIndex {
 public:
  explicit FtsIndex(Database& database)
      : database_(database),
        insert_(database.prepare("INSERT INTO lexical(rowid, terms) VALUES(?1, ?2)")),
        erase_(database.prepare("DELETE FROM lexical WHERE rowid = ?1")),
        match_(database.prepare("SELECT rowid, bm25(lexical) FROM lexical WHERE lexical MATCH ?1")),
        count_(database.prepare("SELECT doc FROM lexical_terms WHERE term = ?1")) {}

  void put(std::int64_t chunk, std::span<const std::string> terms) override {
    std::string joined;
    for (const std::string& term : terms) joined.append(term).append(" ");
    insert_.bind(1, chunk).bind(2, std::string_view(joined)).run();
  }

  void erase(std::int64_t chunk) override { erase_.bind(1, chunk).run(); }

  // One query per term: BM25 is a sum over terms, and FTS5 knows no weights of terms.
  std::vector<ScoredChunk> search(std::span<const WeightedTerm> terms) override {
    std::unordered_map<std::int64_t, double> scores;
    for (const WeightedTerm& each : terms) {
      match_.reset();  // an error may have left it in the middle
      // A term holds no quote; quoted, it is no operator either.
      match_.bind(1, std::string_view("\"" + each.term + "\""));
      while (match_.step()) scores[match_.integer(0)] -= each.weight * match_.real(1);
      match_.reset();
    }
    std::vector<ScoredChunk> out;
    out.reserve(scores.size());
    for (const auto& [chunk, score] : scores) out.push_back({chunk, score});
    std::sort(out.begin(), out.end(), [](const ScoredChunk& a, const ScoredChunk& b) {
      return a.score != b.score ? a.score > b.score : a.chunk < b.chunk;
    });
    return out;
  }

  std::size_t chunks_with(const std::string& term) override {
    count_.reset();
    count_.bind(1, std::string_view(term));
    const std::int64_t found = count_.step() ? count_.integer(0) : 0;
    count_.reset();
    return static_cast<std::size_t>(std::max<std::int64_t>(found, 0));
  }

  std::string damage() override {
    try {
      database_.execute("INSERT INTO lexical(lexical) VALUES('integrity-check')");
    } catch (const Error& e) {
      return e.message();
    }
    return "";
  }

 private:
  Database& database_;
  Statement insert_, erase_, match_, count_;
};

}  // namespace

std::unique_ptr<LexicalIndex> make_fts_index(Database& database) {
  return std::make_unique<FtsIndex>(database);
}

}  // namespace orkestra::retrieval
