// Acts of a person upon a run from outside its loop: answering what it asked, calling it off.
// Each takes the run over, so that a process still working on it is fenced. Any thread.
#pragma once

#include <orkestra/core/clock.h>
#include <orkestra/planner/journal.h>

#include <string>

namespace orkestra::planner {

struct Approval {
  bool approved = false;
  std::string by = "user";  // who answered, for the audit
  std::string note{};       // told to the model when declined
};

// Journals the answer to the run's open question; the run can then be resumed. Throws kNotFound,
// kConflict when the run asks nothing.
void answer_question(Journal& journal, Clock& clock, const std::string& run,
                     const Approval& approval);

// Ends an unfinished run as "cancelled". Throws kNotFound, kConflict when it has finished.
void cancel_run(Journal& journal, Clock& clock, const std::string& run, const std::string& reason);

}  // namespace orkestra::planner
