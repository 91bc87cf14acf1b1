// FaultyDisk: while one lives, SQLite's writes, syncs, truncations and log-index growth of this
// process are counted, and from the n-th on they fail as on a full or failing disk. For one test
// at a time; Databases opened meanwhile must be closed before it goes.
#pragma once

namespace orkestra::planner {

class FaultyDisk {
 public:
  FaultyDisk();
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  enum class Fault { kFull, kInputOutput };
  // The `nth` write from now on (1 = the next) fails, and all after it, until repair.
  void fail_from(int nth, Fault fault);
  void repair();
  bool failed() const;  // since fail_from
};

}  // namespace orkestra::planner
