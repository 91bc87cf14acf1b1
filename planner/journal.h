// Journal: the append-only, hash-chained record of every run, in one SQLite file. The journal is
// the run: state, trace, report and replay are folds over its events.
//
// Owns its database. Any number of threads and processes may use one file. Thread-safe: appends of
// several runs are committed together by one writer thread (group commit); append returns when its
// events are durable (synchronous=FULL). Bodies larger than 4 KiB are stored once, by hash, in
// another table, so that a text can be forgotten while the chain still holds.
#pragma once

#include <orkestra/core/evidence.h>
#include <orkestra/core/json.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace orkestra::planner {

struct Event {
  std::string run;
  std::int64_t seq = 0;    // 1, 2, ... within the run
  std::int64_t epoch = 0;  // which opening of the run wrote it
  std::string branch;      // "main", "main/2", ...
  std::string kind;        // "run_started", "tool_intended", ...
  int version = 1;         // of the body's form
  std::int64_t at_ms = 0;  // unix milliseconds
  Label label;
  Json body = Json::object();
  std::string prev_hash{};  // hash of the event before it; "" for the first
  std::string hash{};       // sha256_hex over all of the above in a fixed form (journal_chain.h)
  std::string body_hash{};  // sha256_hex(dump_json(body)): what the hash covers of the body
};

// An event before the journal has numbered it.
struct NewEvent {
  std::string branch = "main";
  std::string kind;
  std::int64_t at_ms = 0;
  Label label{};
  Json body = Json::object();
  int version = 1;
};

struct RunSummary {
  std::string run;
  std::int64_t started_ms = 0;
  std::int64_t last_ms = 0;
  std::int64_t events = 0;
  std::string task{};  // from the first event's body["task"], "" if there is none
  // From the last event: body["status"] of "run_finished", "waiting" after "approval_requested",
  // else "unfinished"; "corrupt" when that can't be read.
  std::string status{};
};

class Journal {
 public:
  // Creates the file (and folders) when missing. Throws Error: kCorrupt when it is not a journal
  // or its schema is newer, kExhausted on a full disk, kConflict.
  static std::unique_ptr<Journal> open(const std::filesystem::path& path);
  virtual ~Journal() = default;

  // A new run's id ("r" + 12 random hex digits) with epoch 1.
  virtual std::string create_run() = 0;
  // Takes the run over: the epoch goes up, so that an earlier holder's appends fail with
  // kConflict. Throws kNotFound.
  virtual std::int64_t take_over(const std::string& run) = 0;
  // Appends all or nothing and returns them numbered. Throws kConflict (another epoch),
  // kExhausted (disk full: nothing is half written), kCorrupt, kInvalid (a body over 64 MiB or
  // 200 levels deep).
  virtual std::vector<Event> append(const std::string& run, std::int64_t epoch,
                                    std::vector<NewEvent> events) = 0;
  // Every event in order, the chain checked. Throws kNotFound; kCorrupt naming the first event
  // that does not hold. A forgotten body reads as {"forgotten": hash}.
  virtual std::vector<Event> read(const std::string& run) = 0;
  virtual std::vector<RunSummary> list() = 0;  // oldest first
  // Erases the stored body of that hash, everywhere in the file. The chain still checks. Throws
  // kNotFound; kConflict while another process reads the file: forget again when it is done.
  virtual void forget(const std::string& body_hash) = 0;

  // Called on the writer's thread for each event once it is durable, before append returns (fault
  // injection in tests). Set it before the first append.
  std::function<void(const Event&)> after_append;
};

}  // namespace orkestra::planner
