#include <orkestra/core/error.h>
#include <orkestra/core/hash.h>
#include <orkestra/retrieval/store_file.h>

#include <system_error>

namespace orkestra::retrieval {
namespace {

// AUTOINCREMENT: a chunk's id is never given again, so what is cached under it can't be mistaken.
constexpr const char* kSchema = R"sql(
CREATE TABLE store(
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
CREATE TABLE document(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  path TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  format TEXT NOT NULL,
  hash TEXT NOT NULL,
  size INTEGER NOT NULL,
  modified_ns INTEGER NOT NULL,
  read_ns INTEGER NOT NULL,
  reader INTEGER NOT NULL,
  label TEXT NOT NULL
) STRICT;
CREATE TABLE chunk(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  document INTEGER NOT NULL REFERENCES document(id),
  begin_byte INTEGER NOT NULL,
  end_byte INTEGER NOT NULL,
  verbatim INTEGER NOT NULL,
  headings TEXT NOT NULL,
  text TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE INDEX chunk_of_document ON chunk(document);
INSERT INTO store VALUES('state', '');
)sql";

std::int64_t single_integer(Database& database, std::string_view sql) {
  Statement statement = database.prepare(sql);
  return statement.step() ? statement.integer(0) : 0;
}

void create_schema(Database& database) {
  database.execute(kSchema);
  database.execute(kFtsSchema);
}

// Every table, index, view and trigger as it was created; SQLite's own are left out.
std::string schema_of(Database& database) {
  Statement rows = database.prepare(
      "SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name");
  std::string schema;
  while (rows.step()) schema += rows.text(0) + ";\n";
  return schema;
}

std::string expected_schema() {
  Database database = Database::open(":memory:");
  create_schema(database);
  return schema_of(database);
}

bool is_empty(Database& database) {
  return single_integer(database, "PRAGMA application_id") == 0 &&
         single_integer(database, "SELECT count(*) FROM sqlite_schema") == 0;
}

// Throws unless the file is a store of this format.
void identify(Database& database, const std::filesystem::path& path) {
  if (single_integer(database, "PRAGMA application_id") != kStoreApplicationId) {
    throw Error(ErrorCode::kCorrupt,
                path.string() + ": not a document store. Name another file for the store.");
  }
  const std::int64_t format = single_integer(database, "PRAGMA user_version");
  if (format > kStoreFormat) {
    throw Error(ErrorCode::kUnsupported, path.string() + ": a store of format " +
                                             std::to_string(format) +
                                             ", written by a newer Orkestra; use that one.");
  }
  // Exactly ours: a trigger somebody added would run with every change.
  if (format != kStoreFormat || schema_of(database) != expected_schema()) {
    throw Error(ErrorCode::kCorrupt, path.string() +
                                         ": a damaged store: its tables are not those of format " +
                                         std::to_string(kStoreFormat) + ". Make it anew.");
  }
}

// The file is looked at through a read-only connection first: a mistyped name must not turn
// somebody's database into a store.
Database open_store(const std::filesystem::path& path, bool create) {
  std::error_code failure;
  const bool there = std::filesystem::exists(path, failure);
  if (!there && !create) {
    throw Error(ErrorCode::kNotFound,
                path.string() + ": there is no such store; make one with: orkestra index add");
  }
  if (there && std::filesystem::file_size(path, failure) > 0 && !failure) {
    Database look = Database::open(path, {.read_only = true, .untrusted = true});
    if (!is_empty(look)) identify(look, path);
  }
  if (!there && path.has_parent_path()) {
    std::filesystem::create_directories(path.parent_path(), failure);
    if (failure) {
      throw Error(
          ErrorCode::kDenied,
          path.parent_path().string() + ": the store's folder can't be made: " + failure.message());
    }
  }
  Database database = Database::open(path, {.durable = true, .untrusted = true});
  database.transaction([&] {
    if (!is_empty(database)) return;
    create_schema(database);
    database.execute("PRAGMA application_id = " + std::to_string(kStoreApplicationId));
    database.execute("PRAGMA user_version = " + std::to_string(kStoreFormat));
  });
  identify(database, path);
  return database;
}

std::vector<std::string> headings_from(const std::string& stored, const std::string& where) {
  return reading_json(where,
                      [&] { return parse_json(stored, where).get<std::vector<std::string>>(); });
}

std::string text_to_search(const std::string& title, const std::vector<std::string>& headings,
                           const std::string& text) {
  std::string out = title;
  for (const std::string& heading : headings) {
    if (heading != title) out.append("\n").append(heading);
  }
  return out.append("\n").append(text);
}

Label stored_label(const std::string& text) {
  return label_from_json(parse_json(text, "a document's label"));
}

}  // namespace

StoreFile::StoreFile(const std::filesystem::path& path, bool create)
    : database_(open_store(path, create)), lexical_(make_fts_index(database_)) {}

std::string StoreFile::state() {
  Statement row = database_.prepare("SELECT value FROM store WHERE key = 'state'");
  if (!row.step()) {
    throw Error(ErrorCode::kCorrupt, path().string() + ": a damaged store: it has no state");
  }
  return row.text(0);
}

// Chained over all changes, so that a copy that went another way has another state.
void StoreFile::advance(const std::string& change) {
  const std::string next = sha256_hex(state() + "\n" + change);
  database_.prepare("UPDATE store SET value = ?1 WHERE key = 'state'")
      .bind(1, std::string_view(next))
      .run();
}

std::optional<KnownFile> StoreFile::known(const std::string& path) {
  Statement row = database_.prepare(
      "SELECT id, hash, size, modified_ns, read_ns, reader, label FROM document WHERE path = ?1");
  row.bind(1, std::string_view(path));
  if (!row.step()) return std::nullopt;
  return KnownFile{.id = row.integer(0),
                   .hash = row.text(1),
                   .size = static_cast<std::uint64_t>(row.integer(2)),
                   .modified_ns = row.integer(3),
                   .read_ns = row.integer(4),
                   .reader = static_cast<int>(row.integer(5)),
                   .label = stored_label(row.text(6))};
}

void StoreFile::forget(std::int64_t document) {
  Statement chunks = database_.prepare("SELECT id FROM chunk WHERE document = ?1");
  chunks.bind(1, document);
  while (chunks.step()) lexical_->erase(chunks.integer(0));
  database_.prepare("DELETE FROM chunk WHERE document = ?1").bind(1, document).run();
  database_.prepare("DELETE FROM document WHERE id = ?1").bind(1, document).run();
}

void StoreFile::put(std::span<const NewDocument> documents) {
  database_.transaction([&] {
    for (const NewDocument& document : documents) put_one(document);
  });
}

void StoreFile::put_one(const NewDocument& document) {
  const DocumentInfo& info = document.info;
  if (const auto before = known(info.path)) forget(before->id);
  Statement insert = database_.prepare(
      "INSERT INTO document(path, title, format, hash, size, modified_ns, read_ns, reader, label)"
      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id");
  insert.bind(1, std::string_view(info.path))
      .bind(2, std::string_view(info.title))
      .bind(3, name_of(info.format))
      .bind(4, std::string_view(info.hash))
      .bind(5, static_cast<std::int64_t>(info.size))
      .bind(6, document.modified_ns)
      .bind(7, document.read_ns)
      .bind(8, std::int64_t{kReaderVersion})
      .bind(9, std::string_view(dump_json(to_json(info.label))));
  insert.step();
  const std::int64_t id = insert.integer(0);
  insert.run();
  Statement add = database_.prepare(
      "INSERT INTO chunk(document, begin_byte, end_byte, verbatim, headings, text, hash)"
      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id");
  for (const Chunk& chunk : document.chunks) {
    // As they will be read back: stored JSON has no bytes that are not UTF-8.
    const std::string headings = dump_json(Json(chunk.headings));
    const std::string text =
        text_to_search(info.title, headings_from(headings, path().string()), chunk.text);
    add.bind(1, id)
        .bind(2, static_cast<std::int64_t>(chunk.begin))
        .bind(3, static_cast<std::int64_t>(chunk.end))
        .bind(4, std::int64_t{chunk.verbatim})
        .bind(5, std::string_view(headings))
        .bind(6, std::string_view(chunk.text))
        .bind(7, std::string_view(sha256_hex(text)));
    add.step();
    const std::int64_t added = add.integer(0);
    add.run();
    lexical_->put(added, terms_.read(text));
  }
  advance("put " + std::to_string(id) + " " + info.hash + " " + info.path);
}

void StoreFile::touch(std::int64_t document, std::uint64_t size, std::int64_t modified_ns,
                      std::int64_t read_ns) {
  database_.prepare("UPDATE document SET size = ?2, modified_ns = ?3, read_ns = ?4 WHERE id = ?1")
      .bind(1, document)
      .bind(2, static_cast<std::int64_t>(size))
      .bind(3, modified_ns)
      .bind(4, read_ns)
      .run();
}

void StoreFile::set_label(std::int64_t document, Label label) {
  database_.prepare("UPDATE document SET label = ?2 WHERE id = ?1")
      .bind(1, document)
      .bind(2, std::string_view(dump_json(to_json(label))))
      .run();
}

std::size_t StoreFile::remove(const std::string& path) {
  std::size_t removed = 0;
  database_.transaction([&] {
    // A range, not LIKE: a path may hold % and _. '0' follows '/'.
    const std::string below = path.ends_with('/') ? path : path + "/";
    const std::string behind = below.substr(0, below.size() - 1) + "0";
    Statement rows = database_.prepare(
        "SELECT id FROM document WHERE path = ?1 OR (path >= ?2 AND path < ?3) ORDER BY id");
    rows.bind(1, std::string_view(path))
        .bind(2, std::string_view(below))
        .bind(3, std::string_view(behind));
    std::vector<std::int64_t> documents;
    while (rows.step()) documents.push_back(rows.integer(0));
    for (const std::int64_t document : documents) {
      forget(document);
      advance("remove " + std::to_string(document));
    }
    removed = documents.size();
  });
  return removed;
}

std::vector<DocumentInfo> StoreFile::list() {
  Statement rows = database_.prepare(
      "SELECT path, title, format, hash, size, label,"
      " (SELECT count(*) FROM chunk WHERE chunk.document = document.id) FROM document"
      " ORDER BY path");
  std::vector<DocumentInfo> out;
  while (rows.step()) {
    out.push_back({.path = rows.text(0),
                   .title = rows.text(1),
                   .format = format_from_name(rows.text(2)),
                   .hash = rows.text(3),
                   .size = static_cast<std::uint64_t>(rows.integer(4)),
                   .label = stored_label(rows.text(5)),
                   .chunks = static_cast<std::size_t>(rows.integer(6))});
  }
  return out;
}

std::size_t StoreFile::count_chunks() {
  return static_cast<std::size_t>(single_integer(database_, "SELECT count(*) FROM chunk"));
}

std::vector<std::pair<std::int64_t, std::string>> StoreFile::chunk_hashes() {
  Statement rows = database_.prepare("SELECT id, hash FROM chunk ORDER BY id");
  std::vector<std::pair<std::int64_t, std::string>> out;
  while (rows.step()) out.emplace_back(rows.integer(0), rows.text(1));
  return out;
}

void StoreFile::each_chunk(const std::function<void(const ChunkText&)>& visit) {
  Statement rows = database_.prepare(
      "SELECT chunk.id, chunk.hash, title, headings, text FROM chunk"
      " JOIN document ON document.id = chunk.document ORDER BY chunk.id");
  while (rows.step()) {
    visit({.chunk = rows.integer(0),
           .hash = rows.text(1),
           .text = text_to_search(rows.text(2), headings_from(rows.text(3), path().string()),
                                  rows.text(4))});
  }
}

std::string StoreFile::chunk_text(std::int64_t chunk) {
  const Passage found = passage(chunk);
  return text_to_search(found.title, found.headings, found.text);
}

Passage StoreFile::passage(std::int64_t chunk) {
  Statement row = database_.prepare(
      "SELECT path, document.hash, title, headings, text, begin_byte, end_byte, verbatim, label"
      " FROM chunk JOIN document ON document.id = chunk.document WHERE chunk.id = ?1");
  row.bind(1, chunk);
  if (!row.step()) {
    throw Error(ErrorCode::kCorrupt, path().string() + ": a damaged store: the index names chunk " +
                                         std::to_string(chunk) +
                                         ", which is not there. Make the store anew.");
  }
  return {.chunk = chunk,
          .document = row.text(0),
          .document_hash = row.text(1),
          .title = row.text(2),
          .headings = headings_from(row.text(3), path().string()),
          .text = row.text(4),
          .begin = static_cast<std::size_t>(row.integer(5)),
          .end = static_cast<std::size_t>(row.integer(6)),
          .verbatim = row.integer(7) != 0,
          .label = stored_label(row.text(8))};
}

void StoreFile::snapshot(const std::function<void()>& work) {
  database_.execute("BEGIN");
  try {
    work();
  } catch (...) {
    try {
      database_.execute("ROLLBACK");
    } catch (const Error&) {
      // SQLite has rolled back by itself after some errors.
    }
    throw;
  }
  database_.execute("COMMIT");
}

std::vector<std::string> StoreFile::damage() {
  std::vector<std::string> out;
  Statement check = database_.prepare("PRAGMA integrity_check");
  while (check.step()) {
    if (check.text(0) != "ok") out.push_back(check.text(0));
  }
  if (const std::string lexical = lexical_->damage(); !lexical.empty()) {
    out.push_back("the lexical index: " + lexical);
  }
  const auto count = [&](const char* what, const char* sql) {
    if (const std::int64_t n = single_integer(database_, sql); n > 0) {
      out.push_back(std::to_string(n) + " " + what);
    }
  };
  count("chunks without a document",
        "SELECT count(*) FROM chunk WHERE document NOT IN (SELECT id FROM document)");
  count("chunks missing from the lexical index",
        "SELECT count(*) FROM chunk WHERE id NOT IN (SELECT rowid FROM lexical)");
  count("entries of the lexical index without a chunk",
        "SELECT count(*) FROM lexical WHERE rowid NOT IN (SELECT id FROM chunk)");
  each_chunk([&](const ChunkText& chunk) {
    if (sha256_hex(chunk.text) != chunk.hash) {
      out.push_back("the text of chunk " + std::to_string(chunk.chunk) + " is not what was stored");
    }
  });
  return out;
}

}  // namespace orkestra::retrieval
