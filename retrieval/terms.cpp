#include <orkestra/core/text.h>
#include <orkestra/retrieval/terms.h>

namespace orkestra::retrieval {
namespace {

constexpr std::size_t kMaxTermBytes = 64;     // a longer one is cut: nobody types it
constexpr std::size_t kMaxKnown = 1U << 18U;  // words remembered at a time

bool digit(std::int32_t c) { return c >= '0' && c <= '9'; }
bool apostrophe(std::int32_t c) { return c == '\'' || c == 0x2019; }

// Scripts whose words are not set apart by spaces.
bool unspaced(std::int32_t c) {
  return (c >= 0x0E00 && c <= 0x0EFF) || (c >= 0x3040 && c <= 0x30FF) ||
         (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x4E00 && c <= 0x9FFF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

// Where the word of letters and digits that starts at `at` ends.
std::size_t word_end(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const CodePoint c = code_point_at(text, at);
    if (unspaced(c.value) || !(is_letter(c.value) || digit(c.value))) break;
    at += c.size;
  }
  return at;
}

}  // namespace

const std::string& TermReader::term_of(std::string_view word) {
  std::string key(word.substr(0, kMaxTermBytes));
  const auto known = known_.find(key);
  if (known != known_.end()) return known->second;
  if (known_.size() == kMaxKnown) known_.clear();
  const std::string folded = fold(key);
  std::string term = is_stop_word(folded) ? std::string() : stem(folded);
  return known_.emplace(std::move(key), std::move(term)).first->second;
}

std::vector<std::string> TermReader::read(std::string_view text) {
  std::vector<std::string> out;
  std::size_t before = std::string_view::npos;  // an unspaced character right before this place
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = code_point_at(text, i);
    if (unspaced(c.value)) {
      const std::size_t next = i + c.size;
      const bool alone = before == std::string_view::npos &&
                         (next >= text.size() || !unspaced(code_point_at(text, next).value));
      if (alone) out.emplace_back(text.substr(i, c.size));
      if (before != std::string_view::npos) out.emplace_back(text.substr(before, next - before));
      before = i;
      i = next;
      continue;
    }
    before = std::string_view::npos;
    const std::size_t end = word_end(text, i);
    if (end == i) {
      i += c.size;
      continue;
    }
    const std::string& term = term_of(text.substr(i, end - i));
    if (!term.empty()) out.push_back(term);
    i = end;
    // "'s", "'t", "'re" carry nothing by themselves; what follows the apostrophe of "O'Neil" does.
    if (i < text.size() && apostrophe(code_point_at(text, i).value)) {
      const std::size_t rest = i + code_point_at(text, i).size;
      const std::size_t rest_end = word_end(text, rest);
      if (rest_end - rest <= 2) i = rest_end;
    }
  }
  return out;
}

}  // namespace orkestra::retrieval
