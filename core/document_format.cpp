#include <orkestra/core/document_format.h>
#include <orkestra/core/text.h>

#include <cstddef>

namespace orkestra {

std::string why_not_text(std::string_view bytes) {
  if (bytes.starts_with("%PDF-")) return "a PDF file, which can't be read yet";
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    return "UTF-16 text; convert it to UTF-8";
  }
  if (bytes.find('\0') != std::string_view::npos) return "binary";
  // Text in another encoding has single bytes that are not UTF-8; compressed data is full of them.
  const std::string_view start = bytes.substr(0, std::size_t{64} << 10U);
  std::size_t odd = 0;
  for (std::size_t i = 0; i < start.size();) {
    const CodePoint c = code_point_at(start, i);
    const bool control = c.value >= 0 && c.value < 0x20 && !is_space(c.value) && c.value != 0x1B;
    if (c.value < 0 || control) ++odd;
    i += c.size;
  }
  return odd > start.size() / 5 ? "binary, or text that is not UTF-8" : "";
}

bool is_html(std::string_view file_name, std::string_view bytes) {
  const std::string name = fold(file_name);
  for (const char* ending : {".html", ".htm", ".xhtml"}) {
    if (name.ends_with(ending)) return true;
  }
  const std::string start = fold(bytes.substr(0, 64));
  const std::size_t first = start.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return false;
  const std::string_view begins = std::string_view(start).substr(first);
  return begins.starts_with("<!doctype html") || begins.starts_with("<html");
}

}  // namespace orkestra
