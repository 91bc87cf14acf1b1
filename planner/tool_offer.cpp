#include <orkestra/core/text.h>
#include <orkestra/core/words.h>
#include <orkestra/planner/tool_offer.h>
#include <orkestra/planner/verify/asked.h>
#include <orkestra/planner/verify/records.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace orkestra::planner {
namespace {

bool contains(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool is_word_byte(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return value >= 0x80 || std::isalnum(value) != 0;
}

// Whether the folded `text` names `value` as whole words.
bool names(const std::string& text, const std::string& value) {
  const std::string wanted = orkestra::fold(value);
  for (std::size_t at = text.find(wanted); at != std::string::npos;
       at = text.find(wanted, at + 1)) {
    const std::size_t end = at + wanted.size();
    const bool begins = at == 0 || !is_word_byte(text[at - 1]) || !is_word_byte(wanted.front());
    const bool ends =
        end == text.size() || !is_word_byte(text[end]) || !is_word_byte(wanted.back());
    if (begins && ends) return true;
  }
  return false;
}

bool is_address(const Json& schema) { return schema.value("format", Json()) == "uri"; }

Json quoted_texts(const std::string& task) {
  Json quoted = Json::array();
  for (const auto& [from, to] : quoted_ranges(task)) quoted.push_back(task.substr(from, to - from));
  return quoted;
}

// Addresses of pages, without the marks that stand around them in a sentence.
Json addresses_in(const std::string& task) {
  constexpr const char* kEnds = " \t\r\n<>\"'`";
  Json found = Json::array();
  for (std::size_t at = task.find("http"); at != std::string::npos; at = task.find("http", at)) {
    std::string address = task.substr(at, task.find_first_of(kEnds, at) - at);
    at += address.size();
    const bool whole = address.starts_with("http://") || address.starts_with("https://");
    while (!address.empty() && address.back() != '/' && !is_word_byte(address.back())) {
      address.pop_back();
    }
    if (whole && std::find(found.begin(), found.end(), address) == found.end())
      found.push_back(std::move(address));
  }
  return found;
}

// What reads as a name in the task and isn't a word of the tool's own.
Json names_for(const ToolSpec& tool, const std::string& task) {
  Evidence own;
  own.description = tool.description;
  Json found = Json::array();
  for (const std::string& name : names_in(task)) {
    if (!question_coverage(name, {own}).complete()) found.push_back(name);
  }
  return found;
}

// A small model's own words are noise: whatever text it passes on is copied out of the task. Who
// quotes a text means all of it; what a tool declares as copied is a name where the task has names.
void copy_all_texts(ToolSpec& tool, const std::string& task, const Json& results) {
  if (!tool.parameters.contains("properties")) return;
  for (auto& [name, schema] : tool.parameters["properties"].items()) {
    const bool free = schema.is_object() && schema.value("type", Json()) == "string" &&
                      !schema.contains("enum") && !schema.contains("x-domain");
    if (!free) continue;
    const bool declared = schema.value("x-copy", false);
    // Its other bounds are held by the registry.
    Json copied = {{"type", "string"}, {"x-copy", true}};
    Json domain = Json::array();
    if (schema.contains("x-span")) {
      copied["x-span"] = schema["x-span"];
      copied["x-domain"] = stretches_in(task, schema["x-span"].get<std::string>());
    } else if (is_address(schema)) {
      copied["format"] = "uri";
      copied["x-domain"] = addresses_in(task);
    } else if (!results.empty()) {
      copied["x-domain"] = results;
    } else if (domain = quoted_texts(task); !domain.empty()) {
      copied["x-domain"] = domain;
    } else if (declared) {
      domain = names_for(tool, task);
      if (!domain.empty()) copied["x-domain"] = domain;
    }
    schema = std::move(copied);
  }
}

// Values of a copied parameter's domain that the task names.
std::vector<std::string> named_values(const Json& schema, const std::string& folded_task) {
  std::vector<std::string> named;
  for (const Json& value : schema.value("x-domain", Json::array())) {
    std::string text = scalar_text(value);
    if (names(folded_task, text)) named.push_back(std::move(text));
  }
  return named;
}

// A required argument that must be copied from the task, out of known values, can only be filled
// when the task names one of them; otherwise a call would be about something else.
bool can_be_called(const ToolSpec& tool, const std::string& folded_task) {
  for (const Json& name : tool.parameters.value("required", Json::array())) {
    const Json schema = tool.parameters.at("properties").value(name.get<std::string>(), Json());
    if (!schema.is_object() || !schema.value("x-copy", false)) continue;
    if (!schema.contains("x-domain")) continue;
    const bool any_value =
        schema["x-domain"].empty() && !schema.contains("x-span") && !is_address(schema);
    if (!any_value && named_values(schema, folded_task).empty()) return false;
  }
  return true;
}

// What a tool says of itself and what the task names for it, as evidence of what it would find.
Evidence promise_of(const ToolSpec& tool, const std::string& folded_task) {
  Evidence promise;
  promise.description = tool.description + ". " + tool.answer_form;
  promise.origin = {.kind = Origin::Kind::kTool, .locator = tool.name};
  promise.value = Json::object();
  const Json properties = tool.parameters.value("properties", Json::object());
  for (const auto& [name, schema] : properties.items()) {
    promise.value[name] = schema.is_object() ? Json(named_values(schema, folded_task)) : Json();
  }
  return promise;
}

std::size_t touched(const RunState& state, const ToolSpec& tool) {
  const Evidence promise = promise_of(tool, orkestra::fold(state.spec.task));
  return question_coverage(state.spec.task, {promise}).covered.size();
}

// Whether the task asks for one thing and another, not for one thing of another.
bool asks_for_several(const std::string& task) {
  const std::vector<Word> asked = words_only(task);
  return std::any_of(asked.begin(), asked.end(),
                     [](const Word& word) { return word.key == "and" || word.key == "also"; });
}

// Texts of what `branch` found.
Json result_texts(const RunState& state, const Branch& branch) {
  Json texts = Json::array();
  for (const std::string& id : branch.evidence) {
    const Evidence* evidence = state.find_evidence(id);
    if (evidence == nullptr || !evidence->value.is_object()) continue;
    for (const Json& value : evidence->value) {
      if (value.is_string()) texts.push_back(value);
    }
  }
  return texts;
}

// The words that a kept draft leaves open.
std::string left_open(const RunState& state, const Branch& branch) {
  std::string open;
  for (const Draft& draft : state.drafts) {
    if (draft.answer != branch.kept) continue;
    open.clear();
    for (const std::string& word : draft.missing) open += word + " ";
  }
  return open;
}

// What may follow a kept draft: tools that speak of what it leaves open, called with what its
// results name, or, where several things are asked for, with what the task names.
std::vector<ToolSpec> further_tools(const RunState& state, const Branch& branch) {
  const bool read = std::any_of(
      branch.evidence.begin(), branch.evidence.end(),
      [&](const auto& id) { return branch.kept.find("[" + id + "]") == std::string::npos; });
  if (read) return {};
  const std::string open = left_open(state, branch);
  const std::string task = orkestra::fold(state.spec.task);
  std::vector<ToolSpec> tools;
  std::size_t most = 1;
  for (ToolSpec& tool : offered_tools(state, branch)) {
    const Evidence promise = promise_of(tool, task);
    const std::size_t marks = question_coverage(open, {promise}).covered.size();
    if (marks < most) continue;
    if (marks > most) tools.clear();
    most = marks;
    tools.push_back(std::move(tool));
  }
  return tools;
}

}  // namespace

std::vector<ToolSpec> offered_tools(const RunState& state, const Branch& branch) {
  // One thing of another: what was found is what is asked about next.
  const bool from_results = !branch.kept.empty() && !asks_for_several(state.spec.task);
  const Json results = from_results ? result_texts(state, branch) : Json::array();
  if (from_results && results.empty()) return {};
  const std::string task =
      orkestra::fold(from_results ? results_text(state, branch) : state.spec.task);
  std::vector<ToolSpec> tools;
  for (ToolSpec tool : state.spec.tools) {
    if (contains(branch.excluded_tools, tool.name)) continue;
    if (state.spec.style == AnswerStyle::kSpans) copy_all_texts(tool, state.spec.task, results);
    if (can_be_called(tool, task)) tools.push_back(std::move(tool));
  }
  return tools;
}

std::string results_text(const RunState& state, const Branch& branch) {
  std::string text;
  for (const Json& value : result_texts(state, branch)) text += value.get<std::string>() + "\n";
  return text;
}

bool speaks_of_task(const RunState& state, const ToolSpec& tool) {
  return touched(state, tool) > 0;
}

std::vector<ToolSpec> nearest_tools(const RunState& state, const Branch& branch) {
  if (!branch.kept.empty()) return further_tools(state, branch);
  std::vector<ToolSpec> tools = offered_tools(state, branch);
  if (state.spec.style != AnswerStyle::kSpans) return tools;
  std::vector<std::size_t> marks;
  std::size_t most = 0;
  for (const ToolSpec& tool : tools) {
    marks.push_back(touched(state, tool));
    most = std::max(most, marks.back());
  }
  for (const Step& step : state.steps) {
    const bool read = std::any_of(step.evidence.begin(), step.evidence.end(),
                                  [&](const auto& id) { return contains(branch.evidence, id); });
    const ToolSpec* tool = read ? state.tool(step.call.name) : nullptr;
    if (tool != nullptr && touched(state, *tool) >= most) return {};
  }
  std::vector<ToolSpec> nearest;
  for (std::size_t i = 0; i < tools.size(); ++i) {
    if (marks[i] == most) nearest.push_back(std::move(tools[i]));
  }
  return nearest;
}

AtHand at_hand_of(const RunState& state, const Branch& branch) {
  AtHand at_hand;
  std::vector<std::string> used;
  for (const Step& step : state.steps) {
    const bool read = std::any_of(step.evidence.begin(), step.evidence.end(),
                                  [&](const auto& id) { return contains(branch.evidence, id); });
    if (read) used.push_back(step.call.name);
  }
  for (const ToolSpec& tool : offered_tools(state, Branch{})) {
    if (contains(used, tool.name)) continue;
    std::string words;
    for (const Word& word : identifier_words(tool.name)) words += word.key + " ";
    at_hand.elsewhere.push_back(words + ". " + tool.description + " " + tool.answer_form);
  }
  for (const std::string& id : branch.evidence) {
    const Evidence* evidence = state.find_evidence(id);
    if (evidence != nullptr && evidence->is_text()) at_hand.texts.push_back(evidence->quote);
  }
  return at_hand;
}

}  // namespace orkestra::planner
