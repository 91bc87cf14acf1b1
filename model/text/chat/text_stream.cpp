#include <orkestra/core/error.h>
#include <orkestra/model/text/chat/text_stream.h>
#include <orkestra/model/text/utf8.h>

#include <algorithm>

namespace orkestra::model {
namespace {

constexpr std::string_view kWhite = " \t\r\n";

// Bytes at the end of `text` that may be the beginning of `word`: 0 when none are.
std::size_t begun(std::string_view text, std::string_view word) {
  if (word.empty()) return 0;
  for (std::size_t size = std::min(text.size(), word.size() - 1); size > 0; --size) {
    if (word.starts_with(text.substr(text.size() - size))) return size;
  }
  return 0;
}

// Bytes at the end of `text` of a character that may still be finished.
std::size_t unfinished(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0U) == 0x80U) continue;
    const std::size_t length = byte >= 0xF0 && byte < 0xF5   ? 4
                               : byte >= 0xE0 && byte < 0xF0 ? 3
                               : byte >= 0xC2 && byte < 0xE0 ? 2
                                                             : 1;
    return length > back ? back : 0;
  }
  return 0;
}

}  // namespace

TextStream::TextStream(TextStreamOptions options) : options_(std::move(options)) {
  pending_.reserve(4 * kMaxStopBytes);
  if (options_.stops.size() > kMaxStops) {
    throw Error(ErrorCode::kInvalid,
                "stop: at most " + std::to_string(kMaxStops) + " strings are looked for");
  }
  for (const std::string& stop : options_.stops) {
    if (stop.empty() || stop.size() > kMaxStopBytes) {
      throw Error(ErrorCode::kInvalid,
                  "stop: a string has 1 to " + std::to_string(kMaxStopBytes) + " bytes");
    }
  }
  if (options_.in_reasoning && !options_.reasoning.empty()) state_ = State::kReasoning;
}

bool TextStream::push(std::string_view bytes, const Sink& sink) {
  if (stopped_) return false;
  pending_ += bytes;
  kept_ = passed_ + pending_.size();
  while (step(sink, false)) {
  }
  return !stopped_;
}

void TextStream::finish(const Sink& sink) {
  while (!stopped_ && step(sink, true)) {
  }
}

// One step on; false when nothing more can be done with what there is.
bool TextStream::step(const Sink& sink, bool at_end) {
  switch (state_) {
    case State::kStart:
      return start(at_end);
    case State::kReasoning:
      return reasoning(sink, at_end);
    case State::kAnswerStart:
      return answer_start(at_end);
    case State::kAnswer:
      return answer(sink, at_end);
    case State::kCall:
      return false;
  }
  return false;
}

bool TextStream::start(bool at_end) {
  const std::string_view marker = options_.reasoning.begin;
  const std::size_t white = std::min(pending_.find_first_not_of(kWhite), pending_.size());
  const std::string_view rest = std::string_view(pending_).substr(white);
  if (!options_.reasoning.empty() && rest.starts_with(marker)) {
    drop(white + marker.size());
    state_ = State::kReasoning;
    return true;
  }
  const bool undecided = !options_.reasoning.empty() && marker.starts_with(rest);
  if (undecided && !at_end) return false;
  if (rest.empty() && options_.bare_calls && !at_end) return false;
  state_ = State::kAnswer;
  if (options_.bare_calls && rest.starts_with('{')) state_ = State::kCall;
  return true;
}

// White space around reasoning is the template's.
bool TextStream::reasoning(const Sink& sink, bool at_end) {
  const std::string_view marker = options_.reasoning.end;
  if (!reasoned_) drop(std::min(pending_.find_first_not_of(kWhite), pending_.size()));
  std::string_view sure = pending_;
  if (const std::size_t end = sure.find(marker); end != std::string_view::npos) {
    const std::size_t last = sure.substr(0, end).find_last_not_of(kWhite);
    hand_out(sink, Part::kReasoning, last == std::string_view::npos ? 0 : last + 1);
    drop(pending_.find(marker) + marker.size());
    state_ = State::kAnswerStart;
    return true;
  }
  if (!at_end) sure.remove_suffix(begun(sure, marker));
  if (!at_end) sure.remove_suffix(unfinished(sure));
  const std::size_t last = sure.find_last_not_of(kWhite);
  hand_out(sink, Part::kReasoning, last == std::string_view::npos ? 0 : last + 1, at_end);
  return false;
}

bool TextStream::answer_start(bool at_end) {
  const std::size_t white = std::min(pending_.find_first_not_of(kWhite), pending_.size());
  drop(white);
  if (pending_.empty() && !at_end) return false;
  state_ = State::kAnswer;
  if (options_.bare_calls && pending_.starts_with('{')) state_ = State::kCall;
  return state_ != State::kCall;
}

bool TextStream::answer(const Sink& sink, bool at_end) {
  const std::string_view text = pending_;
  std::size_t stop = std::string_view::npos;
  for (const std::string& word : options_.stops) stop = std::min(stop, text.find(word));
  std::size_t call = std::string_view::npos;
  for (const std::string& word : options_.calls) call = std::min(call, text.find(word));
  if (stop < call) {
    kept_ = passed_ + stop;
    hand_out(sink, Part::kAnswer, stop, true);
    stopped_ = true;
    return false;
  }
  if (call != std::string_view::npos) {
    hand_out(sink, Part::kAnswer, call);
    state_ = State::kCall;
    return false;
  }
  std::size_t back = 0;
  for (const std::string& word : options_.stops) {
    if (!at_end) back = std::max(back, begun(text, word));
  }
  for (const std::string& word : options_.calls) {
    if (!at_end) back = std::max(back, begun(text, word));
  }
  if (!at_end) back += unfinished(text.substr(0, text.size() - back));
  hand_out(sink, Part::kAnswer, text.size() - back, at_end);
  return false;
}

void TextStream::drop(std::size_t size) {
  pending_.erase(0, size);
  passed_ += size;
}

// The first `size` bytes of what is pending; if the text ends there, an unfinished character as
// U+FFFD.
void TextStream::hand_out(const Sink& sink, Part part, std::size_t size, bool ends) {
  if (size == 0) return;
  reasoned_ = true;
  const std::string_view piece = std::string_view(pending_).substr(0, size);
  const std::size_t broken = ends ? unfinished(piece) : 0;
  if (sink && broken < size) sink(part, piece.substr(0, size - broken));
  if (sink && broken > 0) sink(part, "\xEF\xBF\xBD");
  drop(size);
}

}  // namespace orkestra::model
