#include <orkestra/core/error.h>
#include <orkestra/core/hash.h>
#include <orkestra/planner/prompt_catalogue.h>

#include <utility>

namespace orkestra::planner {
namespace {

constexpr std::pair<std::string_view, std::string_view> kTexts[] = {
#include "prompts.inc"
};

// The name of the hole that begins at `at`, or "" when the brace begins none.
std::string_view hole_name(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && ((text[end] >= 'a' && text[end] <= 'z') || text[end] == '_')) ++end;
  const bool closed = end < text.size() && text[end] == '}' && end > at + 1;
  return closed ? text.substr(at + 1, end - at - 1) : std::string_view();
}

}  // namespace

const std::vector<Prompt>& prompt_catalogue() {
  static const std::vector<Prompt> kCatalogue = [] {
    std::vector<Prompt> prompts;
    for (const auto& [id, text] : kTexts) {
      prompts.push_back({std::string(id), std::string(text), sha256_hex(text)});
    }
    return prompts;
  }();
  return kCatalogue;
}

const Prompt& prompt(std::string_view id) {
  for (const Prompt& entry : prompt_catalogue()) {
    if (entry.id == id) return entry;
  }
  throw Error(ErrorCode::kNotFound, "prompt catalogue: no entry \"" + std::string(id) + "\"");
}

std::string fill_prompt(std::string_view id, const std::map<std::string, std::string>& values) {
  const std::string& text = prompt(id).text;
  std::string filled;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view name = text[at] == '{' ? hole_name(text, at) : std::string_view();
    if (name.empty()) {
      filled += text[at];
      continue;
    }
    const auto value = values.find(std::string(name));
    if (value == values.end()) {
      throw Error(ErrorCode::kInvalid,
                  "prompt " + std::string(id) + ": nothing given for {" + std::string(name) + "}");
    }
    filled += value->second;
    at += name.size() + 1;
  }
  return filled;
}

Json prompt_hashes() {
  Json hashes = Json::object();
  for (const Prompt& entry : prompt_catalogue()) hashes[entry.id] = entry.hash;
  return hashes;
}

}  // namespace orkestra::planner
