// What the launcher is asked to do, as it stands in its argument list: `name=value` words, then
// `--`, then the program and its arguments. Descriptors of the launcher: 0, 1, 2 are the
// program's; 3 is a socket to who asked; 4, 5, ... hold the files, in their order.
//
// On the socket the launcher writes one line: "exit N" (128 + signal), "memory" (stopped for it),
// "program TEXT" (it can't be started) or "refused TEXT" (the tier is not to be had here). When
// the other end is shut down, it ends the program at once.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace orkestra {

inline constexpr int kControlDescriptor = 3;
inline constexpr int kFirstFileDescriptor = 4;
inline constexpr unsigned kInnerId = 1000;    // user and group inside
inline constexpr unsigned kNobodyId = 65534;  // who that is outside when we are root

struct LaunchRequest {
  bool namespaces = true;  // the full tier; else the process tier, in `folder`
  std::string folder;      // process tier: an empty folder of its own
  std::size_t memory_bytes = 0;
  std::size_t work_bytes = 0;
  std::size_t work_files = 0;
  std::size_t cpu_seconds = 0;
  std::size_t processes = 0;
  std::size_t open_files = 0;
  std::vector<std::string> read_only;
  std::vector<std::string> files;
  std::vector<std::string> argv;
};

}  // namespace orkestra
