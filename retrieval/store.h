// Store: documents that can be searched. Files are taken in, cut into chunks along their structure
// and found again by words and by meaning; every passage knows its bytes.
//
// One SQLite file is the truth: a document and its chunks are replaced in one transaction, and what
// was added is there after a kill at any moment. The vectors beside it (FILE.vectors) are a cache,
// made anew when the text has changed or the cache is damaged.
//
// A Store is used by one thread at a time. Any number of Stores, in this process or others, may
// have the same file open.
#pragma once

#include <orkestra/core/limits.h>
#include <orkestra/retrieval/embedder.h>
#include <orkestra/retrieval/passage.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::retrieval {

struct AddOptions {
  Label label{Integrity::kTrusted, Confidentiality::kPrivate};
  std::stop_token stop{};  // between files: those taken in so far stay
  // Before each file: how many are done, how many there are, which is next.
  std::function<void(std::size_t done, std::size_t total, const std::string& path)> progress{};
};

class Store {
 public:
  // `embedder`: makes the vectors; without one, one is fitted to the store's own text.
  // Throws Error: kNotFound, kCorrupt (no store, or a damaged one), kUnsupported, kDenied.
  static Store open(const std::filesystem::path& path, std::unique_ptr<Embedder> embedder = {});
  // As open(), but makes the store when there is none.
  static Store create(const std::filesystem::path& path, std::unique_ptr<Embedder> embedder = {});
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  // A file, or a folder with everything below it (hidden files, binary files and links are passed
  // over and reported). An unchanged file costs a look at its time; a changed one replaces its
  // chunks. A single file that can't be taken in throws Error; in a folder it is reported. Throws
  // Error{kCancelled} when stopped.
  AddReport add(const std::filesystem::path& path, const AddOptions& options = {});
  // The document at `path`, or those below it. Returns how many; throws Error{kNotFound} for none.
  std::size_t remove(const std::filesystem::path& path);

  std::vector<DocumentInfo> list();  // by path
  StoreStats stats();
  // Holds the store against itself, its vectors and the files on disk.
  CheckReport check();

  // Makes the vectors now rather than with the next search. Throws Error{kCancelled, kDeadline}.
  void refresh(const Limits& limits = {},
               const std::function<void(std::size_t done, std::size_t total)>& progress = {});
  // The `count` best passages, best first. Any text is a query; one without a known word finds
  // nothing. The same store and query give the same passages and scores. Refreshes when needed.
  std::vector<Passage> search(std::string_view query, std::size_t count, const Limits& limits = {});

  // The bytes at the passage's place, read from the file now. Throws Error{kNotFound, kDenied}.
  static OpenedPassage open_passage(const Passage& passage);

 private:
  struct Parts;
  explicit Store(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace orkestra::retrieval
