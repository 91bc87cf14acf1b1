// StoreFile: a store's SQLite file: documents, their chunks and the lexical index over them. The
// truth; everything else is made from it. Owned by one Store, used by one thread at a time; other
// processes may have the same file open.
#pragma once

#include <orkestra/core/database.h>
#include <orkestra/retrieval/chunker.h>
#include <orkestra/retrieval/lexical_index.h>
#include <orkestra/retrieval/passage.h>
#include <orkestra/retrieval/terms.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace orkestra::retrieval {

inline constexpr std::int64_t kStoreApplicationId = 0x4F524B49;  // "ORKI"
inline constexpr std::int64_t kStoreFormat = 1;

// What is known of a document's file from when it was read.
struct KnownFile {
  std::int64_t id = 0;
  std::string hash;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t read_ns = 0;  // when that was, by the wall clock
  int reader = 0;            // kReaderVersion then
  Label label;
};

struct NewDocument {
  DocumentInfo info;
  std::int64_t modified_ns = 0;
  std::int64_t read_ns = 0;
  std::vector<Chunk> chunks;
};

// One chunk as it is embedded and searched.
struct ChunkText {
  std::int64_t chunk = 0;
  std::string hash;  // of `text`
  std::string text;  // title, headings and text
};

class StoreFile {
 public:
  // Makes the file when `create`. Throws kNotFound, kCorrupt (not a store, damaged), kUnsupported.
  StoreFile(const std::filesystem::path& path, bool create);
  StoreFile(const StoreFile&) = delete;
  StoreFile& operator=(const StoreFile&) = delete;

  const std::filesystem::path& path() const { return database_.path(); }
  LexicalIndex& lexical() { return *lexical_; }

  // Names the contents: two stores of one state hold the same chunks under the same ids.
  std::string state();
  std::optional<KnownFile> known(const std::string& path);
  // Puts each document in the place of the one with its path, chunks and all, or of none; all in
  // one transaction.
  void put(std::span<const NewDocument> documents);
  // The file was read again and is the same.
  void touch(std::int64_t document, std::uint64_t size, std::int64_t modified_ns,
             std::int64_t read_ns);
  // The documents at `path` or below it are gone; how many.
  std::size_t remove(const std::string& path);
  void set_label(std::int64_t document, Label label);

  std::vector<DocumentInfo> list();
  std::size_t count_chunks();
  // Ids, ascending, with the hashes of their texts.
  std::vector<std::pair<std::int64_t, std::string>> chunk_hashes();
  // Every chunk, by id.
  void each_chunk(const std::function<void(const ChunkText&)>& visit);
  std::string chunk_text(std::int64_t chunk);  // as ChunkText::text; "" when there is none
  Passage passage(std::int64_t chunk);         // without scores

  // All reading inside `work` sees one state, whatever other connections write meanwhile.
  void snapshot(const std::function<void()>& work);

  // What is wrong with the file itself, a line each.
  std::vector<std::string> damage();

 private:
  void put_one(const NewDocument& document);
  void forget(std::int64_t document);
  void advance(const std::string& change);

  Database database_;
  std::unique_ptr<LexicalIndex> lexical_;
  TermReader terms_;
};

}  // namespace orkestra::retrieval
