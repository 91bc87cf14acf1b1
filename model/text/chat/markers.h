// Markers: the pieces by which models set reasoning and tool calls apart from what they say. They
// are the template's and the model's to write; message text never becomes one.
#pragma once

#include <string>
#include <string_view>

namespace orkestra::model {

// What stands around a model's reasoning; both "" when its template shows none.
struct ReasoningMarkers {
  std::string begin{};
  std::string end{};
  bool empty() const { return end.empty(); }
};

// The pair that a template's source names.
ReasoningMarkers detect_reasoning(std::string_view template_source);

// Whether a vocabulary's piece is a marker. Some files call them control tokens, but a model has to
// write them and a reader has to see them.
bool is_marker(std::string_view piece);

}  // namespace orkestra::model
