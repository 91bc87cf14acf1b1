#include <orkestra/core/error.h>
#include <orkestra/core/http_url.h>
#include <orkestra/core/text.h>
#include <orkestra/model/remote/server_client.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <utility>

namespace orkestra::model {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kShownBytes = 400;
constexpr const char* kMaxTokens = "max_tokens";
constexpr std::size_t kMaxErrorBytes = std::size_t{64} << 10U;

// What the server says went wrong, on one line, in bounds.
std::string message_of(const std::string& body) {
  std::string text = body;
  if (body.size() <= kMaxErrorBytes) {
    try {
      const Json json = parse_json(body, "error", {.max_bytes = kMaxErrorBytes, .max_depth = 16});
      const Json* error = json.is_object() && json.contains("error") ? &json["error"] : &json;
      if (error->is_object() && error->contains("message")) error = &error->at("message");
      if (error->is_string()) text = error->get<std::string>();
    } catch (const Error&) {
      // Not JSON: shown as it is.
    }
  }
  if (text.size() > kShownBytes) {
    std::size_t size = kShownBytes;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
    text = text.substr(0, size) + "...";
  }
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return valid_utf8(text) ? text : "(bytes that are no text)";
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool contains(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::all_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

}  // namespace

std::optional<milliseconds> parse_retry_after(std::string_view value, std::int64_t unix_seconds) {
  constexpr std::int64_t kMaxSeconds = 24 * 60 * 60;
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error != std::errc{} || end != value.data() + value.size()) {
    std::tm date{};
    const std::string text(value);
    const char* rest = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (rest == nullptr || *rest != '\0') return std::nullopt;
    seconds = static_cast<std::int64_t>(::timegm(&date)) - unix_seconds;
  }
  return milliseconds(1000 * std::clamp<std::int64_t>(seconds, 0, kMaxSeconds));
}

// One of the requests that may be under way at a time.
class ServerClient::Slot {
 public:
  Slot(ServerClient& client, const Limits& limits) : client_(client) {
    std::unique_lock lock(client_.mutex_);
    const auto free = [&] { return client_.busy_ < client_.options_.max_concurrent; };
    const bool got = client_.changed_.wait_until(lock, limits.stop, limits.deadline, free);
    if (!got) {
      const bool stopped = limits.stop.stop_requested();
      throw Error(stopped ? ErrorCode::kCancelled : ErrorCode::kDeadline,
                  client_.id_ + ": the request " + (stopped ? "was cancelled" : "ran out of time") +
                      " before it was sent");
    }
    ++client_.busy_;
  }
  ~Slot() {
    const std::lock_guard lock(client_.mutex_);
    --client_.busy_;
    client_.changed_.notify_all();
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

 private:
  ServerClient& client_;
};

ServerClient::ServerClient(RemoteOptions options)
    : options_(std::move(options)),
      random_(options_.jitter_seed != 0 ? options_.jitter_seed : std::random_device{}()) {
  while (options_.url.ends_with('/')) options_.url.pop_back();
  const HttpUrl url = parse_http_url(options_.url);
  if (options_.url.find_first_of("?#") != std::string::npos) {
    throw Error(ErrorCode::kInvalid, options_.url + ": a model's URL has no ? part");
  }
  if (options_.model.empty()) {
    throw Error(ErrorCode::kInvalid, options_.url + ": no model is named; write openai:URL#name");
  }
  options_.max_concurrent = std::max<std::size_t>(1, options_.max_concurrent);
  id_ = "openai:" + options_.url + "#" + options_.model;
  options_.policy.allowances.push_back(
      {.host = url.host, .port = url.port, .reach = HttpAllowance::Reach::kLocalNetwork});
  options_.policy.max_redirects = 0;
  options_.policy.max_body_bytes = options_.max_reply_bytes;
  options_.policy.truncate_body = false;
}

std::string ServerClient::max_tokens_field() const {
  const std::lock_guard lock(mutex_);
  return completion_tokens_ ? "max_completion_tokens" : "max_tokens";
}

HttpRequest ServerClient::request_for(std::string_view path, const Json& body) const {
  HttpRequest request{.url = options_.url + std::string(path),
                      .headers = {{"User-Agent", "orkestra"}}};
  if (!options_.api_key.empty()) {
    request.headers.emplace_back("Authorization", "Bearer " + options_.api_key);
  }
  if (!body.is_null()) {
    request.method = "POST";
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = dump_json(body);
  }
  return request;
}

void ServerClient::post(std::string_view path, const Json& body, const Limits& given,
                        const ReplySink& sink) {
  Limits limits = given;
  if (limits.deadline == SteadyTime::max()) {
    limits.deadline = std::chrono::steady_clock::now() + options_.timeout;
  }
  HttpRequest request = request_for(path, body);
  for (int attempt = 0;; ++attempt) {
    std::optional<Refusal> refusal;
    request.on_body = [&](std::string_view bytes) { return sink.take(bytes); };
    sink.begin();
    try {
      const HttpResponse response = [&] {
        const Slot slot(*this, limits);
        return fetch(request, options_.policy, limits);
      }();
      if (response.status / 100 == 2) {
        sink.end();
        return;
      }
      refusal = refusal_of(response, limits);
    } catch (const Error& error) {
      const bool retry = error.code() == ErrorCode::kUnavailable && sink.may_begin_again();
      const std::string& said = error.message();
      const bool named = said.starts_with(id_);
      refusal = Refusal{{error.code(), without_key(named ? said : id_ + ": " + said)}, retry};
    }
    if (refusal->other_token_field && body.contains(kMaxTokens)) {
      Json renamed = body;
      renamed.erase(kMaxTokens);
      renamed[max_tokens_field()] = body.at(kMaxTokens);
      post(path, renamed, limits, sink);
      return;
    }
    if (!refusal->worth_a_retry || attempt >= options_.max_retries) throw refusal->error;
    pause(refusal->retry_after.value_or(backoff(attempt)), refusal->error, limits);
  }
}

ServerClient::Refusal ServerClient::refusal_of(const HttpResponse& response, const Limits& limits) {
  const std::string said = without_key(message_of(response.body));
  const std::string what = id_ + ": ";
  const std::string tail = said.empty() ? "" : "; the server says: " + said;
  const std::string words = lower(response.body.substr(0, kMaxErrorBytes));
  switch (response.status) {
    case 401:
    case 403:
      return {{ErrorCode::kDenied,
               what +
                   (options_.api_key.empty() ? "the server wants a key and none is set"
                                             : "the server does not accept the key") +
                   " (status " + std::to_string(response.status) +
                   "): set ORKESTRA_API_KEY, or OPENAI_API_KEY for an https address" + tail}};
    case 404:
      return {{ErrorCode::kNotFound, what + "there is no model \"" + options_.model +
                                         "\" here, or the URL is not that of an OpenAI-compatible "
                                         "interface (it often ends in /v1)" +
                                         known_models(limits) + tail}};
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
    case 529: {
      if (contains(words, {"insufficient_quota"})) {
        return {{ErrorCode::kExhausted, what + "the account's quota is used up" + tail}};
      }
      const std::string state = response.status == 429 ? "the server is busy (status 429)"
                                                       : "the server failed (status " +
                                                             std::to_string(response.status) + ")";
      return {{ErrorCode::kUnavailable, what + state + tail},
              true,
              parse_retry_after(header(response.headers, "retry-after"), std::time(nullptr))};
    }
    default:
      break;
  }
  if (response.status / 100 == 3) {
    return {{ErrorCode::kInvalid, what + "the server redirects; write the URL it leads to"}};
  }
  if (contains(words, {"context", "length"}) || contains(words, {"exceed", "context"})) {
    return {{ErrorCode::kExhausted, what +
                                        "the conversation is longer than the model's context: "
                                        "shorten it" +
                                        tail}};
  }
  const bool other_field = contains(words, {"max_completion_tokens"});
  if (other_field) {
    const std::lock_guard lock(mutex_);
    completion_tokens_ = true;
  }
  return {.error = {ErrorCode::kInvalid, what + "the server refuses the request (status " +
                                             std::to_string(response.status) + ")" + tail},
          .other_token_field = other_field};
}

// "; it offers: a, b" where the server tells.
std::string ServerClient::known_models(const Limits& limits) const {
  constexpr std::size_t kMaxNames = 20;
  try {
    HttpPolicy policy = options_.policy;
    policy.max_body_bytes = std::size_t{1} << 20U;
    const HttpResponse response = fetch(request_for("/models", nullptr), policy, limits);
    const Json json = parse_json(response.body, "models");
    std::string names;
    for (std::size_t i = 0; i < std::min(kMaxNames, json.at("data").size()); ++i) {
      const auto name = json.at("data").at(i).at("id").get<std::string>();
      names += (names.empty() ? "" : ", ") + name.substr(0, 80);
    }
    return names.empty() ? "" : "; it offers: " + names;
  } catch (const Error&) {
    return "";
  } catch (const nlohmann::json::exception&) {
    return "";
  }
}

std::string ServerClient::without_key(std::string text) const {
  if (options_.api_key.empty()) return text;
  for (std::size_t at = text.find(options_.api_key); at != std::string::npos;
       at = text.find(options_.api_key, at)) {
    text.replace(at, options_.api_key.size(), "[key]");
  }
  return text;
}

// Doubling, with the upper half left to chance so that clients do not come back all at once.
milliseconds ServerClient::backoff(int attempt) {
  const auto full = std::min<std::int64_t>(options_.max_backoff.count(),
                                           options_.first_backoff.count() << std::min(attempt, 20));
  const std::lock_guard lock(mutex_);
  return milliseconds(std::uniform_int_distribution<std::int64_t>(full / 2, full)(random_));
}

void ServerClient::pause(milliseconds duration, const Error& cause, const Limits& limits) {
  const SteadyTime until = std::chrono::steady_clock::now() + duration;
  if (until >= limits.deadline) {
    throw Error(cause.code(), cause.message() + "; waiting " +
                                  std::to_string(duration.count() / 1000) +
                                  " s to try again would take longer than the time left");
  }
  std::mutex alone;
  std::condition_variable_any never;
  std::unique_lock lock(alone);
  never.wait_until(lock, limits.stop, until, [] { return false; });
  if (limits.stop.stop_requested()) {
    throw Error(ErrorCode::kCancelled, id_ + ": the model call was cancelled");
  }
}

}  // namespace orkestra::model
