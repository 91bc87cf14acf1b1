// ReplayTrace: recorded requests, as token ids, to be run through the engine again: what
// `orkestra model replay` reads. One JSON object a line:
//
//   {"id": "turn-1", "tokens": [the whole prompt], "marks": [prefix lengths worth keeping],
//    "forced_output": [ids the model is made to say], "group": "g"}
//
// Only `tokens` is needed. Neighbouring lines of one group are sent at once.
#pragma once

#include <orkestra/model/text/tokenizer/tokenizer.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

struct ReplayRequest {
  std::string id;
  std::vector<TokenId> tokens;
  std::vector<std::size_t> marks;  // ascending, from 1 to tokens.size()
  std::vector<TokenId> forced_output;
  std::string group;  // "" = on its own
};

struct ReplayLimits {
  std::int64_t n_vocab = 0;
  std::int64_t context_length = 0;
  std::size_t max_line_bytes = std::size_t{64} << 20U;
  std::size_t max_requests = 100000;
};

// Throws Error{kInvalid, kExhausted} naming `what` and the line. At least one request.
std::vector<ReplayRequest> parse_replay_trace(std::string_view text, const std::string& what,
                                              const ReplayLimits& limits);

}  // namespace orkestra::model
