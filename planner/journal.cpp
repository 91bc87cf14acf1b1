#include <orkestra/core/database.h>
#include <orkestra/core/hash.h>
#include <orkestra/planner/journal.h>
#include <orkestra/planner/journal_chain.h>
#include <orkestra/planner/journal_file.h>
#include <orkestra/planner/journal_writer.h>

#include <mutex>
#include <optional>
#include <random>
#include <utility>

namespace orkestra::planner {
namespace {

constexpr std::size_t kInlineBodyBytes = 4096;
// What append refuses, read would refuse too: the same door checks both.
constexpr JsonLimits kBodyLimits{.max_bytes = std::size_t{64} << 20U, .max_depth = 200};

// An event that only lacks its place in the run.
struct Prepared {
  Event event;
  std::string label;  // as stored
  std::string body;   // as stored
};

Prepared prepare(const std::string& run, std::int64_t epoch, NewEvent event) {
  if (event.kind.empty()) {
    throw Error(ErrorCode::kInvalid, "an event for run " + run + " has no kind");
  }
  Prepared prepared;
  prepared.label = dump_json(to_json(event.label));
  prepared.body = dump_json(event.body);
  prepared.event = {.run = run,
                    .epoch = epoch,
                    .branch = std::move(event.branch),
                    .kind = std::move(event.kind),
                    .version = event.version,
                    .at_ms = event.at_ms,
                    .label = event.label};
  // Read back, so that a live run continues from exactly what a resumed one would.
  prepared.event.body =
      parse_json(prepared.body, "the body of a " + prepared.event.kind + " event", kBodyLimits);
  prepared.event.body_hash = sha256_hex(prepared.body);
  return prepared;
}

ChainFields chain_fields(const Event& event, std::string_view label) {
  return {.run = event.run,
          .seq = event.seq,
          .epoch = event.epoch,
          .branch = event.branch,
          .kind = event.kind,
          .version = event.version,
          .at_ms = event.at_ms,
          .label = label,
          .body_hash = event.body_hash,
          .prev_hash = event.prev_hash};
}

void insert(Database& database, const Prepared& prepared) {
  const Event& event = prepared.event;
  Statement statement = database.prepare(
      "INSERT INTO event(run, seq, epoch, branch, kind, version, at, label, body, body_hash, "
      "prev_hash, hash) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
  statement.bind(1, event.run).bind(2, event.seq).bind(3, event.epoch).bind(4, event.branch);
  statement.bind(5, event.kind).bind(6, std::int64_t{event.version}).bind(7, event.at_ms);
  statement.bind(8, prepared.label).bind(10, event.body_hash);
  statement.bind(11, event.prev_hash).bind(12, event.hash);
  if (prepared.body.size() <= kInlineBodyBytes) {
    statement.bind(9, prepared.body);
  } else {
    statement.bind_null(9);
    database.prepare("INSERT OR IGNORE INTO blob(hash, bytes) VALUES(?1, ?2)")
        .bind(1, event.body_hash)
        .bind(2, prepared.body)
        .run();
  }
  try {
    statement.run();
  } catch (const Error& error) {
    // The transaction holds the only lock, so a conflict is one with the file's own triggers.
    if (error.code() != ErrorCode::kConflict) throw;
    throw Error(ErrorCode::kCorrupt, "run " + event.run + ": its events don't add up to " +
                                         std::to_string(event.seq - 1) + ": " + error.message());
  }
}

std::optional<Error> append_prepared(Database& database, const std::string& run, std::int64_t epoch,
                                     std::vector<Prepared>& events) {
  std::int64_t count = 0;
  std::string head;
  {
    Statement find = database.prepare("SELECT epoch, events, head FROM run WHERE id = ?1");
    if (!find.bind(1, run).step()) return Error(ErrorCode::kNotFound, "no run " + run);
    if (find.integer(0) != epoch) {
      return Error(ErrorCode::kConflict, "run " + run + " was taken over: its epoch is " +
                                             std::to_string(find.integer(0)) +
                                             ", this holder's is " + std::to_string(epoch) +
                                             ". Stop here; the other holder continues it.");
    }
    count = find.integer(1);
    head = find.text(2);
  }
  for (Prepared& prepared : events) {
    prepared.event.seq = ++count;
    prepared.event.prev_hash = std::exchange(head, {});
    prepared.event.hash = chain_hash(chain_fields(prepared.event, prepared.label));
    head = prepared.event.hash;
    insert(database, prepared);
  }
  database.prepare("UPDATE run SET events = ?2, head = ?3 WHERE id = ?1")
      .bind(1, run)
      .bind(2, count)
      .bind(3, head)
      .run();
  return std::nullopt;
}

// Columns of kReadEvents.
enum Column {
  kRunEvents,
  kRunHead,
  kRunEpoch,
  kSeq,
  kEpoch,
  kBranch,
  kKind,
  kVersion,
  kAt,
  kLabel,
  kBody,
  kBodyHash,
  kPrevHash,
  kHash,
  kForgotten
};
// One statement, so one snapshot: a run that grows meanwhile still adds up.
constexpr std::string_view kReadEvents =
    "SELECT run.events, run.head, run.epoch, event.seq, event.epoch, event.branch, event.kind, "
    "event.version, event.at, event.label, coalesce(event.body, blob.bytes), event.body_hash, "
    "event.prev_hash, event.hash, forgotten.hash IS NOT NULL "
    "FROM run LEFT JOIN event ON event.run = run.id "
    "LEFT JOIN blob ON blob.hash = event.body_hash AND event.body IS NULL "
    "LEFT JOIN forgotten ON forgotten.hash = event.body_hash "
    "WHERE run.id = ?1 ORDER BY event.seq";

// Checks the event in `row` against the one before it, and takes it apart.
Event read_event(const Statement& row, const std::string& run, const Event& before) {
  const std::int64_t seq = before.seq + 1;
  const auto broken = [&](const std::string& cause) {
    return Error(ErrorCode::kCorrupt, "run " + run + ": event " + std::to_string(seq) + " " +
                                          cause + ": the journal was changed or damaged");
  };
  if (row.integer(kSeq) != seq) throw broken("is missing");
  Event event;
  event.run = run;
  event.seq = seq;
  event.epoch = row.integer(kEpoch);
  event.branch = row.text(kBranch);
  event.kind = row.text(kKind);
  event.version = static_cast<int>(row.integer(kVersion));
  event.at_ms = row.integer(kAt);
  event.body_hash = row.text(kBodyHash);
  event.prev_hash = row.text(kPrevHash);
  event.hash = row.text(kHash);
  const std::string label = row.text(kLabel);
  if (event.prev_hash != before.hash) throw broken("does not follow the one before it");
  if (row.integer(kVersion) != event.version ||
      event.hash != chain_hash(chain_fields(event, label))) {
    throw broken("does not have its hash");
  }
  if (event.epoch < before.epoch || event.epoch > row.integer(kRunEpoch)) {
    throw broken("has an epoch out of order");
  }
  try {
    event.label = label_from_json(parse_json(label, "label"));
    if (!row.is_null(kBody)) {
      const std::string body = row.text(kBody);
      if (sha256_hex(body) != event.body_hash) throw broken("does not have its body");
      event.body = parse_json(body, "body", kBodyLimits);
    } else if (row.integer(kForgotten) != 0) {
      event.body = Json{{"forgotten", event.body_hash}};
    } else {
      throw broken("lost its body");
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalid) throw;
    throw broken("can't be read (" + error.message() + ")");
  }
  return event;
}

// The journal's own SQL is fixed: when a statement does not compile, the file is at fault.
template <typename Work>
auto on_file(const std::filesystem::path& path, Work work) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalid && error.code() != ErrorCode::kInternal) throw;
    throw Error(ErrorCode::kCorrupt, path.string() + ": a damaged journal: " + error.message());
  }
}

class SqliteJournal final : public Journal {
 public:
  explicit SqliteJournal(const std::filesystem::path& path)
      : path_(path), writer_(open_journal_file(path)), reader_(open_journal_reader(path)) {}

  std::string create_run() override {
    std::string id;
    write({.apply = [&](Database& database) -> std::optional<Error> {
      Statement find = database.prepare("SELECT 1 FROM run WHERE id = ?1");
      do {
        id = random_id();
        find.reset();
      } while (find.bind(1, id).step());
      database.prepare("INSERT INTO run(id, epoch, events, head) VALUES(?1, 1, 0, '')")
          .bind(1, id)
          .run();
      return std::nullopt;
    }});
    return id;
  }

  std::int64_t take_over(const std::string& run) override {
    std::int64_t epoch = 0;
    write({.apply = [&](Database& database) -> std::optional<Error> {
      {
        Statement find = database.prepare("SELECT epoch FROM run WHERE id = ?1");
        if (!find.bind(1, run).step()) return Error(ErrorCode::kNotFound, "no run " + run);
        epoch = find.integer(0) + 1;
      }
      database.prepare("UPDATE run SET epoch = ?2 WHERE id = ?1").bind(1, run).bind(2, epoch).run();
      return std::nullopt;
    }});
    return epoch;
  }

  std::vector<Event> append(const std::string& run, std::int64_t epoch,
                            std::vector<NewEvent> events) override {
    std::vector<Prepared> prepared;
    prepared.reserve(events.size());
    for (NewEvent& event : events) prepared.push_back(prepare(run, epoch, std::move(event)));
    write({.apply =
               [&](Database& database) { return append_prepared(database, run, epoch, prepared); },
           .committed =
               [&](Database&) {
                 if (!after_append) return;
                 for (const Prepared& each : prepared) after_append(each.event);
               }});
    std::vector<Event> appended;
    appended.reserve(prepared.size());
    for (Prepared& each : prepared) appended.push_back(std::move(each.event));
    return appended;
  }

  std::vector<Event> read(const std::string& run) override {
    return on_file(path_, [&] {
      const std::lock_guard lock(reader_mutex_);
      Statement rows = reader_.prepare(kReadEvents);
      rows.bind(1, run);
      std::vector<Event> events;
      if (!rows.step()) throw Error(ErrorCode::kNotFound, "no run " + run);
      const std::int64_t expected = rows.integer(kRunEvents);
      const std::string head = rows.text(kRunHead);
      if (!rows.is_null(kSeq)) {
        do {
          events.push_back(read_event(rows, run, events.empty() ? Event{} : events.back()));
        } while (rows.step());
      }
      if (std::cmp_not_equal(events.size(), expected) ||
          head != (events.empty() ? "" : events.back().hash)) {
        throw Error(ErrorCode::kCorrupt, "run " + run + ": event " +
                                             std::to_string(events.size() + 1) +
                                             " is missing: the journal was changed or damaged");
      }
      return events;
    });
  }

  std::vector<RunSummary> list() override;
  void forget(const std::string& body_hash) override;

 private:
  static std::string random_id() {
    std::random_device random;
    std::string id = "r";
    for (int i = 0; i < 12; ++i) id += "0123456789abcdef"[random() % 16];
    return id;
  }

  void write(JournalWriter::Change change) {
    on_file(path_, [&] { writer_.write(std::move(change)); });
  }

  const std::filesystem::path path_;
  JournalWriter writer_;
  std::mutex reader_mutex_;
  Database reader_;  // guarded by reader_mutex_; closed before the writer's connection
};

// What the first or last event of a run tells about it; null when it is gone or forgotten.
Json body_of(const Statement& row, int column) {
  if (row.is_null(column)) return nullptr;
  return parse_json(row.text(column), "body", kBodyLimits);
}

std::string text_member(const Json& body, const char* name) {
  if (!body.is_object() || !body.contains(name) || !body.at(name).is_string()) return "";
  return body.at(name).get<std::string>();
}

std::vector<RunSummary> SqliteJournal::list() {
  return on_file(path_, [&] {
    const std::lock_guard lock(reader_mutex_);
    Statement rows = reader_.prepare(
        "SELECT run.id, run.events, first.at, last.at, coalesce(first.body, first_blob.bytes), "
        "last.kind, coalesce(last.body, last_blob.bytes) FROM run "
        "LEFT JOIN event AS first ON first.run = run.id AND first.seq = 1 "
        "LEFT JOIN event AS last ON last.run = run.id AND last.seq = run.events "
        "LEFT JOIN blob AS first_blob ON first_blob.hash = first.body_hash "
        "LEFT JOIN blob AS last_blob ON last_blob.hash = last.body_hash "
        "ORDER BY run.rowid");
    std::vector<RunSummary> runs;
    while (rows.step()) {
      RunSummary summary{.run = rows.text(0), .events = rows.integer(1), .status = "unfinished"};
      if (!rows.is_null(2)) summary.started_ms = rows.integer(2);
      if (!rows.is_null(3)) summary.last_ms = rows.integer(3);
      try {
        summary.task = text_member(body_of(rows, 4), "task");
        if (!rows.is_null(5) && rows.text(5) == "run_finished") {
          summary.status = text_member(body_of(rows, 6), "status");
        }
        if (!rows.is_null(5) && rows.text(5) == "approval_requested") summary.status = "waiting";
      } catch (const Error&) {
        // One damaged run must not hide the others; reading it says what is wrong.
        summary.status = "corrupt";
      }
      runs.push_back(std::move(summary));
    }
    return runs;
  });
}

void SqliteJournal::forget(const std::string& body_hash) {
  const auto erase = [&](Database& database) -> std::optional<Error> {
    {
      Statement find = database.prepare("SELECT 1 FROM event WHERE body_hash = ?1 LIMIT 1");
      if (!find.bind(1, body_hash).step()) {
        return Error(ErrorCode::kNotFound, "no event has a body with the hash " + body_hash);
      }
    }
    database.prepare("INSERT OR IGNORE INTO forgotten(hash) VALUES(?1)").bind(1, body_hash).run();
    database.prepare("DELETE FROM blob WHERE hash = ?1").bind(1, body_hash).run();
    database.prepare("UPDATE event SET body = NULL WHERE body_hash = ?1 AND body IS NOT NULL")
        .bind(1, body_hash)
        .run();
    return std::nullopt;
  };
  // The write-ahead log still holds the old pages until it is cut off.
  const auto cut_log = [&](Database& database) {
    Statement checkpoint = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
    if (checkpoint.step() && checkpoint.integer(0) != 0) {
      throw Error(ErrorCode::kConflict,
                  path_.string() +
                      ": the body is forgotten, but somebody reads the journal and its log still "
                      "holds the bytes. Forget it again when they are done.");
    }
  };
  write({.apply = erase, .committed = cut_log});
}

}  // namespace

std::unique_ptr<Journal> Journal::open(const std::filesystem::path& path) {
  return std::make_unique<SqliteJournal>(path);
}

}  // namespace orkestra::planner
