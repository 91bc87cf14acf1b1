#include <orkestra/core/error.h>
#include <orkestra/core/http_guard.h>
#include <orkestra/core/http_url.h>
#include <orkestra/core/net_address.h>
#include <orkestra/tests/catch.h>

#include <chrono>
#include <random>

using namespace orkestra;

namespace {

AddressKind kind(const std::string& text) {
  const auto address = parse_ip_address(text);
  INFO(text);
  REQUIRE(address);
  return classify(*address);
}

std::string refusal(const std::string& url) {
  try {
    return "accepted as " + parse_http_url(url).text();
  } catch (const Error& error) {
    CHECK((error.code() == ErrorCode::kInvalid || error.code() == ErrorCode::kDenied));
    return error.message();
  }
}

}  // namespace

TEST_CASE("addresses are read in their usual form only") {
  CHECK(to_string(*parse_ip_address("192.0.2.1")) == "192.0.2.1");
  CHECK(to_string(*parse_ip_address("2001:DB8::0:1")) == "2001:db8::1");
  for (const char* text :
       {"", "127.1", "0177.0.0.1", "0x7f.0.0.1", "2130706433", "1.2.3.4.5", "1.2.3", "1.2.3.256",
        "fe80::1%eth0", "[::1]", ":::1", "1.2.3.4 ", "::ffff:1.2.3"}) {
    INFO(text);
    CHECK_FALSE(parse_ip_address(text));
  }
  CHECK_FALSE(parse_ip_address(std::string("1.2.3.4\0", 8)));
}

TEST_CASE("every special range is known by its first and last address") {
  using K = AddressKind;
  struct Row {
    const char* text;
    K kind;
  };
  const std::vector<Row> rows{
      {"0.0.0.0", K::kUnspecified},
      {"0.255.255.255", K::kUnspecified},
      {"1.0.0.0", K::kPublic},
      {"9.255.255.255", K::kPublic},
      {"10.0.0.0", K::kPrivate},
      {"10.255.255.255", K::kPrivate},
      {"11.0.0.0", K::kPublic},
      {"100.63.255.255", K::kPublic},
      {"100.64.0.0", K::kCarrier},
      {"100.100.100.200", K::kCarrier},
      {"100.127.255.255", K::kCarrier},
      {"100.128.0.0", K::kPublic},
      {"127.0.0.0", K::kLoopback},
      {"127.255.255.255", K::kLoopback},
      {"128.0.0.0", K::kPublic},
      {"168.63.129.16", K::kLinkLocal},
      {"169.254.0.0", K::kLinkLocal},
      {"169.254.169.254", K::kLinkLocal},
      {"169.255.0.0", K::kPublic},
      {"172.15.255.255", K::kPublic},
      {"172.16.0.0", K::kPrivate},
      {"172.31.255.255", K::kPrivate},
      {"172.32.0.0", K::kPublic},
      {"192.0.0.1", K::kReserved},
      {"192.0.2.255", K::kDocumentation},
      {"192.88.99.1", K::kTunnel},
      {"192.167.255.255", K::kPublic},
      {"192.168.0.0", K::kPrivate},
      {"192.168.255.255", K::kPrivate},
      {"198.17.255.255", K::kPublic},
      {"198.18.0.0", K::kDocumentation},
      {"198.19.255.255", K::kDocumentation},
      {"198.51.100.7", K::kDocumentation},
      {"203.0.113.7", K::kDocumentation},
      {"223.255.255.255", K::kPublic},
      {"224.0.0.1", K::kMulticast},
      {"239.255.255.255", K::kMulticast},
      {"240.0.0.1", K::kReserved},
      {"255.255.255.255", K::kReserved},
      {"::", K::kUnspecified},
      {"::1", K::kLoopback},
      {"::2", K::kReserved},
      {"::127.0.0.1", K::kReserved},
      {"::ffff:127.0.0.1", K::kLoopback},
      {"::ffff:10.0.0.1", K::kPrivate},
      {"::ffff:169.254.169.254", K::kLinkLocal},
      {"::ffff:8.8.8.8", K::kPublic},
      {"::ffff:0:127.0.0.1", K::kReserved},
      {"64:ff9b::127.0.0.1", K::kLoopback},
      {"64:ff9b::a00:1", K::kPrivate},
      {"64:ff9b::808:808", K::kPublic},
      {"64:ff9b:1::1", K::kTunnel},
      {"100::1", K::kReserved},
      {"2001::1", K::kTunnel},
      {"2001:2::1", K::kDocumentation},
      {"2001:10::1", K::kReserved},
      {"2001:1ff:ffff::1", K::kReserved},
      {"2001:200::1", K::kPublic},
      {"2001:db8::1", K::kDocumentation},
      {"2002:7f00:1::1", K::kTunnel},
      {"2003::1", K::kPublic},
      {"2606:4700::1111", K::kPublic},
      {"2a00::200:5efe:7f00:1", K::kTunnel},
      {"3fff::1", K::kDocumentation},
      {"3fff:fff:ffff::", K::kDocumentation},
      {"3ffe::1", K::kPublic},
      {"4000::1", K::kReserved},
      {"5f00::1", K::kReserved},
      {"fc00::1", K::kPrivate},
      {"fd00:ec2::254", K::kPrivate},
      {"fe80::1", K::kLinkLocal},
      {"febf::1", K::kLinkLocal},
      {"fec0::1", K::kPrivate},
      {"ff02::1", K::kMulticast},
  };
  for (const Row& row : rows) {
    INFO(row.text << " is " << name(row.kind));
    CHECK(kind(row.text) == row.kind);
  }
}

TEST_CASE("a URL is taken apart into what is connected to") {
  const HttpUrl url = parse_http_url("HTTPS://Example.COM:8443/a%20b/c?q=1&r=%41#part");
  CHECK(url.secure);
  CHECK(url.host == "example.com");
  CHECK(url.port == 8443);
  CHECK(url.target == "/a%20b/c?q=1&r=%41");
  CHECK(url.text() == "https://example.com:8443/a%20b/c?q=1&r=%41");
  CHECK_FALSE(url.address);
  CHECK(parse_http_url("http://example.com").text() == "http://example.com/");
  CHECK(parse_http_url("http://example.com?x").target == "/?x");
  CHECK(parse_http_url("http://example.com:/").port == 80);
  CHECK(parse_http_url("https://a_b.example-1.org/").port == 443);
  const HttpUrl v6 = parse_http_url("http://[2001:DB8:0::1]:81/x");
  CHECK(v6.authority() == "[2001:db8::1]:81");
  CHECK(v6.address);
  CHECK(parse_http_url("http://192.0.2.1/").address);
  CHECK(parse_http_url("http://example.com/gr\xC3\xBC\xC3\x9F"
                       "e?\xC3\xA9")
            .target ==
        "/gr%C3%BC%C3%9F"
        "e?%C3%A9");
}

TEST_CASE("what two readers could read in two ways is no URL") {
  const std::vector<std::pair<std::string, std::string>> refused{
      {"", "begins with http"},
      {"example.com", "begins with http"},
      {"//example.com/", "begins with http"},
      {"http:/example.com/", ""},
      {"http:example.com", ""},
      {"http:///path", "names no host"},
      {"http://", "names no host"},
      {"http://:80/", "names no host"},
      {"ftp://example.com/", "only http:// and https://"},
      {"file:///etc/passwd", "only http:// and https://"},
      {"gopher://127.0.0.1:6379/_x", "only http:// and https://"},
      {"javascript:alert(1)", ""},
      {"http://user@example.com/", "user name"},
      {"http://user:pass@example.com/", "user name"},
      {"http://@example.com/", "user name"},
      {"http://example.com@127.0.0.1/", "user name"},
      {"http://example.com\\@127.0.0.1/", "backslash"},
      {"http://127.0.0.1\\.example.com/", "backslash"},
      {"http://example.com /", "space"},
      {" http://example.com/", "space"},
      {"http://example.com/a\r\nHost: x", "control character"},
      {"http://example.com/\ta", "control character"},
      {std::string("http://example.com/\0a", 21), "control character"},
      {"http://example.com:0/", "port"},
      {"http://example.com:65536/", "port"},
      {"http://example.com:80:80/", ""},
      {"http://example.com:8a/", ""},
      {"http://example.com:-1/", ""},
      {"http://2130706433/", "ends in a number"},
      {"http://0x7f000001/", "ends in a number"},
      {"http://017700000001/", "ends in a number"},
      {"http://127.1/", "ends in a number"},
      {"http://127.0.1/", "ends in a number"},
      {"http://0177.0.0.1/", "ends in a number"},
      {"http://0x7f.0.0.1/", "ends in a number"},
      {"http://127.0.0.0x1/", "neither a name nor an address"},
      {"http://127.0.0.1.example.com/", "neither a name nor an address"},
      {"http://127.0.0.1./", "neither a name nor an address"},
      {"http://example.com./", "empty part"},
      {"http://.example.com/", "empty part"},
      {"http://a..b/", "empty part"},
      {"http://ex%61mple.com/", ""},
      {"http://127%2e0.0.1/", ""},
      {"http://\xE2\x91\xA0\xE2\x91\xA1/", "outside ASCII"},
      {"http://127\xE3\x80\x82"
       "0.0.1/",
       "outside ASCII"},
      {"http://\xEF\xBC\x91"
       "27.0.0.1/",
       "outside ASCII"},
      {"http://[::1/", ""},
      {"http://::1/", ""},
      {"http://[::1]x/", ""},
      {"http://[fe80::1%25eth0]/", ""},
      {"http://[v1.x]/", ""},
      {"http://a$b/", "neither a name nor an address"},
      {"http://" + std::string(64, 'a') + ".com/", "neither a name nor an address"},
      {"http://example.com/" + std::string(9000, 'a'), "longer than"},
      {"http://example.com/%zz", ""},
  };
  for (const auto& [url, why] : refused) {
    const std::string message = refusal(url);
    INFO(url << " -> " << message);
    CHECK(message.find("accepted") == std::string::npos);
    CHECK(message.find(why) != std::string::npos);
    CHECK(message.find('\r') == std::string::npos);
  }
}

TEST_CASE("a redirect is read against where it came from") {
  const HttpUrl base = parse_http_url("https://example.com:8443/a/b?c");
  CHECK(parse_redirect(base, "d").text() == "https://example.com:8443/a/d");
  CHECK(parse_redirect(base, "/d?e#f").text() == "https://example.com:8443/d?e");
  CHECK(parse_redirect(base, "//other.example/x").text() == "https://other.example/x");
  CHECK(parse_redirect(base, "http://other.example").text() == "http://other.example/");
  CHECK(parse_redirect(base, "../../../x").text() == "https://example.com:8443/x");
  for (const char* location : {"file:///etc/passwd", "javascript:alert(1)", "//user@x/", "//x:0/",
                               "http://127.1/", "a\\b", "http:x", "//127.1/"}) {
    INFO(location);
    CHECK_THROWS_AS(parse_redirect(base, location), Error);
  }
}

TEST_CASE("mutated URLs are read or refused, and what is read means the same when read again") {
  const std::vector<std::string> seeds{"https://example.com:8443/a%20b?c=d#e",
                                       "http://[2001:db8::1]:81/x/../y", "http://192.0.2.1/",
                                       "http://user:pw@host.example/%41"};
  const std::string bytes = "@:/\\?#[]%.0x1eE+-_ \t\r\n\x80\xC3";
  std::mt19937 random(7);
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string url = seeds[random() % seeds.size()];
    for (auto edits = 1 + random() % 4; edits > 0; --edits) {
      const std::size_t at = random() % (url.size() + 1);
      const char byte = bytes[random() % bytes.size()];
      if (random() % 3 == 0 && at < url.size()) {
        url.erase(at, 1);
      } else if (random() % 2 == 0 && at < url.size()) {
        url[at] = byte;
      } else {
        url.insert(at, 1, byte);
      }
    }
    try {
      const HttpUrl once = parse_http_url(url);
      const HttpUrl again = parse_http_url(once.text());
      CHECK(once.text() == again.text());
      CHECK(once.host == again.host);
      ++read;
      (void)parse_redirect(once, url.substr(random() % url.size()));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kInvalid) CHECK(error.code() == ErrorCode::kDenied);
    }
  }
  CHECK(read > 1000);
}

TEST_CASE("localhost is this machine whatever a resolver knows") {
  for (const char* host : {"localhost", "db.localhost"}) {
    for (const IpAddress& address :
         resolve_by_system(host, Limits::within(std::chrono::seconds(5)))) {
      CHECK(classify(address) == AddressKind::kLoopback);
    }
  }
}
