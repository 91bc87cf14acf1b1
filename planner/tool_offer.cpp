#include <orkestra/core/text.h>
#include <orkestra/core/words.h>
#include <orkestra/planner/tool_offer.h>
#include <orkestra/planner/verify/asked.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace orkestra::planner {
namespace {

bool contains(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

std::string scalar_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
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

Json quoted_texts(const std::string& task) {
  Json quoted = Json::array();
  for (const auto& [from, to] : quoted_ranges(task)) quoted.push_back(task.substr(from, to - from));
  return quoted;
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
void copy_all_texts(ToolSpec& tool, const std::string& task) {
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
    const bool any_value = schema["x-domain"].empty() && !schema.contains("x-span");
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

}  // namespace

std::vector<ToolSpec> offered_tools(const RunState& state, const Branch& branch) {
  const std::string task = orkestra::fold(state.spec.task);
  std::vector<ToolSpec> tools;
  for (ToolSpec tool : state.spec.tools) {
    if (contains(branch.excluded_tools, tool.name)) continue;
    if (state.spec.style == AnswerStyle::kSpans) copy_all_texts(tool, state.spec.task);
    if (can_be_called(tool, task)) tools.push_back(std::move(tool));
  }
  return tools;
}

std::vector<ToolSpec> nearest_tools(const RunState& state, const Branch& branch) {
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
