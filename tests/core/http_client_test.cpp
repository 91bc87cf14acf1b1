#include <orkestra/core/error.h>
#include <orkestra/core/http_client.h>
#include <orkestra/core/http_exchange.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/http_test_server.h>

#include <unistd.h>

#include <random>
#include <thread>

using namespace orkestra;
using test::http_reply;
using test::HttpTestServer;
using test::ServedConnection;
using test::ServedRequest;

namespace {

HttpPolicy policy_for(const HttpTestServer& server, const std::string& host = "127.0.0.1") {
  HttpPolicy policy;
  policy.allowances.push_back({.host = host, .port = server.port()});
  return policy;
}

Limits soon() { return Limits::within(std::chrono::seconds(20)); }

HttpResponse get(const HttpTestServer& server, const std::string& path = "/") {
  return fetch({.url = server.url(path)}, policy_for(server), soon());
}

// The failure of a reply that is exactly these bytes.
Error failure(const std::string& bytes, HttpPolicy bounds = {}) {
  const HttpTestServer server(bytes);
  HttpPolicy policy = policy_for(server);
  policy.max_body_bytes = bounds.max_body_bytes;
  policy.max_header_bytes = bounds.max_header_bytes;
  try {
    const HttpResponse response = fetch({.url = server.url()}, policy, soon());
    return {ErrorCode::kInternal, "was read as: " + response.body};
  } catch (const Error& error) {
    return error;
  }
}

std::vector<IpAddress> at(const std::vector<std::string>& texts) {
  std::vector<IpAddress> out;
  for (const std::string& text : texts) out.push_back(*parse_ip_address(text));
  return out;
}

}  // namespace

TEST_CASE("a page is fetched from an allowed loopback server") {
  const HttpTestServer server(http_reply(200, "text/plain; charset=utf-8", "hello", "X-A: b\r\n"));
  const HttpResponse response = get(server, "/a?b=c");
  CHECK(response.status == 200);
  CHECK(response.body == "hello");
  CHECK(header(response.headers, "Content-Type") == "text/plain; charset=utf-8");
  CHECK(header(response.headers, "x-a") == "b");
  CHECK(header(response.headers, "x-b").empty());
  CHECK(response.url == server.url("/a?b=c"));
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].method == "GET");
  CHECK(server.requests()[0].target == "/a?b=c");
  CHECK(server.requests()[0].header("host") == "127.0.0.1:" + std::to_string(server.port()));
}

TEST_CASE("bodies come by length, in chunks, or until the end") {
  CHECK(get(HttpTestServer(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\n"
                "de\r\n0\r\n\r\n"))
            .body == "abcde");
  CHECK(get(HttpTestServer("HTTP/1.1 200 OK\r\n\r\nuntil the end")).body == "until the end");
  CHECK(get(HttpTestServer("HTTP/1.0 200 OK\r\n\r\nold")).body == "old");
  CHECK(get(HttpTestServer("HTTP/1.1 204 No Content\r\n\r\n")).status == 204);
  CHECK(get(HttpTestServer("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n"
                           "Content-Length: 2\r\n\r\nok"))
            .body == "ok");
  CHECK(get(HttpTestServer(http_reply(404, "text/plain", "not here"))).status == 404);
}

TEST_CASE("a request's body and headers arrive as given") {
  const HttpTestServer server(http_reply(200, "", ""));
  const HttpRequest request{.method = "POST",
                            .url = server.url("/x"),
                            .headers = {{"Content-Type", "application/json"}},
                            .body = std::string(100000, 'b')};
  fetch(request, policy_for(server), soon());
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].body == request.body);
  CHECK(server.requests()[0].header("content-type") == "application/json");
}

TEST_CASE("a header can't smuggle another, nor frame the request") {
  const HttpTestServer server(http_reply(200, "", ""));
  for (const auto& [key, value] : HttpHeaders{{"X", "a\r\nY: b"},
                                              {"X\r\nY", "a"},
                                              {"X", std::string("a\0b", 3)},
                                              {"", "a"},
                                              {"X:", "a"},
                                              {"Host", "other"},
                                              {"content-length", "3"},
                                              {"Transfer-Encoding", "chunked"}}) {
    INFO(key);
    try {
      fetch({.url = server.url(), .headers = {{key, value}}}, policy_for(server), soon());
      FAIL("was sent");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kInvalid);
    }
  }
  CHECK(server.requests().empty());
}

TEST_CASE("replies that are not HTTP, are cut off or too large are errors") {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  CHECK(failure("").code() == ErrorCode::kUnavailable);
  CHECK(failure("SSH-2.0-x\r\n").code() == ErrorCode::kCorrupt);
  CHECK(failure("HTTP/1.1 2x0 OK\r\n\r\n").code() == ErrorCode::kCorrupt);
  CHECK(failure(ok + "Content-Le").code() == ErrorCode::kUnavailable);
  CHECK(failure(ok + "Content-Length: 10\r\n\r\nabc").code() == ErrorCode::kUnavailable);
  CHECK(failure(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nabc").code() ==
        ErrorCode::kUnavailable);
  CHECK(failure(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc").code() == ErrorCode::kCorrupt);
  CHECK(failure(ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").code() ==
        ErrorCode::kCorrupt);
  CHECK(failure("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").code() ==
        ErrorCode::kCorrupt);
  CHECK(failure(ok + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd").code() ==
        ErrorCode::kCorrupt);
  CHECK(failure(ok + "Content-Length: 18446744073709551616\r\n\r\nabcd").code() ==
        ErrorCode::kCorrupt);
  CHECK(failure(ok + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab").code() ==
        ErrorCode::kUnsupported);
  CHECK(failure("HTTP/1.1 101 Switching\r\n\r\n").code() == ErrorCode::kCorrupt);
  std::string interim;
  for (int i = 0; i < 20; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK(failure(interim).code() == ErrorCode::kCorrupt);
  const HttpPolicy small{.max_header_bytes = 4096, .max_body_bytes = 1000};
  CHECK(failure(http_reply(200, "", std::string(1001, 'x')), small).code() ==
        ErrorCode::kExhausted);
  CHECK(failure(ok + "\r\n" + std::string(5000, 'x'), small).code() == ErrorCode::kExhausted);
  CHECK(failure(ok + "X: " + std::string(9000, 'x') + "\r\n\r\n", small).code() ==
        ErrorCode::kExhausted);
  // A chunk extension without an end, or many of them.
  CHECK(failure(ok + "Transfer-Encoding: chunked\r\n\r\n3;" + std::string(100000, 'x'), small)
            .code() == ErrorCode::kExhausted);
  std::string chunks = ok + "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 100; ++i) chunks += "1;" + std::string(2000, 'x') + "\r\na\r\n";
  CHECK(failure(chunks + "0\r\n\r\n", small).code() == ErrorCode::kExhausted);
}

TEST_CASE("the head of a long body can be had") {
  for (const std::string& bytes : {http_reply(200, "", std::string(5000, 'x')),
                                   "HTTP/1.1 200 OK\r\n\r\n" + std::string(5000, 'x')}) {
    const HttpTestServer server(bytes);
    HttpPolicy policy = policy_for(server);
    policy.max_body_bytes = 1000;
    policy.truncate_body = true;
    const HttpResponse response = fetch({.url = server.url()}, policy, soon());
    CHECK(response.body.size() == 1000);
    CHECK(response.truncated);
  }
}

TEST_CASE("a body is handed on as it comes, and reading ends when told") {
  const HttpTestServer server([](const ServedRequest&, ServedConnection& out) {
    out.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    out.send("3\r\ntwo\r\n");
    out.wait_for_close();  // only the client ends this exchange
  });
  std::string got;
  HttpRequest request{.url = server.url()};
  request.on_body = [&](std::string_view piece) {
    got += piece;
    return got.size() < 6;
  };
  const HttpResponse response = fetch(request, policy_for(server), soon());
  CHECK(response.status == 200);
  CHECK(response.body.empty());
  CHECK(got == "onetwo");

  const HttpTestServer failing(http_reply(500, "", "why"));
  request.url = failing.url();
  got.clear();
  CHECK(fetch(request, policy_for(failing), soon()).body == "why");
  CHECK(got.empty());
}

TEST_CASE("an exception from the body's reader reaches the caller") {
  const HttpTestServer server(http_reply(200, "", "abc"));
  HttpRequest request{.url = server.url()};
  request.on_body = [](std::string_view) -> bool { throw Error(ErrorCode::kInvalid, "enough"); };
  CHECK_THROWS_AS(fetch(request, policy_for(server), soon()), Error);
}

TEST_CASE("a silent server is left at the deadline and on a stop request") {
  const HttpTestServer server(
      [](const ServedRequest&, ServedConnection& out) { out.wait_for_close(); });
  const auto start = std::chrono::steady_clock::now();
  try {
    fetch({.url = server.url()}, policy_for(server), Limits::within(std::chrono::milliseconds(50)));
    FAIL("answered");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kDeadline);
  }
  std::stop_source source;
  Limits limits = soon();
  limits.stop = source.get_token();
  std::thread stopper([&] {
    while (server.connections() < 2) std::this_thread::yield();
    source.request_stop();
  });
  try {
    fetch({.url = server.url()}, policy_for(server), limits);
    FAIL("answered");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kCancelled);
  }
  stopper.join();
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
  // Already stopped: nothing is even connected to.
  CHECK_THROWS_AS(fetch({.url = server.url()}, policy_for(server), limits), Error);
  CHECK(server.connections() == 2);
}

TEST_CASE("a resolver that never answers is left at the deadline") {
  HttpPolicy policy;
  policy.resolve = [](const std::string&, const Limits& limits) -> std::vector<IpAddress> {
    CHECK(limits.deadline < SteadyTime::max());
    throw Error(ErrorCode::kDeadline, "no answer");
  };
  CHECK_THROWS_AS(
      fetch({.url = "http://example.com/"}, policy, Limits::within(std::chrono::milliseconds(10))),
      Error);
}

TEST_CASE("a closed port says so") {
  std::string url;
  HttpPolicy policy;
  {
    const HttpTestServer server("");
    url = server.url();
    policy = policy_for(server);
  }
  try {
    fetch({.url = url}, policy, soon());
    FAIL("answered");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kUnavailable);
    CHECK(error.message().find("is the server running?") != std::string::npos);
  }
}

TEST_CASE("a name is resolved once and exactly that address is connected to") {
  const HttpTestServer first(
      [](const ServedRequest&, ServedConnection& out) { out.send(http_reply(200, "", "first")); });
  const HttpTestServer second(
      [](const ServedRequest&, ServedConnection& out) { out.send(http_reply(200, "", "second")); },
      {.address = "127.0.0.2", .port = first.port()});
  HttpPolicy policy = policy_for(first, "rebind.test");
  int resolved = 0;
  policy.resolve = [&](const std::string& host, const Limits&) {
    CHECK(host == "rebind.test");
    return at({resolved++ == 0 ? "127.0.0.1" : "127.0.0.2"});
  };
  const std::string url = "http://rebind.test:" + std::to_string(first.port()) + "/";
  CHECK(fetch({.url = url}, policy, soon()).body == "first");
  CHECK(resolved == 1);
  CHECK(second.connections() == 0);
  // The next address is tried when the first does not answer.
  policy.resolve = [&](const std::string&, const Limits&) {
    return at({"127.0.0.3", "127.0.0.2"});
  };
  CHECK(fetch({.url = url}, policy, soon()).body == "second");
}

TEST_CASE("redirects are followed within bounds, each looked at anew") {
  HttpTestServer server([](const ServedRequest& request, ServedConnection& out) {
    const int n = std::stoi(request.target.substr(1));
    out.send(n == 0 ? http_reply(200, "", "there")
                    : http_reply(302, "", "", "Location: /" + std::to_string(n - 1) + "\r\n"));
  });
  const HttpResponse response = get(server, "/5");
  CHECK(response.body == "there");
  CHECK(response.url == server.url("/0"));
  CHECK_THROWS_AS(get(server, "/6"), Error);
  // Not followed for a request with effects.
  CHECK(fetch({.method = "POST", .url = server.url("/3")}, policy_for(server), soon()).status ==
        302);
}

TEST_CASE("a key does not follow a redirect to another host") {
  const HttpTestServer target(http_reply(200, "", "x"));
  const HttpTestServer server(http_reply(301, "", "", "Location: " + target.url() + "\r\n"));
  HttpPolicy policy = policy_for(server);
  policy.allowances.push_back({.host = "127.0.0.1", .port = target.port()});
  fetch({.url = server.url(), .headers = {{"Authorization", "Bearer k"}, {"X-Other", "1"}}}, policy,
        soon());
  REQUIRE(target.requests().size() == 1);
  CHECK(server.requests()[0].header("authorization") == "Bearer k");
  CHECK(target.requests()[0].header("authorization").empty());
  CHECK(target.requests()[0].header("x-other") == "1");
}

TEST_CASE("TLS: a certificate must be trusted, in date, and for this host") {
  const auto folder = std::filesystem::temp_directory_path();
  const auto file = folder / ("orkestra_ca_" + std::to_string(::getpid()) + ".pem");
  const auto attempt = [&](const std::string& certified_host, int days, bool trusted) {
    const test::TlsIdentity identity(certified_host, days);
    identity.write_certificate(file);
    const HttpTestServer server(
        [](const ServedRequest&, ServedConnection& out) {
          out.send(http_reply(200, "", "secret"));
        },
        {.identity = &identity});
    HttpPolicy policy = policy_for(server, "model.test");
    policy.resolve = [](const std::string&, const Limits&) { return at({"127.0.0.1"}); };
    if (trusted) policy.ca_file = file;
    try {
      const std::string url = "https://model.test:" + std::to_string(server.port()) + "/";
      return fetch({.url = url}, policy, soon()).body;
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kDenied);
      CHECK(server.requests().empty());
      return error.message();
    }
  };
  CHECK(attempt("model.test", 1, true) == "secret");
  CHECK(attempt("model.test", 1, false).find("certificate is not accepted") != std::string::npos);
  CHECK(attempt("other.test", 1, true).find("hostname mismatch") != std::string::npos);
  CHECK(attempt("model.test", -1, true).find("expired") != std::string::npos);
  std::filesystem::remove(file);
}

TEST_CASE("TLS: not spoken by the server, or downgraded by a redirect, is refused") {
  const HttpTestServer plain(http_reply(200, "", "x"));
  try {
    fetch({.url = "https://127.0.0.1:" + std::to_string(plain.port()) + "/"}, policy_for(plain),
          Limits::within(std::chrono::milliseconds(50)));
    FAIL("answered");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kDeadline);
    CHECK(plain.requests().empty());
  }
  const auto file = std::filesystem::temp_directory_path() /
                    ("orkestra_ca2_" + std::to_string(::getpid()) + ".pem");
  const test::TlsIdentity identity("127.0.0.1");
  identity.write_certificate(file);
  const HttpTestServer secure(
      [&](const ServedRequest&, ServedConnection& out) {
        out.send(http_reply(302, "", "", "Location: " + plain.url() + "\r\n"));
      },
      {.identity = &identity});
  HttpPolicy policy = policy_for(secure);
  policy.allowances.push_back({.host = "127.0.0.1", .port = plain.port()});
  policy.ca_file = file;
  const int before = plain.connections();
  try {
    fetch({.url = secure.url()}, policy, soon());
    FAIL("answered");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kDenied);
    CHECK(error.message().find("https to http") != std::string::npos);
  }
  CHECK(plain.connections() == before);
  std::filesystem::remove(file);
}

TEST_CASE("mutated replies are read or refused, whatever pieces they come in") {
  const std::vector<std::string> seeds{
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: u\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 No\r\n\r\nbody"};
  const std::vector<std::string> pieces{
      "\r\n",    "\r",   "\n", "0", "ffffffffffffffff", ": ", "HTTP/1.1 ", "Content-Length: 2\r\n",
      "chunked", "\xFF", "\0"};
  HttpPolicy policy;
  policy.max_header_bytes = 2048;
  policy.max_body_bytes = 64;
  std::mt19937 random(5);
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = seeds[random() % seeds.size()];
    for (auto edits = random() % 4; edits > 0; --edits) {
      const std::size_t where = random() % (bytes.size() + 1);
      if (random() % 3 == 0) {
        bytes.erase(where, 1 + random() % 4);
      } else {
        bytes.insert(where, pieces[random() % pieces.size()]);
      }
    }
    const std::function<bool(std::string_view)> none;
    HttpReplyReader reader("peer", policy, none);
    try {
      bool done = false;
      for (std::size_t begin = 0; begin < bytes.size() && !done;) {
        const std::size_t size = 1 + random() % 20;
        done = reader.push(std::string_view(bytes).substr(begin, size));
        begin += size;
      }
      if (!done) reader.end();
      const HttpResponse response = reader.take();
      if (response.body.size() > 64 || response.status < 200) FAIL("out of bounds: " << bytes);
      ++read;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInternal) FAIL(error.message());
    }
  }
  CHECK(read > 2000);
}
