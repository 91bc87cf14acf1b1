#include <orkestra/bench/agent_loop/peer.h>
#include <orkestra/core/http_client.h>

#include <chrono>
#include <future>
#include <utility>

namespace orkestra::bench {

Peer::Peer(const std::string& url) : url_(url) {
  while (url_.ends_with('/')) url_.pop_back();
  const HttpUrl parsed = parse_http_url(url_);
  host_ = parsed.host;
  port_ = parsed.port;
}

Json Peer::exchange(const std::string& method, const std::string& path, const Json& body) const {
  HttpRequest request{.method = method, .url = url_ + path};
  if (!body.is_null()) {
    request.headers = {{"Content-Type", "application/json"}};
    request.body = dump_json(body);
  }
  const HttpPolicy policy{
      .allowances = {{.host = host_, .port = port_, .reach = HttpAllowance::Reach::kLocalNetwork}},
      .max_redirects = 0,
      .max_body_bytes = std::size_t{64} << 20U};
  const HttpResponse response = fetch(request, policy, Limits::within(std::chrono::hours(2)));
  if (response.status != 200) {
    throw Error(ErrorCode::kUnavailable, url_ + path + ": status " +
                                             std::to_string(response.status) + ": " +
                                             response.body.substr(0, 300));
  }
  return parse_json(response.body, url_ + path, {.max_bytes = std::size_t{64} << 20U});
}

std::string Peer::build() const {
  return exchange("GET", "/props", nullptr).value("build_info", std::string("unknown"));
}

PeerReply Peer::complete(const std::vector<TokenId>& prompt, std::size_t n_output) const {
  const auto start = std::chrono::steady_clock::now();
  const Json reply = exchange("POST", "/completion",
                              {{"prompt", prompt},
                               {"n_predict", n_output},
                               {"cache_prompt", true},
                               {"return_tokens", true},
                               {"ignore_eos", true},
                               {"temperature", 0.0},
                               {"stream", false}});
  const std::chrono::duration<double, std::milli> passed = std::chrono::steady_clock::now() - start;
  return reading_json(url_ + "/completion", [&] {
    const Json& timings = reply.at("timings");
    PeerReply result{.output = reply.at("tokens").get<std::vector<TokenId>>(),
                     .processed = timings.at("prompt_n").get<std::int64_t>(),
                     .prompt_ms = timings.at("prompt_ms").get<double>()};
    result.first_token_ms = passed.count() - timings.at("predicted_ms").get<double>();
    return result;
  });
}

std::vector<PeerReply> Peer::complete(const std::vector<std::vector<TokenId>>& prompts,
                                      std::size_t n_output) const {
  std::vector<std::future<PeerReply>> sent;
  for (const auto& prompt : prompts) {
    sent.push_back(
        std::async(std::launch::async, [&, this] { return complete(prompt, n_output); }));
  }
  std::vector<PeerReply> replies;
  for (auto& reply : sent) replies.push_back(reply.get());
  return replies;
}

}  // namespace orkestra::bench
