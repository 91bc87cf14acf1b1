// Reading a document whole, bounded.
#pragma once

#include <filesystem>
#include <string>

namespace orkestra::planner {

// Throws Error: kNotFound, kDenied, kExhausted (over 32 MiB).
std::string read_document(const std::filesystem::path& file);

}  // namespace orkestra::planner
