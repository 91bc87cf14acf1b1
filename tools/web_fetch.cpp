#include <orkestra/core/charset.h>
#include <orkestra/core/error.h>
#include <orkestra/core/html.h>
#include <orkestra/core/text.h>
#include <orkestra/tools/web_fetch.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace orkestra::tools {
namespace {

enum class PageKind { kHtml, kText, kUnknown };

struct Page {
  std::string title;
  std::string text;
  bool truncated = false;
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// "Text/HTML; charset=x" -> "text/html"
std::string media_type(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (!content_type.empty() && content_type.back() == ' ') content_type.remove_suffix(1);
  while (!content_type.empty() && content_type.front() == ' ') content_type.remove_prefix(1);
  return lower(content_type);
}

PageKind kind_of(const std::string& type) {
  if (type == "text/html" || type == "application/xhtml+xml") return PageKind::kHtml;
  if (type == "text/plain" || type == "text/markdown" || type == "text/x-markdown" ||
      type == "application/json" || type.ends_with("+json")) {
    return PageKind::kText;
  }
  return PageKind::kUnknown;
}

// A page may name its charset inside; browsers look no further than this.
std::string charset_inside(std::string_view html) {
  constexpr std::size_t kLookedAt = 1024;
  const std::string head = lower(html.substr(0, kLookedAt));
  for (std::size_t at = head.find("<meta"); at != std::string::npos;
       at = head.find("<meta", at + 1)) {
    const std::string charset = charset_of(head.substr(at, head.find('>', at) - at));
    // Whoever could read that much ASCII did not read UTF-16.
    if (!charset.empty()) return charset.starts_with("utf-16") ? "utf-8" : charset;
  }
  return "";
}

void cut(std::string& text, std::size_t bytes, bool& truncated) {
  if (text.size() <= bytes) return;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  text.resize(bytes);
  truncated = true;
}

void check_status(const HttpResponse& response) {
  if (response.status / 100 == 2) return;
  ErrorCode code = ErrorCode::kUnavailable;
  if (response.status == 404 || response.status == 410) code = ErrorCode::kNotFound;
  if (response.status == 401 || response.status == 403) code = ErrorCode::kDenied;
  throw Error(code, response.url + ": the server answered with status " +
                        std::to_string(response.status) + " instead of the page");
}

Page read_page(const HttpResponse& response) {
  const std::string_view content_type = header(response.headers, "content-type");
  const std::string type = media_type(content_type);
  const PageKind kind = kind_of(type);
  if (kind == PageKind::kUnknown) {
    throw Error(ErrorCode::kUnsupported, response.url + ": is " +
                                             (type.empty() ? "of no stated type" : type) +
                                             "; only HTML, plain text, Markdown and JSON are read");
  }
  std::string charset = charset_of(content_type);
  if (charset.empty() && kind == PageKind::kHtml) charset = charset_inside(response.body);
  std::optional<std::string> text = to_utf8(response.body, charset);
  if (!text) {
    throw Error(ErrorCode::kUnsupported,
                response.url + ": its charset \"" + charset.substr(0, 40) +
                    "\" is not known; UTF-8, UTF-16, Latin-1 and Windows-1252 are");
  }
  if (kind == PageKind::kText) return {.text = std::move(*text), .truncated = response.truncated};
  const HtmlDocument document = read_html(*text);
  return {.title = document.title,
          .text = html_to_text(document),
          .truncated = response.truncated || document.truncated};
}

class WebFetchTool final : public Tool {
 public:
  explicit WebFetchTool(WebFetchOptions options) : options_(std::move(options)) {
    options_.policy.max_body_bytes = options_.max_page_bytes;
    options_.policy.truncate_body = true;
    spec_.name = "fetch_page";
    spec_.description = "Read a page of the web as text.";
    spec_.parameters =
        Json{{"type", "object"},
             {"properties",
              {{"url",
                {{"type", "string"},
                 {"format", "uri"},  // policy lets a URL that a trusted source names be fetched
                 {"description", "The page's address: https://..."}}}}},
             {"required", Json::array({"url"})},
             {"additionalProperties", false}};
    spec_.traits = {.reads_untrusted = true, .reaches_out = true, .safe_to_repeat = true};
  }

  const ToolSpec& spec() const override { return spec_; }

  ToolResult run(const ToolCall& call, const Limits& limits) override {
    const HttpRequest request{
        .url = call.arguments.at("url").get<std::string>(),
        .headers = {{"Accept", "text/html, text/markdown, text/plain, application/json;q=0.9"},
                    {"User-Agent", "orkestra"}}};
    const HttpResponse response = fetch(request, options_.policy, limits);
    check_status(response);
    Page page = read_page(response);
    cut(page.text, options_.max_text_bytes, page.truncated);
    const Label label{Integrity::kUntrusted, Confidentiality::kPublic};
    const Origin origin{.kind = Origin::Kind::kUrl,
                        .locator = response.url,
                        .detail = Json{{"requested", request.url}}};
    ToolResult result = ToolResult::success(
        Json{{"url", response.url}, {"title", page.title}, {"text", page.text}}, origin, label);
    result.parts.push_back({.text = std::move(page.text),
                            .description = page.title.empty() ? response.url : page.title,
                            .origin = origin,
                            .label = label});
    result.truncated = page.truncated;
    return result;
  }

 private:
  WebFetchOptions options_;
  ToolSpec spec_;
};

}  // namespace

std::unique_ptr<Tool> make_web_fetch_tool(WebFetchOptions options) {
  return std::make_unique<WebFetchTool>(std::move(options));
}

}  // namespace orkestra::tools
