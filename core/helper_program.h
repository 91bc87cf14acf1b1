// The small programs Orkestra starts as children: the sandbox launcher, the plugin host. They lie
// beside the program that runs (the build tree), in ../libexec/orkestra from there (an
// installation, wherever it was moved), or in the libexec/orkestra of the prefix that was
// configured. Pure look-up, any thread.
#pragma once

#include <filesystem>
#include <string_view>

namespace orkestra {

// Throws Error{kUnavailable} naming the program and the places that were looked at.
std::filesystem::path find_helper_program(std::string_view name);

}  // namespace orkestra
