#include <orkestra/core/error.h>
#include <orkestra/model/text/tokenizer/tokenizer_json.h>
#include <orkestra/model/text/tokenizer/tokenizer_json_words.h>

#include <map>
#include <string_view>

namespace orkestra::model {
namespace {

using nlohmann::json;

// The expressions as tokenizer.json files hold them.
#define ORKESTRA_CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define ORKESTRA_WORD "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define ORKESTRA_OTHERS "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define ORKESTRA_CASED \
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
#define ORKESTRA_CAPITALS \
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
#define ORKESTRA_OTHERS_AND_SLASHES \
  "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

constexpr std::string_view kByteLevelWords = "bytes:words";  // ByteLevel's own expression

struct Known {
  std::string_view name;        // where the model takes whole words first, and where both do
  std::string_view other_name;  // "" = there is no such vocabulary with plain merges
};

const std::map<std::string, Known, std::less<>>& known_steps() {
  static const std::map<std::string, Known, std::less<>> kKnown{
      {ORKESTRA_CONTRACTIONS "|" ORKESTRA_WORD "|\\p{N}{1,3}" ORKESTRA_OTHERS,
       {"llama-bpe", "dbrx"}},
      {ORKESTRA_CONTRACTIONS "|" ORKESTRA_WORD "|\\p{N}" ORKESTRA_OTHERS, {"", "qwen2"}},
      {ORKESTRA_CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
                             "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
       {"", "qwen35"}},
      {ORKESTRA_WORD "|\\p{N}" ORKESTRA_OTHERS, {"", "ufakzeka"}},
      {ORKESTRA_CASED "|" ORKESTRA_CAPITALS "|\\p{N}" ORKESTRA_OTHERS_AND_SLASHES, {"tekken", ""}},
      {ORKESTRA_CASED ORKESTRA_CONTRACTIONS "?|" ORKESTRA_CAPITALS ORKESTRA_CONTRACTIONS
                                            "?|\\p{N}{1,3}" ORKESTRA_OTHERS_AND_SLASHES,
       {"granite-embed-multi-97m", "gpt-4o"}},
      {"\\p{N}{1,3}\n[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+\n"
       "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?"
       "[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
       {"", "deepseek-v3"}},
      {std::string(kByteLevelWords), {"", "gpt-2"}},
      {"digits\n" + std::string(kByteLevelWords), {"", "starcoder"}},
      {"punctuation\n" + std::string(kByteLevelWords) + "\n[0-9][0-9][0-9]", {"", "falcon"}},
      {"punctuation\n" + std::string(kByteLevelWords) + "\ndigit runs\n[0-9][0-9][0-9]",
       {"", "falcon"}},
  };
  return kKnown;
}

#undef ORKESTRA_CONTRACTIONS
#undef ORKESTRA_WORD
#undef ORKESTRA_OTHERS
#undef ORKESTRA_CASED
#undef ORKESTRA_CAPITALS
#undef ORKESTRA_OTHERS_AND_SLASHES

// Line breaks and tabs that a file spells as themselves, spelled as the others spell them.
std::string canonical(const std::string& expression) {
  std::string out;
  for (const char c : expression) {
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string step_text(const json& step) {
  const std::string type = json_text(json_member(step, "type"));
  if (type == "ByteLevel") {
    return json_flag(step, "use_regex", true) ? std::string(kByteLevelWords) : "";
  }
  if (type == "Digits") return json_flag(step, "individual_digits") ? "digits" : "digit runs";
  if (type == "Punctuation") return "punctuation";
  if (type == "Split") {
    const json& pattern = json_member(step, "pattern");
    const std::string regex = json_text(json_member(pattern, "Regex"));
    const std::string behavior = json_text(json_member(step, "behavior"));
    // "Removed" and inverted: what the expression matches is kept and all else is nothing.
    const bool cuts =
        behavior == "Isolated" || (behavior == "Removed" && json_flag(step, "invert"));
    if (!regex.empty() && cuts) return canonical(regex);
  }
  return "an unknown step " + type;
}

}  // namespace

std::string pretokenizer_name(const std::vector<json>& steps, bool whole_words_first) {
  std::string all;
  for (const json& step : steps) {
    const std::string one = step_text(step);
    if (!one.empty()) all += (all.empty() ? "" : "\n") + one;
  }
  const auto it = known_steps().find(all);
  if (it != known_steps().end()) {
    const std::string_view name = whole_words_first ? it->second.name : it->second.other_name;
    if (!name.empty()) return std::string(name);
  }
  throw Error(ErrorCode::kUnsupported,
              "no way to cut words like this is known" +
                  std::string(whole_words_first ? " (whole words first)" : "") + ": " +
                  all.substr(0, 400));
}

}  // namespace orkestra::model
