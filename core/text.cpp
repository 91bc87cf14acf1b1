#include <orkestra/core/text.h>

#include <libstemmer.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <memory>

namespace orkestra {
namespace {

constexpr std::size_t kMaxWordBytes = 256;  // longer words are left unstemmed

// Sorted, for binary search.
constexpr auto kStopWords = std::to_array<std::string_view>({
    "a",     "about",  "an",   "and",   "any",   "are",  "as",   "at",    "be",    "been", "being",
    "but",   "by",     "can",  "could", "did",   "do",   "does", "for",   "from",  "had",  "has",
    "have",  "he",     "her",  "his",   "how",   "i",    "if",   "in",    "into",  "is",   "it",
    "its",   "may",    "me",   "might", "must",  "my",   "of",   "on",    "or",    "our",  "shall",
    "she",   "should", "so",   "some",  "than",  "that", "the",  "their", "them",  "then", "there",
    "these", "they",   "this", "those", "to",    "us",   "was",  "we",    "were",  "what", "when",
    "where", "which",  "who",  "whom",  "whose", "why",  "will", "with",  "would", "you",  "your",
});
static_assert(std::is_sorted(kStopWords.begin(), kStopWords.end()));

struct StemmerDeleter {
  void operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }
};

bool invisible(std::int32_t c) { return c == 0xAD || c == 0x200B || c == 0x2060 || c == 0xFEFF; }

bool ends_with_any(std::string_view word, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return word.ends_with(ending); });
}

// Folds a run of valid UTF-8.
std::string fold_valid(std::string_view text) {
  utf8proc_uint8_t* folded = nullptr;
  const auto size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
      static_cast<utf8proc_ssize_t>(text.size()), &folded,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD));
  if (size < 0) return std::string(text);
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(folded, std::free);
  return std::string(reinterpret_cast<const char*>(folded), static_cast<std::size_t>(size));
}

}  // namespace

CodePoint code_point_at(std::string_view bytes, std::size_t offset) {
  utf8proc_int32_t value = -1;
  const auto left = static_cast<utf8proc_ssize_t>(bytes.size() - offset);
  const auto size = utf8proc_iterate(
      reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()) + offset, left, &value);
  if (size <= 0) return {};
  return {value, static_cast<std::size_t>(size)};
}

bool valid_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const CodePoint c = code_point_at(bytes, i);
    if (c.value < 0) return false;
    i += c.size;
  }
  return true;
}

bool is_letter(std::int32_t c) {
  if (c < 0) return true;  // a stray byte sticks to its word, so that the word equals no other
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  if (invisible(c)) return true;
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_CF:
      return true;
    default:
      return false;
  }
}

bool is_upper(std::int32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z';
  const auto category = utf8proc_category(c);
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LT;
}

bool is_space(std::int32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  const auto category = utf8proc_category(c);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP || c == 0x85;
}

std::string fold(std::string_view text) {
  if (std::all_of(text.begin(), text.end(),
                  [](char c) { return static_cast<signed char>(c) > 0; })) {
    std::string out(text);
    for (char& c : out) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
  }
  std::string out;
  std::string valid;
  const auto flush = [&] {
    if (!valid.empty()) out += fold_valid(valid);
    valid.clear();
  };
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = code_point_at(text, i);
    if (c.value < 0 || c.value == 0) {
      flush();
      out += text[i];
    } else if (!invisible(c.value)) {
      valid += text.substr(i, c.size);
    }
    i += c.size;
  }
  flush();
  return out;
}

std::string stem(std::string_view word) {
  thread_local const std::unique_ptr<sb_stemmer, StemmerDeleter> stemmer(
      sb_stemmer_new("english", "UTF_8"));
  if (!stemmer || word.empty() || word.size() > kMaxWordBytes || !valid_utf8(word)) {
    return std::string(word);
  }
  const auto* stemmed =
      sb_stemmer_stem(stemmer.get(), reinterpret_cast<const sb_symbol*>(word.data()),
                      static_cast<int>(word.size()));
  if (!stemmed) return std::string(word);
  return std::string(reinterpret_cast<const char*>(stemmed),
                     static_cast<std::size_t>(sb_stemmer_length(stemmer.get())));
}

std::string singular(std::string_view word) {
  const auto without = [&](std::size_t n) { return std::string(word.substr(0, word.size() - n)); };
  if (word.size() < 4 || ends_with_any(word, {"ss", "us", "is"}) || !word.ends_with('s')) {
    return std::string(word);
  }
  if (word.size() > 4 && word.ends_with("ies")) return without(3) + "y";
  if (ends_with_any(word, {"sses", "xes", "zes", "ches", "shes", "oes"})) return without(2);
  return without(1);
}

bool is_stop_word(std::string_view word) {
  return std::binary_search(kStopWords.begin(), kStopWords.end(), word);
}

}  // namespace orkestra
