// Nearest names: the "did you mean" of error messages. A small model that slipped by a letter
// corrects itself when it is shown the name that exists.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra {

// Smallest number of one-byte edits (insert, delete, replace, swap neighbours) that turns `a` into
// `b`, ASCII case aside. Only the first 64 bytes count.
int edit_distance(std::string_view a, std::string_view b);

// The candidates within a third of `word`'s length in edits, or that `word` is a part of; nearest
// first, at most `most`.
std::vector<std::string> nearest(std::string_view word, std::span<const std::string> candidates,
                                 std::size_t most = 3);

}  // namespace orkestra
