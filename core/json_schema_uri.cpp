#include <orkestra/core/json_schema_uri.h>

#include <cctype>
#include <optional>
#include <vector>

namespace orkestra {
namespace {

struct Parts {
  std::string_view scheme, path, query, fragment;
  std::optional<std::string_view> authority;
};

Parts split(std::string_view uri) {
  Parts parts;
  const std::size_t fragment = uri.find('#');
  if (fragment != std::string_view::npos) {
    parts.fragment = uri.substr(fragment);
    uri = uri.substr(0, fragment);
  }
  const std::size_t query = uri.find('?');
  if (query != std::string_view::npos) {
    parts.query = uri.substr(query);
    uri = uri.substr(0, query);
  }
  const std::size_t colon = uri.find(':');
  if (colon != std::string_view::npos && colon > 0 && uri.find('/') > colon &&
      std::isalpha(static_cast<unsigned char>(uri.front())) != 0) {
    parts.scheme = uri.substr(0, colon + 1);
    uri = uri.substr(colon + 1);
  }
  if (uri.starts_with("//")) {
    const std::size_t end = std::min(uri.find('/', 2), uri.size());
    parts.authority = uri.substr(0, end);
    uri = uri.substr(end);
  }
  parts.path = uri;
  return parts;
}

std::string without_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  const bool absolute = path.starts_with('/');
  bool folder = false;  // the path ends in a slash
  for (std::size_t at = absolute ? 1 : 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    const bool last = end == path.size();
    folder = last && (segment == "." || segment == ".." || segment.empty());
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (segment != "." && !(last && segment.empty())) {
      kept.push_back(segment);
    }
    at = end + 1;
  }
  std::string out = absolute ? "/" : "";
  for (std::size_t i = 0; i < kept.size(); ++i) out += (i > 0 ? "/" : "") + std::string(kept[i]);
  if (folder && !kept.empty()) out += "/";
  return out;
}

}  // namespace

std::string resolve_uri(std::string_view base, std::string_view reference) {
  const Parts from = split(base);
  const Parts to = split(reference);
  const auto text = [](std::string_view part) { return std::string(part); };
  if (!to.scheme.empty()) {
    return text(to.scheme) + text(to.authority.value_or("")) +
           (to.authority ? without_dots(to.path) : text(to.path)) + text(to.query) +
           text(to.fragment);
  }
  std::string out = text(from.scheme);
  if (to.authority) {
    return out + text(*to.authority) + without_dots(to.path) + text(to.query) + text(to.fragment);
  }
  out += from.authority.value_or("");
  if (to.path.empty()) {
    return out + text(from.path) + text(to.query.empty() ? from.query : to.query) +
           text(to.fragment);
  }
  if (to.path.starts_with('/'))
    return out + without_dots(to.path) + text(to.query) + text(to.fragment);
  const std::size_t slash = from.path.rfind('/');
  std::string path = slash == std::string_view::npos ? (from.authority ? "/" : "")
                                                     : text(from.path.substr(0, slash + 1));
  return out + without_dots(path + text(to.path)) + text(to.query) + text(to.fragment);
}

std::string decode_percent(std::string_view text) {
  std::string out;
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace orkestra
