// Embedder: texts as vectors whose inner product says how alike they mean. An embedder belongs to
// whoever made it and is used by one thread at a time.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::retrieval {

class Embedder {
 public:
  virtual ~Embedder() = default;
  // Name and version. Vectors made under another id are never compared with these.
  virtual std::string id() const = 0;
  virtual std::size_t dimension() const = 0;
  // [texts, dimension], each row of length 1, or zero when nothing is known of its text. The same
  // text always gives the same row. May throw Error.
  virtual std::vector<float> embed_documents(std::span<const std::string_view> texts) = 0;
  virtual std::vector<float> embed_query(std::string_view text) = 0;
};

}  // namespace orkestra::retrieval
