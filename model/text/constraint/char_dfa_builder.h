// CharDfaBuilder: states and edges in any form, then a CharDfa of what is left when all that leads
// nowhere is dropped. Used within one function.
#pragma once

#include <orkestra/model/text/constraint/char_dfa.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace orkestra::model {

// Code points that text can hold: all but surrogates.
const CodePoints& text_code_points();

class CharDfaBuilder {
 public:
  // `scale`: how many times the usual bounds are allowed.
  explicit CharDfaBuilder(std::size_t scale = 1) : scale_(scale) {}
  std::uint32_t state(bool accepts);  // the first one is the start
  // Edges of one state must come in ascending order and not overlap.
  void edge(std::uint32_t from, CharDfa::Edge edge);
  CharDfa finish() &&;

 private:
  struct State {
    std::vector<CharDfa::Edge> edges{};
    bool accepts = false;
  };
  void check() const;
  std::size_t scale_;
  std::vector<State> states_;
  std::size_t edges_ = 0;
};

}  // namespace orkestra::model
