#include <orkestra/model/text/chat/markers.h>

#include <algorithm>
#include <array>

namespace orkestra::model {
namespace {

struct Pair {
  std::string_view begin;
  std::string_view end;
};

constexpr std::array<Pair, 7> kReasoning{{{"<think>", "</think>"},
                                          {"<thinking>", "</thinking>"},
                                          {"<|START_THINKING|>", "<|END_THINKING|>"},
                                          {"[THINK]", "[/THINK]"},
                                          {"<seed:think>", "</seed:think>"},
                                          {"<|inner_prefix|>", "<|inner_suffix|>"},
                                          {"<reasoning>", "</reasoning>"}}};

constexpr std::array<std::string_view, 5> kCalls{"<tool_call>", "</tool_call>", "<tool_calls>",
                                                 "</tool_calls>", "<|python_tag|>"};

}  // namespace

ReasoningMarkers detect_reasoning(std::string_view source) {
  for (const Pair& pair : kReasoning) {
    if (source.find(pair.end) != std::string_view::npos) {
      return {std::string(pair.begin), std::string(pair.end)};
    }
  }
  return {};
}

bool is_marker(std::string_view piece) {
  return std::find(kCalls.begin(), kCalls.end(), piece) != kCalls.end() ||
         std::any_of(kReasoning.begin(), kReasoning.end(),
                     [&](const Pair& pair) { return piece == pair.begin || piece == pair.end; });
}

}  // namespace orkestra::model
