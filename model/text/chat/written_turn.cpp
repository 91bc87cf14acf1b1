#include <orkestra/model/text/chat/written_turn.h>

#include <algorithm>
#include <utility>

namespace orkestra::model {
namespace {

std::string_view left_trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text;
}

std::string_view trimmed(std::string_view text) {
  text = left_trimmed(text);
  return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

}  // namespace

WrittenTurn read_turn(std::string_view written, const ChatTraits& traits, bool in_reasoning,
                      bool tools) {
  const ReasoningMarkers& markers = traits.reasoning;
  std::string_view reasoning;
  const bool begun =
      !markers.empty() && !in_reasoning && left_trimmed(written).starts_with(markers.begin);
  if (begun) written = left_trimmed(written).substr(markers.begin.size());
  if (begun || (in_reasoning && !markers.empty())) {
    const std::size_t end = written.find(markers.end);
    reasoning = trimmed(written.substr(0, end));
    written = end == std::string_view::npos
                  ? std::string_view()
                  : left_trimmed(written.substr(end + markers.end.size()));
  }
  WrittenTurn out;
  if (tools || !call_begin(traits.calls).empty()) {
    ReadCalls read = read_tool_calls(written, traits.calls);
    out = {std::move(read.turn), std::move(read.damaged)};
  } else {
    out.turn = {.role = Role::kAssistant, .text = std::string(written)};
  }
  out.turn.reasoning = reasoning;
  return out;
}

TextStreamOptions stream_options(const ChatTraits& traits, std::vector<std::string> stops,
                                 bool in_reasoning, bool tools) {
  TextStreamOptions options{
      .stops = std::move(stops), .reasoning = traits.reasoning, .in_reasoning = in_reasoning};
  const std::string begin(call_begin(traits.calls));
  if (tools && begin.empty()) options.bare_calls = true;
  if (tools && !begin.empty()) options.calls.push_back(begin);
  return options;
}

}  // namespace orkestra::model
