// One line on a terminal that is written over while something long runs; nothing elsewhere.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

namespace orkestra::apps {

class ProgressLine {
 public:
  explicit ProgressLine(std::string what)
      : what_(std::move(what)), shown_(isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void at(std::uint64_t done, std::uint64_t total) {
    const int percent = total == 0 ? 100 : static_cast<int>(100 * done / total);
    if (!shown_ || percent == percent_) return;
    percent_ = percent;
    constexpr int kWidth = 30;
    std::string bar(static_cast<std::size_t>(kWidth), '.');
    std::fill_n(bar.begin(), percent * kWidth / 100, '#');
    std::fprintf(stderr, "\r%s [%s] %3d %%", what_.c_str(), bar.c_str(), percent);
  }
  // Before something else is printed.
  void clear() {
    if (shown_ && percent_ >= 0) std::fputs("\r\x1b[K", stderr);
    percent_ = -1;
  }

 private:
  std::string what_;
  bool shown_;
  int percent_ = -1;
};

}  // namespace orkestra::apps
