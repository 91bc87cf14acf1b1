// Peer: a llama-server, spoken to through its /completion endpoint with token ids.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/text/tokenizer/tokenizer.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace orkestra::bench {

using model::TokenId;

struct PeerReply {
  std::vector<TokenId> output;
  std::int64_t processed = 0;   // prompt tokens it evaluated ("timings.prompt_n")
  double prompt_ms = 0.0;       // its own figure, of this request alone
  double first_token_ms = 0.0;  // from sending to the first token: what passed less writing
};

class Peer {
 public:
  explicit Peer(const std::string& url);  // "http://127.0.0.1:8080"

  // One request; writes exactly n_output tokens, greedily, whatever they are.
  PeerReply complete(const std::vector<TokenId>& prompt, std::size_t n_output) const;
  // All at the same time.
  std::vector<PeerReply> complete(const std::vector<std::vector<TokenId>>& prompts,
                                  std::size_t n_output) const;
  std::string build() const;  // what it says it is

 private:
  Json exchange(const std::string& method, const std::string& path, const Json& body) const;
  std::string url_;
  std::string host_;
  std::uint16_t port_ = 0;
};

}  // namespace orkestra::bench
