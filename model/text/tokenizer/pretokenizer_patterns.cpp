// The scanners, and which names of model files stand for which. The regular expression that a
// scanner follows stands above it, as the vocabularies' own tokenizer.json files give it.
#include <orkestra/model/text/tokenizer/pretokenizer.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>

namespace orkestra::model {
namespace {

constexpr std::size_t kUnlimited = SIZE_MAX;

bool is(const ScannedChar& c, unsigned classes) { return (c.classes & classes) != 0; }
// Neither letter nor number nor white space, nor of the classes in `more`.
bool is_other(const ScannedChar& c, unsigned more = 0) {
  return !is(c, kLetterChar | kNumberChar | kSpaceChar | more);
}

// The end of the run of `classes` that begins at `at`.
std::size_t run_end(Scan s, std::size_t at, unsigned classes, std::size_t most = kUnlimited) {
  const std::size_t limit = most < s.size() - at ? at + most : s.size();
  while (at < limit && is(s[at], classes)) ++at;
  return at;
}

std::int32_t at_or(Scan s, std::size_t i) { return i < s.size() ? s[i].code_point : -1; }

// 's|'t|'re|'ve|'m|'ll|'d, in either case (?i: ...) if asked for; U+017F is an s then.
std::size_t contraction(Scan s, std::size_t at, bool any_case) {
  if (s[at].code_point != '\'') return 0;
  const auto letter = [&](std::size_t i) -> char {
    const std::int32_t c = at_or(s, i);
    if (any_case && c >= 'A' && c <= 'Z') return static_cast<char>(c + 32);
    if (any_case && c == 0x17F) return 's';
    return c >= 'a' && c <= 'z' ? static_cast<char>(c) : '\0';
  };
  const char first = letter(at + 1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  const char second = letter(at + 2);
  const bool two = (first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
                   (first == 'l' && second == 'l');
  return two ? 3 : 0;
}

// \s+(?!\S)|\s+ : white space up to, not including, the character before the next word.
std::size_t spaces(Scan s, std::size_t at) {
  const std::size_t length = run_end(s, at, kSpaceChar) - at;
  return at + length == s.size() || length < 2 ? length : length - 1;
}

// \s*[\r\n]+|\s+(?!\S)|\s+
std::size_t newlines_or_spaces(Scan s, std::size_t at) {
  const std::size_t end = run_end(s, at, kSpaceChar);
  for (std::size_t i = end; i > at; --i) {
    if (is(s[i - 1], kNewlineChar)) return i - at;
  }
  return spaces(s, at);
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
std::size_t gpt2(Scan s, std::size_t at) {
  if (const std::size_t length = contraction(s, at, false)) return length;
  const std::size_t word = at + (s[at].code_point == ' ' ? 1 : 0);
  if (word < s.size()) {
    std::size_t end = run_end(s, word, kLetterChar);
    if (end == word) end = run_end(s, word, kNumberChar);
    if (end == word) {
      while (end < s.size() && is_other(s[end])) ++end;
    }
    if (end > word) return end - at;
  }
  return spaces(s, at);
}

enum class Contractions { kNo, kAnyCase };
enum class Tail { kNone, kNewlines, kNewlinesAndSlashes };

// ` ?[^\s\p{L}\p{N}]+[\r\n]*` with what may follow: [\r\n]*, [\r\n/]* or nothing.
template <Tail kTail, unsigned kMoreLetters = 0>
std::size_t other_run(Scan s, std::size_t at) {
  const std::size_t begin = at + (s[at].code_point == ' ' ? 1 : 0);
  std::size_t end = begin;
  while (end < s.size() && is_other(s[end], kMoreLetters)) ++end;
  if (end == begin) return 0;
  const auto goes_on = [&](const ScannedChar& c) {
    return is(c, kNewlineChar) || (kTail == Tail::kNewlinesAndSlashes && c.code_point == '/');
  };
  if (kTail != Tail::kNone) {
    while (end < s.size() && goes_on(s[end])) ++end;
  }
  return end - at;
}

// (?i:'s|...)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,n}|
// ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
template <std::size_t kDigits, Contractions kContractions = Contractions::kAnyCase,
          Tail kTail = Tail::kNewlines, unsigned kMoreLetters = 0>
std::size_t cl100k(Scan s, std::size_t at) {
  constexpr unsigned kWord = kLetterChar | kMoreLetters;
  if (kContractions == Contractions::kAnyCase) {
    if (const std::size_t length = contraction(s, at, true)) return length;
  }
  const bool may_lead = !is(s[at], kNewlineChar | kLetterChar | kNumberChar);
  if (may_lead && at + 1 < s.size() && is(s[at + 1], kWord)) {
    return run_end(s, at + 1, kWord) - at;
  }
  if (is(s[at], kWord)) return run_end(s, at, kWord) - at;
  if (is(s[at], kNumberChar)) return run_end(s, at, kNumberChar, kDigits) - at;
  if (const std::size_t length = other_run<kTail, kMoreLetters>(s, at)) return length;
  return newlines_or_spaces(s, at);
}

constexpr unsigned kStartChars = kUpperChar | kOtherLetterChar | kMarkChar;
constexpr unsigned kRestChars = kLowerChar | kOtherLetterChar | kMarkChar;

// [start]*[rest]+ from `at`: the end of the match, or `at`.
std::size_t rest_word(Scan s, std::size_t at) {
  const std::size_t starts = run_end(s, at, kStartChars);
  const std::size_t end = run_end(s, starts, kRestChars);
  if (end > starts) return end;
  for (std::size_t i = starts; i > at; --i) {  // gives back what [rest]+ needs
    if (is(s[i - 1], kRestChars)) return i;
  }
  return at;
}

// [start]+[rest]* from `at`: the end of the match, or `at`.
std::size_t start_word(Scan s, std::size_t at) {
  const std::size_t starts = run_end(s, at, kStartChars);
  return starts == at ? at : run_end(s, starts, kRestChars);
}

// [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|...)?|
// [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|...)?|
// \p{N}{1,n}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
template <std::size_t kDigits, Contractions kContractions>
std::size_t o200k(Scan s, std::size_t at) {
  const bool may_lead = !is(s[at], kNewlineChar | kLetterChar | kNumberChar);
  for (const auto word : {rest_word, start_word}) {
    for (const std::size_t lead : {std::size_t{1}, std::size_t{0}}) {
      if (lead == 1 && (!may_lead || at + 1 >= s.size())) continue;
      std::size_t end = word(s, at + lead);
      if (end == at + lead) continue;
      if (kContractions == Contractions::kAnyCase && end < s.size()) {
        end += contraction(s, end, true);
      }
      return end - at;
    }
  }
  if (is(s[at], kNumberChar)) return run_end(s, at, kNumberChar, kDigits) - at;
  if (const std::size_t length = other_run<Tail::kNewlinesAndSlashes>(s, at)) return length;
  return newlines_or_spaces(s, at);
}

template <std::size_t kMost>
std::size_t digits(Scan s, std::size_t at) {  // \p{N}{1,n}
  return run_end(s, at, kNumberChar, kMost) - at;
}

std::size_t three_digits(Scan s, std::size_t at) {  // [0-9][0-9][0-9]
  for (std::size_t i = at; i < at + 3; ++i) {
    const std::int32_t c = at_or(s, i);
    if (c < '0' || c > '9') return 0;
  }
  return 3;
}

std::size_t newline(Scan s, std::size_t at) { return is(s[at], kNewlineChar) ? 1 : 0; }  // [\r\n]

std::size_t line_or_feeds(Scan s, std::size_t at) {  // [^\n]+|[\n]+
  const bool feeds = s[at].code_point == '\n';
  std::size_t end = at;
  while (end < s.size() && (s[end].code_point == '\n') == feeds) ++end;
  return end - at;
}

bool is_ascii_punctuation(std::int32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}
bool is_ascii_letter(std::int32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

template <typename Belongs>
std::size_t run_of(Scan s, std::size_t at, Belongs&& belongs) {
  std::size_t end = at;
  while (end < s.size() && belongs(s[end])) ++end;
  return end - at;
}

// \s?X+ : one space of any kind may stand before.
template <typename Belongs>
std::size_t spaced_run(Scan s, std::size_t at, Belongs&& belongs) {
  const std::size_t begin = at + (is(s[at], kSpaceChar) ? 1 : 0);
  if (begin < s.size()) {
    if (const std::size_t length = run_of(s, begin, belongs)) return begin + length - at;
  }
  return run_of(s, at, belongs);
}

std::size_t punctuation(Scan s, std::size_t at) {  // [\p{P}\$\+<=>\^~\|`]+
  return run_of(s, at, [](const ScannedChar& c) {
    return is(c, kPunctuationChar) || is_ascii_punctuation(c.code_point);
  });
}

bool is_cjk(std::int32_t c) {  // [一-龥ࠀ-一가-퟿]
  return (c >= 0x0800 && c <= 0x9FA5) || (c >= 0xAC00 && c <= 0xD7FF);
}
std::size_t cjk(Scan s, std::size_t at) {
  return run_of(s, at, [](const ScannedChar& c) { return is_cjk(c.code_point); });
}
std::size_t han_kana(Scan s, std::size_t at) {  // [一-龥぀-ゟ゠-ヿ]+
  return run_of(s, at, [](const ScannedChar& c) {
    return (c.code_point >= 0x4E00 && c.code_point <= 0x9FA5) ||
           (c.code_point >= 0x3040 && c.code_point <= 0x30FF);
  });
}

std::size_t spaced_letters(Scan s, std::size_t at) {  // \s?\p{L}+
  return spaced_run(s, at, [](const ScannedChar& c) { return is(c, kLetterChar); });
}
std::size_t spaced_punctuation(Scan s, std::size_t at) {  // \s?\p{P}+
  return spaced_run(s, at, [](const ScannedChar& c) { return is(c, kPunctuationChar); });
}

// The letters with case of the scripts that have it, as deepseek-llm lists them: all of \p{Ll} and
// \p{Lu} in these ranges, without the few that are neither.
bool is_cased_letter(const ScannedChar& c) {
  if (c.code_point < 0x80) return is_ascii_letter(c.code_point);
  return is(c, kUpperChar | kLowerChar);
}
std::size_t spaced_cased_letters(Scan s, std::size_t at) {
  return spaced_run(s, at, is_cased_letter);
}
// \s?[!-/:-~！-／：-～‘-‟　-。]+
std::size_t spaced_marks(Scan s, std::size_t at) {
  return spaced_run(s, at, [](const ScannedChar& scanned) {
    const std::int32_t c = scanned.code_point;
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '~') || (c >= 0xFF01 && c <= 0xFF0F) ||
           (c >= 0xFF1A && c <= 0xFF5E) || (c >= 0x2018 && c <= 0x201F) ||
           (c >= 0x3000 && c <= 0x3002);
  });
}
// \s+$ : only at the part's end. Looking back from a run's first character keeps this linear.
std::size_t last_spaces(Scan s, std::size_t at) {
  if (!is(s[at], kSpaceChar) || (at > 0 && is(s[at - 1], kSpaceChar))) return 0;
  const std::size_t end = run_end(s, at, kSpaceChar);
  return end == s.size() ? end - at : 0;
}

// [ascii punctuation][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|
// \s*[\r\n]+|\s+(?!\S)|\s+
std::size_t deepseek3(Scan s, std::size_t at) {
  constexpr unsigned kWord = kLetterChar | kMarkChar;
  constexpr unsigned kSigns = kPunctuationChar | kSymbolChar;
  if (is_ascii_punctuation(s[at].code_point)) {
    const std::size_t letters =
        run_of(s, at + 1, [](const ScannedChar& c) { return is_ascii_letter(c.code_point); });
    if (letters > 0) return letters + 1;
  }
  const bool may_lead = !is(s[at], kNewlineChar | kLetterChar | kSigns);
  if (may_lead && at + 1 < s.size() && is(s[at + 1], kWord)) {
    return run_end(s, at + 1, kWord) - at;
  }
  if (is(s[at], kWord)) return run_end(s, at, kWord) - at;
  const std::size_t signs = at + (s[at].code_point == ' ' ? 1 : 0);
  if (signs < s.size()) {
    const std::size_t end = run_end(s, signs, kSigns);
    if (end > signs) return run_end(s, end, kNewlineChar) - at;
  }
  return is(s[at], kSpaceChar) ? newlines_or_spaces(s, at) : 0;
}

//  ?[^(\s|.,!?…。，、।۔،)]+
std::size_t bloom(Scan s, std::size_t at) {
  const auto belongs = [](const ScannedChar& c) {
    constexpr std::array<std::int32_t, 14> kNot{
        '(', '|', '.', ',', '!', '?', ')', 0x2026, 0x3002, 0xFF0C, 0x3001, 0x964, 0x6D4, 0x60C};
    return !is(c, kSpaceChar) && std::find(kNot.begin(), kNot.end(), c.code_point) == kNot.end();
  };
  const std::size_t begin = at + (s[at].code_point == ' ' ? 1 : 0);
  const std::size_t length = begin < s.size() ? run_of(s, begin, belongs) : 0;
  return length > 0 ? begin + length - at : 0;
}

constexpr WordMatcher kGpt2[]{gpt2};
constexpr WordMatcher kDigitsThenGpt2[]{digits<1>, gpt2};
constexpr WordMatcher kDefault[]{punctuation, gpt2, digits<kUnlimited>, three_digits};
constexpr WordMatcher kFalcon[]{punctuation, gpt2, three_digits};
constexpr WordMatcher kLlama3[]{cl100k<3>};
constexpr WordMatcher kQwen2[]{cl100k<1>};
constexpr WordMatcher kQwen35[]{cl100k<1, Contractions::kAnyCase, Tail::kNewlines, kMarkChar>};
constexpr WordMatcher kNoContractions[]{cl100k<1, Contractions::kNo>};
constexpr WordMatcher kSeedCoder[]{cl100k<1, Contractions::kAnyCase, Tail::kNone>};
constexpr WordMatcher kMiniCpm5[]{digits<3>, cl100k<kUnlimited>};
constexpr WordMatcher kLaguna[]{line_or_feeds, cl100k<1>};
constexpr WordMatcher kTekken[]{o200k<1, Contractions::kNo>};
constexpr WordMatcher kGpt4o[]{o200k<3, Contractions::kAnyCase>};
constexpr WordMatcher kDeepseekLlm[]{newline, spaced_cased_letters, spaced_marks, last_spaces,
                                     cjk,     digits<kUnlimited>};
constexpr WordMatcher kDeepseekCoder[]{newline, spaced_letters, spaced_punctuation, cjk, digits<1>};
constexpr WordMatcher kDeepseek3[]{digits<3>, han_kana, deepseek3};
constexpr WordMatcher kBloom[]{bloom};
constexpr WordMatcher kViking[]{bloom, digits<1>};
constexpr WordMatcher kLines[]{line_or_feeds};

const std::map<std::string_view, PreTokenizer>& pretokenizers() {
  static const std::map<std::string_view, PreTokenizer> kPreTokenizers = [] {
    std::map<std::string_view, PreTokenizer> all;
    const auto add = [&](std::initializer_list<std::string_view> names,
                         std::span<const WordMatcher> passes, bool whole_words_first = false) {
      for (const std::string_view name : names) all[name] = {passes, whole_words_first};
    };
    add({"default"}, kDefault);
    add({"llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
         "jina-v5-nano"},
        kLlama3, true);
    add({"dbrx", "smaug-bpe", "chatglm-bpe", "glm4"}, kLlama3);
    add({"gpt-2",      "phi-2",      "jina-es",         "jina-de",     "jina-v1-en",
         "jina-v2-es", "jina-v2-de", "jina-v2-code",    "roberta-bpe", "modern-bert",
         "mellum",     "gigachat",   "a.x-4.0",         "mpt",         "olmo",
         "jais",       "trillion",   "granite-docling", "exaone4",     "dolly"},
        kGpt2);
    add({"starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b",
         "mellum2"},
        kDigitsThenGpt2);
    add({"falcon"}, kFalcon);
    add({"qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "stablelm2", "hunyuan", "solar-open",
         "megrez", "grok-2", "bailingmoe", "bailingmoe2", "llada-moe"},
        kQwen2);
    add({"qwen35"}, kQwen35);
    add({"ufakzeka"}, kNoContractions);
    add({"seed-coder"}, kSeedCoder);
    add({"minicpm5"}, kMiniCpm5, true);
    add({"laguna"}, kLaguna);
    add({"tekken"}, kTekken, true);
    add({"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"}, kGpt4o);
    add({"granite-embed-multi-97m"}, kGpt4o, true);
    add({"deepseek-llm"}, kDeepseekLlm);
    add({"deepseek-coder"}, kDeepseekCoder);
    add({"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"}, kDeepseek3);
    add({"bloom", "poro-chat", "gpt3-finnish"}, kBloom);
    add({"viking"}, kViking);
    add({"gemma4", "granite-embed-multi-311m"}, kLines);
    return all;
  }();
  return kPreTokenizers;
}

}  // namespace

const PreTokenizer* find_pretokenizer(std::string_view name) {
  const auto& all = pretokenizers();
  const auto it = all.find(name.empty() ? "default" : name);
  return it == all.end() ? nullptr : &it->second;
}

}  // namespace orkestra::model
