// What a ConstraintMatcher holds; shared with TokenTrie, which explores copies of it.
#pragma once

#include <orkestra/model/text/constraint/constraint_automaton.h>
#include <orkestra/model/text/constraint/constraint_threads.h>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace orkestra::model {

struct ConstraintMatcher::State {
  explicit State(std::shared_ptr<const ConstraintProgram> of)
      : program(std::move(of)), simulation(*program) {
    simulation.start(set);
  }
  std::shared_ptr<const ConstraintProgram> program;
  Simulation simulation;
  ThreadSet set;
  ThreadSet before;  // the last accept(): `set` as it was, and the frames there were
  std::size_t mark_before = 0;
  // Of a walk through a vocabulary: after so many bytes.
  std::vector<ThreadSet> at_depth;
  std::vector<std::size_t> marks;
};

}  // namespace orkestra::model
