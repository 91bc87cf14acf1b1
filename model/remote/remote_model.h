// RemoteModel: the LanguageModel over an OpenAI-compatible server (llama-server, vLLM, hosted
// ones). It resends the whole conversation with every request; the state is the server's affair.
// What is written reaches this side only when it is written, so a constraint is sent along where
// the protocol has a way to say it, and checked afterwards always: capabilities().constraints is
// false.
//
// A reply that breaks its constraint is told so and asked for again; when no attempt keeps to it,
// the request fails with kUnsupported. score() compares log-probabilities where the server offers
// them ("logprobs") and counts votes where it does not ("votes").
#pragma once

#include <orkestra/core/http_client.h>
#include <orkestra/model/language_model.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace orkestra::model {

struct RemoteOptions {
  std::string url;        // of the interface: "http://localhost:8080/v1"
  std::string model{};    // the name sent along
  std::string api_key{};  // never logged, journaled or repeated in a message
  // The rest has sound defaults.
  int max_retries = 4;  // of one call, when the server is busy, fails or can't be reached
  std::chrono::milliseconds first_backoff{500};  // doubles with each retry
  std::chrono::milliseconds max_backoff{30000};
  std::chrono::milliseconds timeout{600000};  // of one call without a deadline of its own
  std::size_t max_reply_bytes = std::size_t{16} << 20U;
  std::size_t max_concurrent = 4;
  int constraint_attempts = 3;
  int votes = 5;
  std::uint64_t jitter_seed = 0;  // 0: from the system
  HttpPolicy policy{};            // its allowances, bounds and redirects are set by the model
};

// "openai:URL#name". Throws Error{kInvalid} that shows the form. The key comes from the
// environment: ORKESTRA_API_KEY, or OPENAI_API_KEY when the URL is https.
RemoteOptions parse_remote_name(std::string_view name);

// Connects to nothing yet. The URL's host was named by the user, so it may lie on this machine or
// in the local network. Throws Error{kInvalid} for a URL that can't be used.
std::unique_ptr<LanguageModel> make_remote_model(RemoteOptions options);

}  // namespace orkestra::model
