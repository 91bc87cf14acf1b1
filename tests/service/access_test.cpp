// Who may come in: Host, Origin, API key; and what a hostile page can't do.
#include <orkestra/core/error.h>
#include <orkestra/service/access.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/service/service_fixture.h>

namespace orkestra::service {
namespace {

constexpr const char* kKey = "0123456789abcdef-key";

RequestHead head(Headers headers, const std::string& method = "GET",
                 const std::string& target = "/v1/runs") {
  return {.method = method, .target = target, .headers = std::move(headers)};
}

int status(const Access& access, Headers headers) {
  const auto refused = access.check(head(std::move(headers)));
  return refused ? refused->status : 200;
}

}  // namespace

TEST_CASE("a Host that is not ours is refused, on loopback too") {
  const Access access({.hosts = {"Agents.example"}});
  for (const char* host : {"localhost", "LOCALHOST:1", "127.0.0.1:8080", "127.0.0.2", "[::1]:80",
                           "[::1]", "agents.example:443"}) {
    CAPTURE(host);
    CHECK(status(access, {{"host", host}}) == 200);
  }
  for (const char* host :
       {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "",
        "localhost:", "localhost:80:80", "localhost:x", "192.168.1.5", "8.8.8.8", "[::1", "[::1]x",
        "::1", "2130706433", "localhost.", "agents.example."}) {
    CAPTURE(host);
    CHECK(status(access, {{"host", host}}) == 403);
  }
  CHECK(status(access, {}) == 403);
  const Access wide({.any_address = true});
  CHECK(status(wide, {{"host", "192.168.1.5:8080"}}) == 200);
  CHECK(status(wide, {{"host", "evil.example"}}) == 403);
}

TEST_CASE("pages of other origins are refused, configured ones get what a browser needs") {
  const Access access({.origins = {"https://pages.example"}});
  const auto from = [&](const char* origin) {
    return status(access, {{"host", "localhost:8080"}, {"origin", origin}});
  };
  CHECK(from("http://localhost:8080") == 200);
  CHECK(from("https://pages.example") == 200);
  for (const char* origin : {"null", "http://localhost", "https://localhost:8080",
                             "http://localhost:8081", "https://pages.example:8443",
                             "http://pages.example", "https://pages.example.evil.example", ""}) {
    CAPTURE(origin);
    CHECK(from(origin) == 403);
  }
  const Headers page{{"host", "localhost"}, {"origin", "https://pages.example"}};
  CHECK(find_header(access.cross_origin_headers(head(page)), "Access-Control-Allow-Origin") !=
        nullptr);
  CHECK(access.cross_origin_headers(head({{"host", "localhost"}})).empty());
  Headers asking = page;
  asking.emplace_back("access-control-request-method", "POST");
  CHECK(access.preflight(head(asking, "OPTIONS"))->status == 204);
  CHECK_FALSE(access.preflight(head(asking, "POST")));
}

TEST_CASE("the key is asked of everything but the health check") {
  const Access access({.api_key = kKey});
  const auto with = [&](const std::string& authorization) {
    return status(access, {{"host", "localhost"}, {"authorization", authorization}});
  };
  CHECK(with(std::string("Bearer ") + kKey) == 200);
  CHECK(with(std::string("bearer  ") + kKey) == 200);
  for (const std::string& wrong :
       {std::string("Bearer"), std::string("Bearer "), std::string("Basic ") + kKey,
        std::string(kKey), std::string("Bearer ") + kKey + "x", std::string("Bearer 0123456789"),
        std::string()}) {
    CAPTURE(wrong);
    CHECK(with(wrong) == 401);
  }
  CHECK(status(access, {{"host", "localhost"}}) == 401);
  CHECK_FALSE(access.check(head({{"host", "localhost"}}, "GET", "/healthz")));
  CHECK(access.check(head({{"host", "localhost"}}, "GET", "/healthz?x")));
  CHECK(access.check(head({{"host", "evil.example"}}, "GET", "/healthz")));
}

TEST_CASE("rules that make no sense are refused at the start") {
  CHECK_THROWS_AS(Access({.api_key = "short"}), Error);
  CHECK_THROWS_AS(Access({.api_key = "a key with spaces in it"}), Error);
  CHECK_THROWS_AS(Access({.hosts = {"http://x"}}), Error);
  CHECK_THROWS_AS(Access({.hosts = {""}}), Error);
  CHECK_THROWS_AS(Access({.origins = {"pages.example"}}), Error);
  CHECK_THROWS_AS(Access({.origins = {"https://pages.example/"}}), Error);
  CHECK_THROWS_AS(Access({.origins = {"https://pages.example/a"}}), Error);
  CHECK_THROWS_AS(Access({.origins = {"*"}}), Error);
}

TEST_CASE("other machines are let in only with a key") {
  const planner::RunFixture files;
  agent::Agent agent(files.scripted(kScript));
  const auto code = [&](ServerOptions options) {
    options.port = 0;
    try {
      const Server server(agent, options);
    } catch (const Error& error) {
      return std::string(info(error.code()).name);
    }
    return std::string("listens");
  };
  CHECK(code({.host = "0.0.0.0"}) == "denied");
  CHECK(code({.host = "::"}) == "denied");
  CHECK(code({.host = "0.0.0.0", .api_key = kKey}) == "listens");
  CHECK(code({.host = "localhost"}) == "listens");
  CHECK(code({.host = "example.org"}) == "invalid");
  CHECK(code({.host = "127.0.0.1", .api_key = "short"}) == "invalid");
  const Server first(agent, {.port = 0});
  try {
    const Server second(agent, {.port = first.port()});
    FAIL("two servers on one port");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kUnavailable);
    CHECK(error.message().find(std::to_string(first.port())) != std::string::npos);
  }
}

TEST_CASE("a refused request is answered before its body is read, and nothing is done") {
  ServerOptions options;
  options.api_key = kKey;
  const ServiceFixture service(kScript, options);
  Client client(service.port());
  client.send("POST /v1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n");
  const Reply reply = client.read_reply();
  CHECK(reply.status == 401);
  CHECK(reply.header("www-authenticate") == "Bearer");
  CHECK(reply.header("connection") == "close");
  CHECK(reply.json().at("error").at("type") == "authentication_error");
  CHECK(service.ask("GET", "/healthz").status == 200);
  const std::string key = std::string("Authorization: Bearer ") + kKey + "\r\n";
  CHECK(service.ask("GET", "/v1/runs", nullptr, key).json().at("data").empty());
  CHECK(service.ask("GET", "/v1/runs", nullptr, key + "Origin: https://evil.example\r\n").status ==
        403);
}

}  // namespace orkestra::service
