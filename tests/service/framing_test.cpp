// Bytes from hostile clients: requests that could be read in two ways, that are too large, too
// slow or cut off. RequestReader by itself, then the whole service over a socket.
#include <orkestra/service/request_reader.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/service/service_fixture.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

namespace orkestra::service {
namespace {

constexpr std::size_t kMaxBody = 1000;
const std::string kHost = "Host: localhost\r\n";
const std::string kPost = "POST /v1/runs HTTP/1.1\r\n" + kHost;

using State = RequestReader::State;

struct Read {
  std::vector<std::string> bodies;
  State state = State::kHead;
  int status = 0;
};

// Everything in `bytes`, pushed in pieces of `size`.
Read read_all(std::string_view bytes, std::size_t size = 1 << 20) {
  RequestReader reader({.max_body_bytes = kMaxBody});
  Read result;
  for (std::size_t at = 0; at < bytes.size() || at == 0; at += size) {
    reader.push(bytes.substr(at, size));
    while (reader.state() == State::kComplete) {
      result.bodies.push_back(reader.body());
      reader.next();
    }
  }
  result.state = reader.state();
  result.status = reader.state() == State::kRefused ? reader.status() : 0;
  return result;
}

}  // namespace

TEST_CASE("requests are read whole and one after another, however they are cut") {
  const std::string bytes = "GET /healthz HTTP/1.1\r\n" + kHost + "\r\n" + kPost +
                            "Content-Length: 5\r\n\r\nhello" + kPost +
                            "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n"
                            "Trailer: x\r\n\r\n" +
                            kPost + "\r\n" + kPost + "Content-Length: 0\r\n\r\n";
  const std::vector<std::string> expected{"", "hello", "abcde", "", ""};
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    CAPTURE(size);
    const Read result = read_all(bytes, size);
    REQUIRE(result.bodies == expected);
    REQUIRE(result.state == State::kHead);
  }
}

TEST_CASE("what could be read in two ways ends the connection") {
  struct Case {
    std::string bytes;
    int status;
  };
  const std::string chunked = kPost + "Transfer-Encoding: chunked\r\n\r\n";
  const std::vector<Case> cases{
      {kPost + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x", 400},
      {kPost + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400},
      {kPost + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400},
      {kPost + "Content-Length: +5\r\n\r\nhello", 400},
      {kPost + "Content-Length: 5,5\r\n\r\nhello", 400},
      {kPost + "Content-Length : 5\r\n\r\nhello", 400},
      {kPost + "X: y\r\n Content-Length: 5\r\n\r\nhello", 400},
      {kPost + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {kPost + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
      {kPost + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.0\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {kPost + "X: a\nContent-Length: 5\r\n\r\nhello", 400},
      {kPost + "X: a\rContent-Length: 5\r\n\r\nhello", 400},
      {kPost + "X: " + std::string(1, '\0') + "\r\n\r\n", 400},
      {"GET http://evil.example/ HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n" + kHost + kHost + "\r\n", 400},
      {"GET / HTTP/2.0\r\n" + kHost + "\r\n", 505},
      {"\r\nGET / HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {chunked + "5 \nhello\r\n0\r\n\r\n", 400},
      {chunked + "0x5\r\nhello\r\n0\r\n\r\n", 400},
      {chunked + "-5\r\nhello\r\n0\r\n\r\n", 400},
      {chunked + "5\r\nhelloX\r\n0\r\n\r\n", 400},
      {chunked + "5\r\nhello\n0\r\n\r\n", 400},
      {chunked + "5\nhello\r\n0\r\n\r\n", 400},
      {chunked + "FFFFFFFFFFFFFFFFF\r\nhello", 400},
      {chunked + "\r\nhello", 400},
      {chunked + "7FFFFFFFFFFFFFFF\r\nhello", 413},
      {chunked + "5;" + std::string(60'000, 'x'), 400},
      {chunked + "0\r\n" + std::string(60'000, 'x'), 400},
      {kPost + "Content-Length: 1001\r\n\r\n", 413},
      {"GET /" + std::string(9'000, 'x') + " HTTP/1.1\r\n" + kHost + "\r\n", 414},
      {kPost + "X: " + std::string(40'000, 'x'), 431},
  };
  for (const Case& each : cases) {
    for (const std::size_t size : {std::size_t{1} << 20U, std::size_t{7}, std::size_t{1}}) {
      CAPTURE(each.bytes.substr(0, 200), size);
      const Read result = read_all(each.bytes, size);
      CHECK(result.state == State::kRefused);
      CHECK(result.status == each.status);
      CHECK(result.bodies.empty());
    }
  }
  // Chunks that add up to more than may be.
  std::string many = chunked;
  for (int i = 0; i < 200; ++i) many += "6\r\nabcdef\r\n";
  CHECK(read_all(many).status == 413);
}

TEST_CASE("mutated requests are read or refused, never more than they hold") {
  const std::vector<std::string> seeds{
      kPost + "Content-Length: 5\r\n\r\nhello" + kPost + "Content-Length: 2\r\n\r\n{}",
      kPost + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: x\r\n\r\n",
      "GET /v1/runs?limit=5 HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n"};
  const std::vector<std::string> splices{"\r\n",
                                         "\n",
                                         "\r",
                                         ":",
                                         " ",
                                         "\t",
                                         "0",
                                         "Content-Length: 3\r\n",
                                         "Transfer-Encoding: chunked\r\n",
                                         std::string(1, '\0'),
                                         "ffffffffffffffff",
                                         "\r\n\r\n",
                                         ";",
                                         ",",
                                         "HTTP/1.0"};
  std::mt19937 random(20240711);
  const auto below = [&](std::size_t n) { return random() % n; };
  for (int round = 0; round < 30'000; ++round) {
    std::string bytes = seeds[below(seeds.size())];
    for (std::size_t edits = 1 + below(3); edits > 0 && !bytes.empty(); --edits) {
      const std::size_t at = below(bytes.size());
      switch (below(5)) {
        case 0:
          bytes[at] = static_cast<char>(below(256));
          break;
        case 1:
          bytes.erase(at, 1 + below(8));
          break;
        case 2:
          bytes.insert(at, splices[below(splices.size())]);
          break;
        case 3:
          bytes.insert(at, bytes.substr(below(bytes.size()), below(40)));
          break;
        default:
          bytes.resize(at);
      }
    }
    const Read whole = read_all(bytes);
    const Read cut = read_all(bytes, 1 + below(9));
    // How the bytes arrive never changes what they mean.
    REQUIRE(whole.bodies == cut.bodies);
    REQUIRE(whole.state == cut.state);
    std::size_t total = 0;
    for (const std::string& body : whole.bodies) {
      REQUIRE(body.size() <= kMaxBody);
      total += body.size();
    }
    REQUIRE(total <= bytes.size());
  }
}

TEST_CASE("a smuggled request is never answered") {
  const ServiceFixture service;
  for (const char* more : {"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                           "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                           "Content-Length: 0\r\nContent-Length: 40\r\n\r\n"}) {
    Client client(service.port());
    client.send(kPost + more + "GET /v1/models HTTP/1.1\r\n" + kHost + "\r\n");
    const std::string answer = client.read_to_end();
    CAPTURE(answer);
    CHECK(answer.starts_with("HTTP/1.1 "));
    CHECK(answer.find("\"error\"") != std::string::npos);
    CHECK(answer.find("HTTP/1.1", 8) == std::string::npos);
  }
}

TEST_CASE("pipelined requests are answered in order; a half-closed client still is") {
  const ServiceFixture service;
  Client client(service.port());
  client.send(client.request("GET", "/healthz") + client.request("GET", "/nothing") +
              client.request("GET", "/healthz", "", "Connection: close\r\n"));
  client.half_close();
  CHECK(client.read_reply().status == 200);
  CHECK(client.read_reply().status == 404);
  CHECK(client.read_reply().status == 200);
  CHECK(client.read_to_end().empty());
  Client old(service.port());
  old.send("GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n");
  CHECK(old.read_to_end().find("Connection: close") != std::string::npos);
}

TEST_CASE("a large body is asked for, one that is too large is refused before it comes") {
  ServerOptions options;
  options.limits.max_body_bytes = 200'000;
  const ServiceFixture service(kScript, options);
  const Json task{{"task", kTask}, {"wait", true}};
  const std::string body = dump_json(task) + std::string(150'000, ' ');
  Client client(service.port());
  client.send(kPost + "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n");
  CHECK(client.read_head().status == 100);
  client.send(body);
  CHECK(client.read_reply().status == 200);
  Client other(service.port());
  other.send(kPost + "Expect: 100-continue\r\nContent-Length: 300000\r\n\r\n");
  CHECK(other.read_reply().status == 413);
  Client strange(service.port());
  strange.send(kPost + "Expect: miracles\r\nContent-Length: 3\r\n\r\n");
  CHECK(strange.read_reply().status == 417);
}

TEST_CASE("slow clients are cut off and hold nobody up") {
  ServerOptions options;
  options.limits.idle_time = std::chrono::milliseconds(100);
  options.limits.head_time = std::chrono::milliseconds(100);
  options.limits.body_time = std::chrono::milliseconds(100);
  options.limits.handler_workers = 1;
  const ServiceFixture service(kScript, options);
  Client silent(service.port());
  Client in_head(service.port());
  in_head.send("GET /healthz HTTP/1.1\r\nHost: loc");
  Client in_body(service.port());
  in_body.send(kPost + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"task\"");
  CHECK(service.ask("GET", "/healthz").status == 200);
  CHECK(in_head.read_reply().status == 408);
  CHECK(in_body.read_reply().status == 408);
  CHECK(silent.read_to_end().empty());
  CHECK(service.ask("GET", "/v1/runs").json().at("data").empty());
}

TEST_CASE("connections beyond the limit are told so; those that end make room") {
  ServerOptions options;
  options.limits.max_connections = 2;
  const ServiceFixture service(kScript, options);
  auto first = std::make_unique<Client>(service.port());
  REQUIRE(first->ask("GET", "/healthz").status == 200);
  Client second(service.port());
  REQUIRE(second.ask("GET", "/healthz").status == 200);
  CHECK(service.ask("GET", "/healthz").status == 503);
  first.reset();
  int status = 503;
  while (status == 503) status = service.ask("GET", "/healthz").status;
  CHECK(status == 200);
}

TEST_CASE("bodies of all connections together are bounded") {
  ServerOptions options;
  options.limits.max_bodies_bytes = 100'000;
  const ServiceFixture service(kScript, options);
  Client first(service.port());
  Client second(service.port());
  const std::string head = kPost + "Content-Length: 80001\r\n\r\n" + std::string(80'000, ' ');
  first.send(head);
  second.send(head);
  // Neither is whole, and both are too much: one of them is refused, and that is room enough.
  std::atomic<int> refused{0};
  std::atomic<int> served{0};
  const auto count = [&](Client& client) {
    const int status = client.read_reply().status;
    refused += status == 503 ? 1 : 0;
    served += status == 400 ? 1 : 0;  // not JSON, but read
  };
  std::thread a([&] { count(first); });
  std::thread b([&] { count(second); });
  while (refused == 0) std::this_thread::yield();
  first.send(" ");
  second.send(" ");
  a.join();
  b.join();
  CHECK(refused == 1);
  CHECK(served == 1);
  Client third(service.port());
  third.send(head + " ");
  CHECK(third.read_reply().status == 400);
}

}  // namespace orkestra::service
