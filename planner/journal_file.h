// The journal's file: its schema, and opening it without harming a file that is something else.
// The Databases returned belong to the caller.
#pragma once

#include <orkestra/core/database.h>

#include <cstdint>
#include <filesystem>

namespace orkestra::planner {

inline constexpr std::int64_t kJournalApplicationId = 0x4F524B4A;  // "ORKJ"
inline constexpr std::int64_t kJournalFormat = 1;                  // user_version

// Opens the journal for writing; creates file and folders when missing. A file that is not a
// journal, or of a newer format, is refused with kCorrupt before a byte of it is changed.
Database open_journal_file(const std::filesystem::path& path);

// A second connection, for reading beside the writer.
Database open_journal_reader(const std::filesystem::path& path);

}  // namespace orkestra::planner
