// TextStream: what a model writes, cut into pieces that can be shown at once. Pieces end at the
// edges of UTF-8 characters; reasoning is told from the answer; nothing of a stop string is ever
// handed out, however it is spread over tokens; a tool call is held back. Owned by one writer.
// Allocates only while what is held back grows.
#pragma once

#include <orkestra/model/text/chat/markers.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

constexpr std::size_t kMaxStops = 16;
constexpr std::size_t kMaxStopBytes = 256;

struct TextStreamOptions {
  std::vector<std::string> stops{};  // of the answer: reasoning is not searched for them
  ReasoningMarkers reasoning{};      // none = everything is answer
  bool in_reasoning = false;         // the prompt has written the opening marker
  std::vector<std::string> calls{};  // what a tool call begins with, anywhere in the answer
  bool bare_calls = false;           // an answer that begins with { is a call
};

class TextStream {
 public:
  enum class Part { kReasoning, kAnswer };
  using Sink = std::function<void(Part, std::string_view)>;

  // Throws Error{kInvalid} for more than kMaxStops stop strings, an empty or a longer one.
  explicit TextStream(TextStreamOptions options);

  // Hands out what is certain. False when a stop string has been written: the answer is over.
  bool push(std::string_view bytes, const Sink& sink);
  // The end: hands out what was held back but for a tool call. An unfinished character is U+FFFD.
  void finish(const Sink& sink);

  bool stopped() const { return stopped_; }
  // Bytes pushed that come before the stop string (all of them as long as there is none).
  std::size_t kept() const { return kept_; }
  // What was held back as a tool call. `finish` keeps it: whether it is one is told by reading it.
  std::string_view call() const { return state_ == State::kCall ? pending_ : std::string_view(); }

 private:
  enum class State { kStart, kReasoning, kAnswerStart, kAnswer, kCall };

  bool step(const Sink& sink, bool at_end);
  bool start(bool at_end);
  bool reasoning(const Sink& sink, bool at_end);
  bool answer_start(bool at_end);
  bool answer(const Sink& sink, bool at_end);
  void hand_out(const Sink& sink, Part part, std::size_t size, bool ends = false);
  void drop(std::size_t size);

  TextStreamOptions options_;
  State state_ = State::kStart;
  std::string pending_;     // pushed, not yet handed out or dropped
  std::size_t passed_ = 0;  // bytes in front of pending_
  std::size_t kept_ = 0;
  bool reasoned_ = false;  // something has been handed out
  bool stopped_ = false;
};

}  // namespace orkestra::model
