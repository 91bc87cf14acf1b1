// The file system a sandboxed program sees, built from nothing in the mount namespace of the
// calling process. Part of the launcher program.
#pragma once

#include <orkestra/core/sandbox_request.h>

namespace orkestra {

// Replaces the root: what is to be read is bound read-only, /work is a bounded file system in
// memory, all else is gone. Ends in /work. Throws std::runtime_error naming what was refused.
void enter_sandbox_root(const LaunchRequest& request);

// Writes the files of the request into the current folder.
void place_files(const LaunchRequest& request);

}  // namespace orkestra
