#include <orkestra/core/charset.h>
#include <orkestra/core/text.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/http_test_server.h>
#include <orkestra/tools/policy.h>
#include <orkestra/tools/web_fetch.h>

#include <random>

using namespace orkestra;
using test::http_reply;
using test::HttpTestServer;
using test::ServedConnection;
using test::ServedRequest;

namespace {

HttpPolicy policy_for(const HttpTestServer& server) {
  HttpPolicy policy;
  policy.allowances.push_back({.host = "127.0.0.1", .port = server.port()});
  return policy;
}

ToolResult fetch_with(tools::WebFetchOptions options, const std::string& url) {
  tools::ToolRegistry registry;
  registry.add(tools::make_web_fetch_tool(std::move(options)));
  return registry.call({.name = "fetch_page", .arguments = Json{{"url", url}}},
                       Limits::within(std::chrono::seconds(20)));
}

ToolResult fetch_page(const std::string& reply) {
  const HttpTestServer server(reply);
  return fetch_with({.policy = policy_for(server)}, server.url("/page"));
}

std::string text_of(const std::string& type, const std::string& body) {
  const ToolResult result = fetch_page(http_reply(200, type, body));
  INFO(result.message);
  REQUIRE(result.ok);
  return result.value.at("text").get<std::string>();
}

}  // namespace

TEST_CASE("fetch_page: a page becomes title, text and one untrusted part") {
  const HttpTestServer server(http_reply(200, "text/html; charset=utf-8",
                                         "<title>A page</title><style>x</style><h1>Head</h1>"
                                         "<p>Some <b>text</b>.</p><script>alert(1)</script>"));
  const ToolResult result = fetch_with({.policy = policy_for(server)}, server.url("/page"));
  INFO(result.message);
  REQUIRE(result.ok);
  CHECK(result.value.at("url") == server.url("/page"));
  CHECK(result.value.at("title") == "A page");
  const auto text = result.value.at("text").get<std::string>();
  CHECK(text.find("Some text.") != std::string::npos);
  CHECK(text.find("alert") == std::string::npos);
  REQUIRE(result.parts.size() == 1);
  CHECK(result.parts[0].text == text);
  CHECK(result.parts[0].description == "A page");
  CHECK(result.parts[0].origin.kind == Origin::Kind::kUrl);
  CHECK(result.parts[0].origin.locator == server.url("/page"));
  CHECK(result.parts[0].label == Label{Integrity::kUntrusted, Confidentiality::kPublic});
  CHECK(result.label == result.parts[0].label);
  CHECK_FALSE(result.truncated);
  const auto tool = tools::make_web_fetch_tool();
  CHECK(tool->spec().traits.reads_untrusted);
  CHECK(tool->spec().traits.reaches_out);
  CHECK(tool->spec().traits.safe_to_repeat);
  CHECK_FALSE(tool->spec().traits.side_effects);
}

TEST_CASE("fetch_page: the origin is where a redirect led") {
  const HttpTestServer server([](const ServedRequest& request, ServedConnection& out) {
    out.send(request.target == "/new" ? http_reply(200, "text/plain", "moved")
                                      : http_reply(301, "", "", "Location: /new\r\n"));
  });
  const ToolResult result = fetch_with({.policy = policy_for(server)}, server.url("/old"));
  REQUIRE(result.ok);
  CHECK(result.parts.at(0).origin.locator == server.url("/new"));
  CHECK(result.parts[0].origin.detail.at("requested") == server.url("/old"));
}

TEST_CASE("fetch_page: text, Markdown and JSON are taken as they are") {
  CHECK(text_of("text/plain", "a <b> & c") == "a <b> & c");
  CHECK(text_of("text/markdown; charset=UTF-8", "# T\n\n* x") == "# T\n\n* x");
  CHECK(text_of("application/json", R"({"a": 1})") == R"({"a": 1})");
  CHECK(text_of("application/ld+json", "{}") == "{}");
}

TEST_CASE("fetch_page: other charsets become UTF-8") {
  CHECK(text_of("text/plain; charset=iso-8859-1", "caf\xE9 \x80") == "caf\xC3\xA9 \xE2\x82\xAC");
  CHECK(text_of("text/plain; charset=\"Windows-1252\"", "\x93x\x94") ==
        "\xE2\x80\x9Cx\xE2\x80\x9D");
  CHECK(text_of("text/plain", "caf\xE9") == "caf\xC3\xA9");
  CHECK(text_of("text/plain", "caf\xC3\xA9") == "caf\xC3\xA9");
  CHECK(text_of("text/plain; charset=utf-8", "a\xFF") == "a\xEF\xBF\xBD");
  CHECK(text_of("text/plain", "\xEF\xBB\xBFx") == "x");
  CHECK(text_of("text/plain", std::string("\xFF\xFE"
                                          "a\0\x3D\xD8\x00\xDE",
                                          8)) == "a\xF0\x9F\x98\x80");
  CHECK(text_of("text/html", "<meta charset=latin1><p>caf\xE9</p>").find("caf\xC3\xA9") !=
        std::string::npos);
  CHECK(text_of("text/html",
                "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=iso-8859-1\">"
                "<p>caf\xE9</p>")
            .find("caf\xC3\xA9") != std::string::npos);
  const ToolResult unknown =
      fetch_page(http_reply(200, "text/plain; charset=iso-2022-cn-ext", "x"));
  CHECK(unknown.code == ErrorCode::kUnsupported);
  CHECK(unknown.message.find("iso-2022-cn-ext") != std::string::npos);
}

TEST_CASE("fetch_page: any bytes in any charset become valid UTF-8 within three times their size") {
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    for (const char* charset : {"", "utf-8", "utf-16le", "utf-16be", "latin1"}) {
      const auto text = to_utf8(bytes, charset);
      REQUIRE(text);
      if (!valid_utf8(*text) || text->size() > 3 * bytes.size() + 3) FAIL("case " << i);
    }
  }
}

TEST_CASE("fetch_page: what can't be read says why") {
  CHECK(fetch_page(http_reply(404, "text/html", "<p>none")).code == ErrorCode::kNotFound);
  CHECK(fetch_page(http_reply(403, "text/html", "<p>no")).code == ErrorCode::kDenied);
  CHECK(fetch_page(http_reply(500, "text/html", "<p>oops")).code == ErrorCode::kUnavailable);
  CHECK(fetch_page("nonsense").code == ErrorCode::kCorrupt);
  const ToolResult image = fetch_page(http_reply(200, "image/png", "x"));
  CHECK(image.code == ErrorCode::kUnsupported);
  CHECK(image.message.find("image/png") != std::string::npos);
  CHECK(fetch_page(http_reply(200, "", "x")).code == ErrorCode::kUnsupported);
}

TEST_CASE("fetch_page: long pages and texts are cut at a character and say so") {
  std::string long_text;
  for (int i = 0; i < 50000; ++i) long_text += "\xC3\xA9";
  const HttpTestServer server(http_reply(200, "text/plain; charset=utf-8", long_text));
  const ToolResult by_text =
      fetch_with({.policy = policy_for(server), .max_text_bytes = 999}, server.url());
  REQUIRE(by_text.ok);
  CHECK(by_text.truncated);
  CHECK(by_text.value.at("text").get<std::string>().size() == 998);
  const ToolResult by_page =
      fetch_with({.policy = policy_for(server), .max_page_bytes = 500}, server.url());
  REQUIRE(by_page.ok);
  CHECK(by_page.truncated);
  CHECK(by_page.value.at("text").get<std::string>().size() == 500);
}

TEST_CASE("policy lets a page be fetched that the user or a trusted document names, no other") {
  const ToolSpec spec = tools::make_web_fetch_tool()->spec();
  const auto permission = [&](const std::string& url, Label label) {
    Evidence seen;
    seen.quote = "Terms: https://bank.example/terms for 7326.41 euros";
    seen.label = label;
    const ToolCall call{.name = spec.name, .arguments = {{"url", url}}};
    return tools::rule({}, spec, call, "Read https://a.example/x", {seen}).permission;
  };
  const Label document{Integrity::kTrusted, Confidentiality::kPrivate};
  const Label page{Integrity::kUntrusted, Confidentiality::kPublic};
  CHECK(permission("https://a.example/x", page) == tools::Permission::kAllow);
  CHECK(permission("https://bank.example/terms", document) == tools::Permission::kAllow);
  CHECK(permission("https://bank.example/terms", page) == tools::Permission::kDeny);
  CHECK(permission("https://evil.example/?balance=7326.41", document) == tools::Permission::kDeny);
}
