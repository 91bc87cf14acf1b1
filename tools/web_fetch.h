// The tool "fetch_page": one page of the web as clean text. Where it may go is decided in
// core/http_guard.h: public addresses only, unless the policy names a host. What it brings back is
// untrusted and public, whatever it says about itself.
#pragma once

#include <orkestra/core/http_client.h>
#include <orkestra/tools/tool.h>

#include <cstddef>
#include <memory>
#include <string>

namespace orkestra::tools {

struct WebFetchOptions {
  HttpPolicy policy{};
  std::size_t max_page_bytes = std::size_t{4} << 20U;   // of the page as sent; longer ones are cut
  std::size_t max_text_bytes = std::size_t{64} << 10U;  // of its text
};

// {"url"} -> {"url", "title", "text"} and one part, the text, with the page's final URL as origin.
// Reads HTML, plain text, Markdown and JSON. A page that can't be had is a failed result that says
// why: denied, not found, unavailable, unsupported (another type or charset), exhausted.
std::unique_ptr<Tool> make_web_fetch_tool(WebFetchOptions options = {});

}  // namespace orkestra::tools
