// Server-side request forgery: every way of writing, naming or redirecting to an address that is
// not public, against servers that count who reaches them.
#include <orkestra/tests/catch.h>
#include <orkestra/tests/http_test_server.h>
#include <orkestra/tools/web_fetch.h>

#include <optional>

using namespace orkestra;
using test::http_reply;
using test::HttpTestServer;
using test::ServedConnection;
using test::ServedRequest;

namespace {

// A server on loopback, over IPv4 and, where there is one, over IPv6 on the same port, and a
// policy that would let its port through: only the address keeps anybody away.
struct Target {
  HttpTestServer v4{http_reply(200, "text/plain", "secret")};
  std::optional<HttpTestServer> v6;
  std::string port = std::to_string(v4.port());

  Target() {
    try {
      v6.emplace([](const ServedRequest&, ServedConnection&) {},
                 HttpTestServer::Options{.address = "::1", .port = v4.port()});
    } catch (const std::exception&) {
      WARN("no IPv6 on this machine; its addresses are tried all the same");
    }
  }
  int reached() const { return v4.connections() + (v6 ? v6->connections() : 0); }
  HttpPolicy policy() const {
    HttpPolicy policy;
    policy.ports.push_back(v4.port());
    policy.resolve = [](const std::string& host, const Limits&) -> std::vector<IpAddress> {
      FAIL("nothing here is to be resolved: " << host);
      return {};
    };
    return policy;
  }
};

ToolResult call(const HttpPolicy& policy, const std::string& url) {
  return tools::make_web_fetch_tool({.policy = policy})
      ->run({.name = "fetch_page", .arguments = Json{{"url", url}}},
            Limits::within(std::chrono::seconds(5)));
}

// The reason it was refused; "fetched" when it was not.
std::string refusal(const HttpPolicy& policy, const std::string& url) {
  try {
    call(policy, url);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInvalid || error.code() == ErrorCode::kDenied) {
      return error.message();
    }
    return "failed otherwise: " + error.message();
  }
  return "fetched";
}

void check_refused(const HttpPolicy& policy, const std::string& url) {
  const std::string why = refusal(policy, url);
  INFO(url.substr(0, 100) << " -> " << why);
  CHECK(why != "fetched");
  CHECK(why.find("failed otherwise") == std::string::npos);
}

}  // namespace

TEST_CASE("SSRF: addresses in every writing reach no server") {
  const Target target;
  const std::vector<std::string> hosts{
      // Loopback and its other writings.
      "127.0.0.1", "127.0.0.2", "127.255.255.254", "2130706433", "017700000001", "0x7f000001",
      "0X7F000001", "127.1", "127.0.1", "0177.0.0.1", "0x7f.0.0.1", "0x7f.1", "127.0.0.01",
      "127.0.0.1.", "127.0.0.0x1", "00000127.0.0.1", "127.000.000.001", "4294967297", "6425673729",
      "127.0.0.1%00", "127.0.0.1%2eexample.com", "%31%32%37.0.0.1", "127%2e0%2e0%2e1",
      "\xE2\x91\xA0\xE2\x91\xA1\xE2\x91\xA6.0.0.1",
      "127\xE3\x80\x82"
      "0\xE3\x80\x82"
      "0\xE3\x80\x82"
      "1",
      "\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x97.0.0.1", "0.0.0.0", "0", "0.0.0.1",
      // IPv6, and IPv4 inside it.
      "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
      "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]",
      "[64:ff9b:1::127.0.0.1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]",
      "[fe80::1%25lo]", "[fe80::1%lo]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]",
      "[::1", "::1", "[::1]]",
      // Networks that are not the public one.
      "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.169.254",
      "[::ffff:169.254.169.254]", "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1",
      "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
      // Who is meant by this?
      "example.com@127.0.0.1", "user:pass@127.0.0.1", "@127.0.0.1", "127.0.0.1\\@example.com",
      "127.0.0.1\\.example.com", "example.com\\.127.0.0.1", "127.0.0.1 example.com",
      "127.0.0.1\texample.com", "127.0.0.1\r\nHost: example.com", "example.com\n@127.0.0.1", "",
      ".", "..", "example.com:80@127.0.0.1", "127.0.0.1,example.com", "{127.0.0.1}", "example.com.",
      "exa mple.com", "ex\xC3\xA4mple.com", "a..b"};
  const HttpPolicy policy = target.policy();
  int tried = 0;
  for (const std::string& host : hosts) {
    check_refused(policy, "http://" + host + ":" + target.port + "/");
    check_refused(policy, "https://" + host + ":" + target.port + "/");
    check_refused(policy, "http://" + host + "/");
    ++tried;
  }
  CHECK(tried >= 40);
  CHECK(target.reached() == 0);
}

TEST_CASE("SSRF: other schemes and forms of a URL reach no server") {
  const Target target;
  const std::string at = "127.0.0.1:" + target.port;
  for (const std::string url :
       {"file:///etc/passwd", "file://127.0.0.1/etc/passwd", "javascript:alert(1)",
        "data:text/html,x", "about:blank", "view-source:http://127.0.0.1/", "/relative",
        "//127.0.0.1/", "127.0.0.1", "", "http:", "http:/", "http://", "http:///", "http://#",
        "http://?", "ht\ntp://127.0.0.1/"}) {
    check_refused(target.policy(), url);
  }
  for (const std::string scheme :
       {"gopher", "ftp", "dict", "ldap", "tftp", "ws", "wss", "jar", "netdoc", "HTTPX", "htp"}) {
    check_refused(target.policy(), scheme + "://" + at + "/");
  }
  check_refused(target.policy(), "http:" + at + "/");
  check_refused(target.policy(), "http:/" + at + "/");
  check_refused(target.policy(), "http:\\\\" + at + "\\");
  check_refused(target.policy(), "http:///" + at + "/");
  check_refused(target.policy(), "http://example.com\r\n\r\nGET http://" + at + "/");
  check_refused(target.policy(), "http://" + at + "/" + std::string(20000, 'a'));
  check_refused(target.policy(), "http://" + std::string(20000, 'a') + "/");
  CHECK(target.reached() == 0);
}

TEST_CASE("SSRF: names that lead inside reach no server, in any mixture") {
  const Target target;
  const std::vector<std::vector<std::string>> answers{
      {"127.0.0.1"},
      {"127.0.0.1", "8.8.8.8"},
      {"8.8.8.8", "127.0.0.1"},
      {"8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "::1"},
      {"::1"},
      {"::ffff:127.0.0.1"},
      {"64:ff9b::7f00:1"},
      {"10.0.0.1"},
      {"169.254.169.254"},
      {"0.0.0.0"},
      {"fd00::1"},
      {"2002:7f00:1::"},
      {"224.0.0.1"},
  };
  for (const auto& texts : answers) {
    HttpPolicy policy = target.policy();
    policy.resolve = [&](const std::string&, const Limits&) {
      std::vector<IpAddress> out;
      for (const auto& text : texts) out.push_back(*parse_ip_address(text));
      return out;
    };
    check_refused(policy, "http://inside.example:" + target.port + "/");
  }
  // A forbidden address beyond those that would ever be tried counts, too.
  HttpPolicy policy = target.policy();
  policy.resolve = [](const std::string&, const Limits&) {
    std::vector<IpAddress> out(100, *parse_ip_address("8.8.8.8"));
    out.push_back(*parse_ip_address("127.0.0.1"));
    return out;
  };
  check_refused(policy, "http://inside.example:" + target.port + "/");
  // The system's own names for this machine.
  policy.resolve = {};
  check_refused(policy, "http://localhost:" + target.port + "/");
  CHECK(target.reached() == 0);
}

TEST_CASE("SSRF: redirects to anything inside reach no server") {
  const Target target;
  const std::string at = ":" + target.port + "/";
  for (const std::string& location :
       std::vector<std::string>{"http://127.0.0.1" + at,
                                "http://127.1" + at,
                                "http://2130706433" + at,
                                "http://0x7f.0.0.1" + at,
                                "http://[::1]" + at,
                                "http://[::ffff:127.0.0.1]" + at,
                                "http://localhost" + at,
                                "http://10.0.0.1" + at,
                                "http://169.254.169.254/latest/meta-data/",
                                "http://0.0.0.0" + at,
                                "//127.0.0.1" + at,
                                "//[::1]" + at,
                                "\\\\127.0.0.1" + at,
                                "http://user@127.0.0.1" + at,
                                "file:///etc/passwd",
                                "gopher://127.0.0.1" + at,
                                "javascript:alert(1)",
                                "ftp://127.0.0.1" + at,
                                "http://inside.example" + at,
                                "http://127.0.0.1:22/",
                                "http://127.0.0.1:65536/",
                                "http:/\\127.0.0.1" + at,
                                "http://127.0.0.1%09" + at}) {
    const HttpTestServer start(http_reply(302, "", "", "Location: " + location + "\r\n"));
    HttpPolicy policy = target.policy();
    policy.allowances.push_back({.host = "127.0.0.1", .port = start.port()});
    policy.resolve = [](const std::string&, const Limits&) {
      return std::vector<IpAddress>{*parse_ip_address("127.0.0.1")};
    };
    check_refused(policy, start.url());
    CHECK(start.connections() == 1);
  }
  CHECK(target.reached() == 0);
}

TEST_CASE("SSRF: a name that changes its answer is held to the one that was checked") {
  const HttpTestServer allowed(http_reply(200, "text/plain", "allowed"));
  const HttpTestServer forbidden(
      [](const ServedRequest&, ServedConnection& out) {
        out.send(http_reply(200, "text/plain", "secret"));
      },
      {.address = "127.0.0.2", .port = allowed.port()});
  HttpPolicy policy;
  policy.allowances.push_back({.host = "rebind.example", .port = allowed.port()});
  int asked = 0;
  policy.resolve = [&](const std::string&, const Limits&) {
    return std::vector<IpAddress>{*parse_ip_address(++asked == 1 ? "127.0.0.1" : "127.0.0.2")};
  };
  const ToolResult result =
      call(policy, "http://rebind.example:" + std::to_string(allowed.port()) + "/");
  CHECK(result.value.at("text") == "allowed");
  CHECK(asked == 1);
  CHECK(forbidden.connections() == 0);
}

TEST_CASE("SSRF: a redirect back to a name that now leads elsewhere is looked at anew") {
  const HttpTestServer server(http_reply(302, "", "", "Location: /again\r\n"));
  HttpPolicy policy;
  policy.allowances.push_back({.host = "rebind.example", .port = server.port()});
  int asked = 0;
  policy.resolve = [&](const std::string&, const Limits&) {
    return std::vector<IpAddress>{*parse_ip_address(++asked == 1 ? "127.0.0.1" : "10.0.0.1")};
  };
  check_refused(policy, "http://rebind.example:" + std::to_string(server.port()) + "/");
  CHECK(asked == 2);
  CHECK(server.connections() == 1);
}

TEST_CASE("SSRF: ports that are not the web's are refused even on public addresses") {
  HttpPolicy policy;
  for (const char* port : {"1", "22", "25", "110", "3306", "5432", "6379", "9200", "11211"}) {
    check_refused(policy, std::string("http://8.8.8.8:") + port + "/");
  }
}

TEST_CASE("SSRF: an allowance opens its own host and port to this machine, and nothing else") {
  const HttpTestServer server(http_reply(200, "text/plain", "welcome"));
  const std::string port = std::to_string(server.port());
  HttpPolicy policy;
  policy.allowances.push_back({.host = "localhost", .port = server.port()});
  policy.resolve = [](const std::string&, const Limits&) {
    return std::vector<IpAddress>{*parse_ip_address("127.0.0.1")};
  };
  CHECK(call(policy, "http://localhost:" + port + "/").value.at("text") == "welcome");
  CHECK(call(policy, "http://LOCALHOST:" + port + "/").value.at("text") == "welcome");
  const int before = server.connections();
  check_refused(policy, "http://127.0.0.1:" + port + "/");
  check_refused(policy, "http://other.example:" + port + "/");
  check_refused(policy, "http://localhost:1/");
  // The allowed name may not lead to another machine.
  policy.resolve = [](const std::string&, const Limits&) {
    return std::vector<IpAddress>{*parse_ip_address("10.0.0.1")};
  };
  check_refused(policy, "http://localhost:" + port + "/");
  CHECK(server.connections() == before);
}
