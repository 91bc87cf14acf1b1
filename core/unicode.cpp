#include <orkestra/core/unicode.h>
#include <utf8proc.h>

#include <array>
#include <cstddef>

namespace orkestra {

UnicodeClass unicode_class(std::int32_t code_point) {
  switch (utf8proc_category(code_point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT:
      return UnicodeClass::kUpper;
    case UTF8PROC_CATEGORY_LL:
      return UnicodeClass::kLower;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return UnicodeClass::kOtherLetter;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return UnicodeClass::kMark;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return UnicodeClass::kNumber;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return UnicodeClass::kPunctuation;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
      return UnicodeClass::kSymbol;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return UnicodeClass::kSeparator;
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
      return UnicodeClass::kControl;
    default:
      return UnicodeClass::kOther;
  }
}

bool is_nonspacing_mark(std::int32_t code_point) {
  return utf8proc_category(code_point) == UTF8PROC_CATEGORY_MN;
}

std::int32_t to_lower(std::int32_t code_point) { return utf8proc_tolower(code_point); }
std::int32_t to_upper(std::int32_t code_point) { return utf8proc_toupper(code_point); }

void append_decomposed(std::int32_t code_point, std::vector<std::int32_t>& out) {
  std::array<utf8proc_int32_t, 32> parts{};  // the longest canonical decomposition has 4
  int boundary = 0;
  const auto count = code_point < 0
                         ? 0
                         : utf8proc_decompose_char(code_point, parts.data(), parts.size(),
                                                   UTF8PROC_DECOMPOSE, &boundary);
  if (count <= 0 || count > static_cast<utf8proc_ssize_t>(parts.size())) {
    out.push_back(code_point);
    return;
  }
  out.insert(out.end(), parts.begin(), parts.begin() + count);
}

}  // namespace orkestra
