#include <orkestra/core/document_format.h>
#include <orkestra/core/error.h>
#include <orkestra/core/hash.h>
#include <orkestra/core/text.h>
#include <orkestra/retrieval/hybrid_search.h>
#include <orkestra/retrieval/store.h>

#include <algorithm>
#include <chrono>
#include <system_error>

namespace orkestra::retrieval {
namespace {

namespace fs = std::filesystem;

// A file written right after it was read may keep its time; younger ones are read again.
constexpr std::int64_t kClockGrain_ns = 2'000'000'000;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool surely_unchanged(const KnownFile& known, const SourceFile& file) {
  return known.reader == kReaderVersion && known.size == file.size &&
         known.modified_ns == file.modified_ns && file.modified_ns < known.read_ns - kClockGrain_ns;
}

// What comes of one file: nothing to do, or a document to put.
struct Taken {
  bool replaces = false;
  std::optional<NewDocument> document;
};

Taken take_in(StoreFile& store, const fs::path& path, const AddOptions& options) {
  const std::string name = path.string();
  const std::optional<KnownFile> known = store.known(name);
  if (known && !(known->label == options.label)) store.set_label(known->id, options.label);
  if (known && surely_unchanged(*known, stat_source_file(path))) return {};
  const std::int64_t read_ns = now_ns();
  const SourceFile file = read_source_file(path);
  const std::string hash = sha256_hex(file.bytes);
  if (known && known->hash == hash && known->reader == kReaderVersion) {
    store.touch(known->id, file.size, file.modified_ns, read_ns);
    return {};
  }
  if (const std::string reason = why_not_text(file.bytes); !reason.empty()) {
    throw Error(ErrorCode::kUnsupported, name + ": " + reason);
  }
  NewDocument document{.info = {.path = name,
                                .format = format_of(path.filename().string(), file.bytes),
                                .hash = hash,
                                .size = file.size,
                                .label = options.label},
                       .modified_ns = file.modified_ns,
                       .read_ns = read_ns};
  try {
    const Structure structure = read_structure(document.info.format, file.bytes);
    document.info.title = structure.title.empty() ? path.stem().string() : structure.title;
    document.chunks = cut_into_chunks(file.bytes, structure);
  } catch (const Error& e) {
    throw Error(e.code(), name + ": " + e.message());
  }
  return {.replaces = known.has_value(), .document = std::move(document)};
}

// Documents on their way into the store: many small ones share a transaction and its sync.
class Batch {
 public:
  explicit Batch(StoreFile& store) : store_(store) {}

  void add(NewDocument document) {
    bytes_ += document.info.size;
    documents_.push_back(std::move(document));
    if (documents_.size() >= kMaxDocuments || bytes_ >= kMaxBytes) commit();
  }
  void commit() {
    if (!documents_.empty()) store_.put(documents_);
    documents_.clear();
    bytes_ = 0;
  }

 private:
  static constexpr std::size_t kMaxDocuments = 64;
  static constexpr std::uint64_t kMaxBytes = std::uint64_t{8} << 20U;
  StoreFile& store_;
  std::vector<NewDocument> documents_;
  std::uint64_t bytes_ = 0;
};

// "PATH: reason" without the path, for a list that names it already.
std::string without_path(const std::string& message, const std::string& path) {
  return message.starts_with(path + ": ") ? message.substr(path.size() + 2) : message;
}

}  // namespace

struct Store::Parts {
  Parts(const fs::path& path, bool create, std::unique_ptr<Embedder> embedder)
      : file(path, create), semantics(vector_cache_path(path), std::move(embedder)) {}
  StoreFile file;
  SemanticIndex semantics;
  TermReader reader;
};

Store::Store(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Store Store::open(const fs::path& path, std::unique_ptr<Embedder> embedder) {
  return Store(std::make_unique<Parts>(path, false, std::move(embedder)));
}

Store Store::create(const fs::path& path, std::unique_ptr<Embedder> embedder) {
  return Store(std::make_unique<Parts>(path, true, std::move(embedder)));
}

AddReport Store::add(const fs::path& path, const AddOptions& options) {
  SourceFiles sources = find_source_files(path);
  AddReport report;
  report.skipped = std::move(sources.skipped);
  std::error_code error;
  const bool single = !fs::is_directory(path, error);
  const std::string self = fs::weakly_canonical(parts_->file.path(), error).string();
  std::size_t done = 0;
  Batch batch(parts_->file);
  for (const fs::path& file : sources.files) {
    const std::string name = file.string();
    if (options.stop.stop_requested()) {
      batch.commit();
      throw Error(ErrorCode::kCancelled, "adding was stopped after " + std::to_string(done) +
                                             " of " + std::to_string(sources.files.size()) +
                                             " files; those stay");
    }
    if (options.progress) options.progress(done, sources.files.size(), name);
    ++done;
    Taken taken;
    try {
      if (name.starts_with(self)) {
        const std::string rest = name.substr(self.size());
        if (rest.empty() || rest == "-wal" || rest == "-shm" || rest.starts_with(".vectors")) {
          throw Error(ErrorCode::kInvalid, name + ": the store itself");
        }
      }
      taken = take_in(parts_->file, file, options);
    } catch (const Error& e) {
      // What is wrong with the store is wrong for every file.
      if (single || !e.message().starts_with(name + ": ")) throw;
      report.skipped.push_back({name, without_path(e.message(), name)});
      continue;
    }
    if (!taken.document) {
      ++report.unchanged;
      continue;
    }
    (taken.replaces ? report.replaced : report.added).push_back(name);
    batch.add(std::move(*taken.document));
  }
  batch.commit();
  std::sort(report.skipped.begin(), report.skipped.end(),
            [](const SkippedFile& a, const SkippedFile& b) { return a.path < b.path; });
  return report;
}

std::size_t Store::remove(const fs::path& path) {
  std::error_code error;
  const std::string name = fs::weakly_canonical(fs::absolute(path), error).string();
  const std::size_t removed = parts_->file.remove(error ? path.string() : name);
  if (removed == 0) {
    throw Error(ErrorCode::kNotFound,
                path.string() + ": no such document in the store; see: orkestra index list");
  }
  return removed;
}

std::vector<DocumentInfo> Store::list() { return parts_->file.list(); }

StoreStats Store::stats() {
  StoreStats stats;
  parts_->file.snapshot([&] {
    for (const DocumentInfo& document : parts_->file.list()) {
      ++stats.documents;
      stats.document_bytes += document.size;
    }
    stats.chunks = parts_->file.count_chunks();
    parts_->semantics.describe(parts_->file.state(), stats);
  });
  std::error_code error;
  const auto size = fs::file_size(parts_->file.path(), error);
  if (!error) stats.store_bytes = size;
  return stats;
}

CheckReport Store::check() {
  CheckReport report;
  const std::string path = parts_->file.path().string();
  for (const std::string& each : parts_->file.damage()) {
    report.findings.push_back({true, path, each + "; make the store anew from its files"});
  }
  StoreStats stats;
  parts_->semantics.describe(parts_->file.state(), stats);
  if (stats.vectors != "current") {
    report.findings.push_back(
        {false, vector_cache_path(parts_->file.path()).string(),
         "the vectors are " + stats.vectors + "; the next search makes them anew"});
  }
  for (const DocumentInfo& document : parts_->file.list()) {
    try {
      if (sha256_hex(read_source_file(document.path).bytes) == document.hash) continue;
      report.findings.push_back(
          {false, document.path, "has changed since it was added; add it again"});
    } catch (const Error& e) {
      const bool gone = e.code() == ErrorCode::kNotFound;
      report.findings.push_back(
          {false, document.path,
           gone ? "is gone; remove it from the store" : without_path(e.message(), document.path)});
    }
  }
  return report;
}

void Store::refresh(const Limits& limits,
                    const std::function<void(std::size_t, std::size_t)>& progress) {
  parts_->file.snapshot([&] { parts_->semantics.refresh(parts_->file, limits, progress); });
}

std::vector<Passage> Store::search(std::string_view query, std::size_t count,
                                   const Limits& limits) {
  std::vector<Passage> out;
  parts_->file.snapshot([&] {
    parts_->semantics.refresh(parts_->file, limits, {});
    for (const HybridHit& hit :
         search_hybrid(parts_->file, parts_->semantics, parts_->reader, query, count)) {
      Passage& passage = out.emplace_back(parts_->file.passage(hit.chunk));
      passage.score = hit.score;
      passage.lexical = hit.lexical;
      passage.semantic = hit.semantic;
    }
  });
  return out;
}

OpenedPassage Store::open_passage(const Passage& passage) {
  const SourceFile file = read_source_file(passage.document);
  const std::size_t begin = std::min(passage.begin, file.bytes.size());
  const std::size_t end = std::clamp(passage.end, begin, file.bytes.size());
  return {.bytes = file.bytes.substr(begin, end - begin),
          .changed = sha256_hex(file.bytes) != passage.document_hash};
}

}  // namespace orkestra::retrieval
