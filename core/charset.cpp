#include <orkestra/core/charset.h>
#include <orkestra/core/text.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace orkestra {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// What Windows-1252 has at 0x80 to 0x9F (WHATWG Encoding: holes are the control characters).
constexpr std::array<char16_t, 32> kUpperWindows1252{
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

enum class Coding { kUtf8, kUtf16Little, kUtf16Big, kWindows1252 };

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

void append(std::string& out, std::uint32_t c) {
  const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xC0U | c >> 6U);
    byte(0x80U | (c & 0x3FU));
  } else if (c < 0x10000) {
    byte(0xE0U | c >> 12U);
    byte(0x80U | (c >> 6U & 0x3FU));
    byte(0x80U | (c & 0x3FU));
  } else {
    byte(0xF0U | c >> 18U);
    byte(0x80U | (c >> 12U & 0x3FU));
    byte(0x80U | (c >> 6U & 0x3FU));
    byte(0x80U | (c & 0x3FU));
  }
}

std::string from_windows_1252(std::string_view bytes) {
  std::string out;
  for (const char each : bytes) {
    const auto byte = static_cast<unsigned char>(each);
    append(out, byte >= 0x80 && byte < 0xA0 ? kUpperWindows1252[byte - 0x80U] : byte);
  }
  return out;
}

std::string from_utf16(std::string_view bytes, bool big) {
  const auto unit = [&](std::size_t i) {
    const auto first = static_cast<unsigned char>(bytes[i]);
    const auto second = static_cast<unsigned char>(bytes[i + 1]);
    return static_cast<std::uint32_t>(big ? first << 8U | second : second << 8U | first);
  };
  std::string out;
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) {
    const std::uint32_t high = unit(i);
    if (high < 0xD800 || high > 0xDFFF) {
      append(out, high);
      continue;
    }
    const std::uint32_t low = high < 0xDC00 && i + 3 < bytes.size() ? unit(i + 2) : 0;
    if (low >= 0xDC00 && low <= 0xDFFF) {
      append(out, 0x10000 + ((high - 0xD800) << 10U) + (low - 0xDC00));
      i += 2;
    } else {
      out += kReplacement;
    }
  }
  if (i < bytes.size()) out += kReplacement;
  return out;
}

std::string repaired_utf8(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size();) {
    const CodePoint c = code_point_at(bytes, i);
    out += c.value < 0 ? kReplacement : bytes.substr(i, c.size);
    i += c.size;
  }
  return out;
}

std::optional<Coding> coding_named(std::string_view bytes, const std::string& name) {
  const auto is = [&](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (name.empty()) return valid_utf8(bytes) ? Coding::kUtf8 : Coding::kWindows1252;
  if (is({"utf-8", "utf8", "unicode-1-1-utf-8"})) return Coding::kUtf8;
  if (is({"utf-16", "utf-16le"})) return Coding::kUtf16Little;
  if (is({"utf-16be"})) return Coding::kUtf16Big;
  // As browsers do: what says Latin-1 or ASCII is Windows-1252.
  if (is({"windows-1252", "cp1252", "x-cp1252", "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1",
          "l1", "us-ascii", "ascii"})) {
    return Coding::kWindows1252;
  }
  return std::nullopt;
}

}  // namespace

std::string charset_of(std::string_view content_type) {
  const std::string text = lower(content_type);
  constexpr std::string_view kName = "charset=";
  std::size_t at = text.find(kName);
  if (at == std::string::npos) return "";
  at += kName.size();
  if (at < text.size() && (text[at] == '"' || text[at] == '\'')) ++at;
  return text.substr(at, text.find_first_of(" ;\"'>/\t", at) - at);
}

std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset) {
  if (bytes.starts_with("\xEF\xBB\xBF")) return repaired_utf8(bytes.substr(3));
  if (bytes.starts_with("\xFF\xFE")) return from_utf16(bytes.substr(2), false);
  if (bytes.starts_with("\xFE\xFF")) return from_utf16(bytes.substr(2), true);
  const std::optional<Coding> coding = coding_named(bytes, lower(charset));
  if (!coding) return std::nullopt;
  switch (*coding) {
    case Coding::kUtf16Little:
      return from_utf16(bytes, false);
    case Coding::kUtf16Big:
      return from_utf16(bytes, true);
    case Coding::kWindows1252:
      return from_windows_1252(bytes);
    case Coding::kUtf8:
      break;
  }
  return repaired_utf8(bytes);
}

}  // namespace orkestra
