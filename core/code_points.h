// CodePoints: a set of Unicode code points, as sorted ranges. A value.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace orkestra {

struct CodeRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;  // included
  friend bool operator==(const CodeRange&, const CodeRange&) = default;
};

class CodePoints {
 public:
  static constexpr std::uint32_t kLast = 0x10FFFF;

  CodePoints() = default;
  explicit CodePoints(std::vector<CodeRange> ranges);
  static CodePoints all() { return CodePoints({{0, kLast}}); }

  void add(std::uint32_t first, std::uint32_t last);
  void add(const CodePoints& other);
  CodePoints complement() const;
  CodePoints intersection(const CodePoints& other) const;
  bool contains(std::uint32_t code_point) const;
  bool empty() const { return ranges_.empty(); }
  const std::vector<CodeRange>& ranges() const { return ranges_; }  // sorted, with gaps between
  friend bool operator==(const CodePoints&, const CodePoints&) = default;

 private:
  void normalize();
  std::vector<CodeRange> ranges_;
};

// The code points of a Unicode general category ("L", "Lu", "Letter", "Uppercase_Letter") or of
// "Any", "ASCII"; nullopt for a name that is none of these (scripts are not known).
std::optional<CodePoints> unicode_property(std::string_view name);

}  // namespace orkestra
