// What a store holds and finds, as plain values: documents, passages, reports.
#pragma once

#include <orkestra/core/evidence.h>
#include <orkestra/retrieval/source_files.h>
#include <orkestra/retrieval/structure.h>

#include <cstdint>
#include <string>
#include <vector>

namespace orkestra::retrieval {

struct DocumentInfo {
  std::string path;   // canonical
  std::string title;  // what it says itself, or its file name without the ending
  Format format = Format::kText;
  std::string hash;  // sha256_hex of its bytes when it was read
  std::uint64_t size = 0;
  Label label;
  std::size_t chunks = 0;
};

// A piece of a document that was found, with the scores that found it.
struct Passage {
  std::int64_t chunk = 0;  // never given to another chunk of the store
  std::string document;    // path
  std::string document_hash;
  std::string title;
  std::vector<std::string> headings;  // outermost first
  std::string text;
  std::size_t begin = 0;  // in the document's bytes
  std::size_t end = 0;
  // Text is exactly those bytes. HTML: it is a part of the page's html_to_text().
  bool verbatim = true;
  Label label;
  double score = 0;     // 0..1, comparable within one search only
  double lexical = 0;   // BM25 over the query's words and those found to go with them
  double semantic = 0;  // cosine of the embeddings
};

struct OpenedPassage {
  std::string bytes;     // what lies at the passage's place now; less when the file became shorter
  bool changed = false;  // the file is not what it was when it was read
};

struct AddReport {
  std::vector<std::string> added;
  std::vector<std::string> replaced;  // had changed, or is read differently by this version
  std::size_t unchanged = 0;
  std::vector<SkippedFile> skipped;
};

struct StoreStats {
  std::size_t documents = 0;
  std::size_t chunks = 0;
  std::uint64_t document_bytes = 0;
  std::uint64_t store_bytes = 0;  // of the store's file
  std::string embedder;           // of the vectors at hand; "" when there are none
  std::size_t dimension = 0;
  std::string vectors;  // "current", "stale", "absent" or "damaged"
};

struct CheckReport {
  struct Finding {
    bool damage = false;  // of the store itself; otherwise the files have moved on
    std::string subject;  // a path
    std::string what;
  };
  std::vector<Finding> findings;
  bool intact() const {
    for (const Finding& each : findings) {
      if (each.damage) return false;
    }
    return true;
  }
};

}  // namespace orkestra::retrieval
