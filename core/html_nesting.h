// Bounds how deeply a page's tags nest before a parser sees them: the parser's work per tag grows
// with the depth. Private to core/html*.cpp; pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace orkestra {

// `html` with every tag that would nest deeper than `max_depth` overwritten with spaces, so that
// all byte offsets stay. An estimate in linear time: elements that end implicitly (p, li, td, ...)
// do not count, and markup crafted against it can nest a little deeper.
std::string flatten_nesting(std::string_view html, std::size_t max_depth);

}  // namespace orkestra
