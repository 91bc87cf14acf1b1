// The system call filter of sandboxed programs: a list of what a language interpreter and ordinary
// filters of text need; everything else fails. Part of the launcher program.
#pragma once

namespace orkestra {

enum class NewProcesses { kAllowed, kDenied };  // threads are allowed either way

// Installs the filter in the calling process, for good. It must have set no_new_privs. Throws
// std::runtime_error.
void install_system_call_filter(NewProcesses processes);

}  // namespace orkestra
