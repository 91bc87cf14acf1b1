// Faults while writing: the process is killed, the disk is full. What was acknowledged is there,
// what was not is whole or absent, and the journal goes on.
#include <orkestra/planner/journal.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/planner/faulty_disk.h>
#include <orkestra/tests/planner/journal_files.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

using namespace orkestra;
using namespace orkestra::planner;

namespace {

constexpr int kEvents = 9;

// Appends kEvents events in groups of 1, 2, 3 and writes one byte per acknowledged event to `out`.
void append_all(Journal& journal, const std::string& run, int out) {
  int done = 0;
  for (int group = 1; done < kEvents; group = group % 3 + 1) {
    std::vector<NewEvent> events;
    for (int i = 0; i < group && done < kEvents; ++i) {
      ++done;
      // Some bodies inline, some in the other table.
      const std::size_t length = done % 2 == 0 ? 6000 : 10;
      events.push_back(event("e", {{"n", done}, {"text", std::string(length, 'x')}}));
    }
    const std::size_t count = events.size();
    journal.append(run, 1, std::move(events));
    const std::string acknowledged(count, '!');
    if (write(out, acknowledged.data(), count) != static_cast<ssize_t>(count)) _exit(3);
  }
}

// Runs `child` in a forked process, returns what it wrote to its pipe; it ends by `signal_number`.
template <typename Child>
std::string in_child(int signal_number, Child child) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    close(ends[0]);
    try {
      child(ends[1]);
    } catch (...) {
      _exit(2);
    }
    _exit(0);
  }
  close(ends[1]);
  std::string written;
  char buffer[256];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;) {
    written.append(buffer, static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  if (signal_number == 0) {
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
  } else {
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(WTERMSIG(status) == signal_number);
  }
  return written;
}

}  // namespace

TEST_CASE("killed after any event, exactly the durable events are there") {
  for (int n = 1; n <= kEvents; ++n) {
    INFO("killed after event " << n);
    const Folder folder;
    const auto path = folder / "store.db";
    const std::string run = in_child(SIGKILL, [&](int out) {
      const auto journal = Journal::open(path);
      const auto id = journal->create_run();
      if (write(out, id.data(), id.size()) < 0) _exit(3);
      journal->after_append = [n](const Event& event) {
        if (event.seq == n) raise(SIGKILL);
      };
      const int nowhere = dup(out);
      close(out);
      append_all(*journal, id, nowhere);
    });
    const std::string id = run.substr(0, 13);
    const auto acknowledged = run.size() - id.size();

    const auto journal = Journal::open(path);
    const auto events = journal->read(id);
    // Groups are whole: 1, 3, 6, 7, 9 events.
    const std::vector<std::size_t> whole{1, 3, 6, 7, 9};
    const auto expected =
        *std::lower_bound(whole.begin(), whole.end(), static_cast<std::size_t>(n));
    CHECK(events.size() == expected);
    CHECK(acknowledged <= events.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
      CHECK(std::cmp_equal(events[i].body.at("n").get<int>(), i + 1));
    }
    CHECK(journal->list().at(0).status == "unfinished");

    // The next holder goes on where the durable events end.
    const auto epoch = journal->take_over(id);
    CHECK(epoch == 2);
    CHECK(std::cmp_equal(journal->append(id, epoch, {event("resumed")}).at(0).seq,
                         events.size() + 1));
  }
}

TEST_CASE("killed at any moment, every acknowledged event is there") {
  for (std::size_t acknowledgements = 1; acknowledgements <= 30; ++acknowledgements) {
    INFO("killed after " << acknowledgements << " acknowledgements");
    const Folder folder;
    const auto path = folder / "store.db";
    const auto run = Journal::open(path)->create_run();
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      close(ends[0]);
      try {
        const auto journal = Journal::open(path);
        for (;;) append_all(*journal, run, ends[1]);
      } catch (...) {
      }
      _exit(2);
    }
    close(ends[1]);
    std::size_t seen = 0;
    char buffer[256];
    ssize_t n = 0;
    while (seen < acknowledgements && (n = read(ends[0], buffer, sizeof buffer)) > 0) {
      seen += static_cast<std::size_t>(n);
    }
    kill(pid, SIGKILL);
    while ((n = read(ends[0], buffer, sizeof buffer)) > 0) seen += static_cast<std::size_t>(n);
    close(ends[0]);
    int status = 0;
    REQUIRE(waitpid(pid, &status, 0) == pid);
    REQUIRE(WIFSIGNALED(status));

    const auto events = Journal::open(path)->read(run);
    CHECK(events.size() >= seen);
    CHECK(events.size() <= seen + 3);  // at most the one append that was under way
  }
}

TEST_CASE("whichever write fails, an append is whole or absent, and the journal goes on") {
  using Fault = FaultyDisk::Fault;
  const Fault kind = GENERATE(Fault::kFull, Fault::kInputOutput);
  FaultyDisk disk;
  int rounds = 0;
  for (bool failed = true; failed;) {
    const int nth = ++rounds;
    INFO("from write " << nth << " on, fault " << static_cast<int>(kind));
    REQUIRE(nth < 2000);
    const Folder folder;
    const auto path = folder / "store.db";
    std::string run;
    std::size_t acknowledged = 0;
    {
      const auto journal = Journal::open(path);
      run = journal->create_run();
      journal->append(run, 1, {event("start")});
      acknowledged = 1;
      disk.fail_from(nth, kind);
      bool thrown = false;
      try {
        for (int n = 0; n < 2; ++n) {
          Json body = {{"n", n}, {"text", std::string(9000, 'x')}};
          journal->append(run, 1, {event("small"), event("big", std::move(body))});
          acknowledged += 2;
        }
        journal->forget(journal->read(run).at(2).body_hash);
      } catch (const Error& error) {
        INFO(error.message());
        thrown = true;
        // A full disk may also show as a failed sync of data that could not be placed.
        CHECK((error.code() == ErrorCode::kExhausted || error.code() == ErrorCode::kUnavailable));
      }
      failed = disk.failed();
      CHECK(thrown == failed);
      disk.repair();
      CHECK(journal->read(run).size() == acknowledged);
      CHECK(std::cmp_equal(journal->append(run, 1, {event("again")}).at(0).seq, ++acknowledged));
      CHECK(journal->read(run).size() == acknowledged);
    }
    CHECK(Journal::open(path)->read(run).size() == acknowledged);
  }
  CHECK(rounds > 30);
}

TEST_CASE("whichever write fails while a journal is made, a later open makes it") {
  FaultyDisk disk;
  const auto kind = GENERATE(FaultyDisk::Fault::kFull, FaultyDisk::Fault::kInputOutput);
  int rounds = 0;
  for (bool failed = true; failed;) {
    INFO("from write " << rounds + 1 << " on");
    REQUIRE(++rounds < 2000);
    const Folder folder;
    disk.fail_from(rounds, kind);
    bool thrown = false;
    try {
      Journal::open(folder / "store.db");
    } catch (const Error& error) {
      INFO(error.message());
      thrown = true;
      CHECK((error.code() == ErrorCode::kExhausted || error.code() == ErrorCode::kUnavailable));
    }
    failed = disk.failed();
    // The clean-up after a close may fail unseen: the log it leaves is read at the next open.
    if (thrown) CHECK(failed);
    disk.repair();
    const auto journal = Journal::open(folder / "store.db");
    CHECK(journal->append(journal->create_run(), 1, {event("a")}).size() == 1);
  }
  CHECK(rounds > 5);
}

TEST_CASE("at a file size limit an append fails whole, and goes on when it is lifted") {
  const std::string report = in_child(0, [&](int out) {
    signal(SIGXFSZ, SIG_IGN);
    const auto limit_to = [](rlim_t bytes) {
      rlimit limit{};
      getrlimit(RLIMIT_FSIZE, &limit);
      limit.rlim_cur = bytes;
      setrlimit(RLIMIT_FSIZE, &limit);
    };
    const std::string text(30000, 'x');
    for (rlim_t size = 40000; size < 160000; size += 12000) {
      const Folder folder;
      const auto journal = Journal::open(folder / "store.db");
      const auto run = journal->create_run();
      std::size_t appended = 0;
      bool full = false;
      limit_to(size);
      try {
        for (; appended < 40; appended += 2) {
          Json body = {{"n", appended}, {"text", text}};
          journal->append(run, 1, {event("small"), event("big", std::move(body))});
        }
      } catch (const Error&) {
        full = true;
      }
      limit_to(RLIM_INFINITY);
      bool good = full && journal->read(run).size() == appended;
      journal->append(run, 1, {event("again")});
      good = good && journal->read(run).size() == appended + 1;
      if (write(out, good ? "+" : "-", 1) != 1) _exit(3);
    }
  });
  CHECK(report == "++++++++++");
}
