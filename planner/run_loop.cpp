#include <orkestra/planner/next.h>
#include <orkestra/planner/run_loop.h>

#include <variant>

namespace orkestra::planner {

void run_to_end(Executor& executor, RunState& state) {
  while (true) {
    const Action action = next(state);
    if (std::holds_alternative<Stop>(action) || std::holds_alternative<Await>(action)) return;
    executor.perform(action, state);
  }
}

}  // namespace orkestra::planner
