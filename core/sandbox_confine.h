// The last steps of a sandboxed process before its program: limits and rights. Part of the
// launcher program.
#pragma once

#include <orkestra/core/sandbox_request.h>

namespace orkestra {

// Resource limits of this process and what it starts. Throws std::runtime_error.
void limit_resources(const LaunchRequest& request);

// Number of processes and threads: `others` run already. Throws std::runtime_error when the
// kernel doesn't hold this user to it (it never does for the real root).
void limit_processes(std::size_t processes, std::size_t others);

// No capability, now or later, and no way to get rights by starting a program.
void drop_rights();

}  // namespace orkestra
