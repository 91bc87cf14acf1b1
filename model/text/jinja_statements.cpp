#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja_evaluator.h>
#include <orkestra/model/text/jinja_lexer.h>

#include <cstdint>

namespace orkestra::model::jinja {

Evaluator::Evaluator(const Value& context) {
  scopes_.emplace_back();
  if (const Mapping* map = context.as_mapping()) {
    for (const auto& [key, value] : map->members) scope().emplace_back(to_bytes(key), value);
  }
}

void Evaluator::put(std::string_view name, Value value) {
  for (auto& [key, old] : scope()) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  scope().emplace_back(name, std::move(value));
}

void Evaluator::write(const Text& text) {
  budget_.make(text.size());
  output_ += text;
}

Evaluator::Flow Evaluator::flow(const Body& body) {
  budget_.enter();
  Flow result = Flow::kNext;
  for (const auto& node : body) {
    result = statement(*node);
    if (result != Flow::kNext) break;
  }
  budget_.leave();
  return result;
}

Evaluator::Flow Evaluator::statement(const Node& node) {
  budget_.step();
  switch (node.kind) {
    case Node::Kind::kText:
      write(node.text);
      break;
    case Node::Kind::kOutput:
      write(to_text(evaluate(*node.value)));
      break;
    case Node::Kind::kIf:
      return flow(truthy(evaluate(*node.value)) ? node.body : node.otherwise);
    case Node::Kind::kFor:
      return for_loop(node);
    case Node::Kind::kSet:
      set(node);
      break;
    case Node::Kind::kSetBlock:
      put(node.names.front(), captured(node.body, node.filters));
      break;
    case Node::Kind::kFilter:
      write(captured(node.body, node.filters));
      break;
    case Node::Kind::kMacro:
      put(node.names.front(), Value(Value::Variant(node.macro)));
      break;
    case Node::Kind::kBody:
      return flow(node.body);
    case Node::Kind::kBreak:
      return Flow::kBreak;
    case Node::Kind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kNext;
}

Evaluator::Flow Evaluator::for_loop(const Node& node) {
  List list = elements(evaluate(*node.value), node.line, budget_);
  scopes_.emplace_back();
  if (node.condition) {
    List kept;
    for (Value& element : list) {
      assign(node.names, element, node.line);
      if (truthy(evaluate(*node.condition))) kept.push_back(std::move(element));
    }
    list = std::move(kept);
  }
  const auto size = static_cast<std::int64_t>(list.size());
  for (std::int64_t i = 0; i < size; ++i) {
    const auto at = [&](std::int64_t j) {
      return j >= 0 && j < size ? list[static_cast<std::size_t>(j)]
                                : Value(Undefined{j < 0 ? "loop.previtem" : "loop.nextitem"});
    };
    budget_.step(16);  // making `loop` costs about as much as that many expressions
    scope().clear();   // what one iteration sets, the next does not see
    const std::pair<std::string_view, Value> fields[] = {
        {"index", i + 1},       {"index0", i},
        {"revindex", size - i}, {"revindex0", size - i - 1},
        {"first", i == 0},      {"last", i + 1 == size},
        {"length", size},       {"previtem", at(i - 1)},
        {"nextitem", at(i + 1)}};
    Members loop;
    for (const auto& [name, value] : fields) loop.emplace_back(make_text(name), value);
    put("loop", Value::mapping(std::move(loop)));
    assign(node.names, at(i), node.line);
    if (flow(node.body) == Flow::kBreak) break;
  }
  scopes_.pop_back();
  return size == 0 ? flow(node.otherwise) : Flow::kNext;
}

void Evaluator::set(const Node& node) {
  Value value = evaluate(*node.value);
  if (node.member.empty()) {
    assign(node.names, std::move(value), node.line);
    return;
  }
  const Value target = lookup(node.names.front());
  Mapping* map = target.as_mapping();
  if (!map || !map->is_namespace) {
    fail_invalid(node.line, "'" + node.names.front() + "' is not a namespace");
  }
  if (value.as_mapping() && value.as_mapping()->is_namespace) {
    fail_unsupported(node.line, "a namespace inside another value");
  }
  const Text key = make_text(node.member);
  for (auto& [name, old] : map->members) {
    if (same(name, key)) {
      old = std::move(value);
      return;
    }
  }
  map->members.emplace_back(key, std::move(value));
}

void Evaluator::assign(const std::vector<std::string>& names, Value value, int line) {
  if (names.size() == 1) {
    put(names.front(), std::move(value));
    return;
  }
  const List parts = elements(value, line, budget_);
  if (parts.size() != names.size()) {
    fail_invalid(line, std::to_string(parts.size()) + " values for " +
                           std::to_string(names.size()) + " names");
  }
  for (std::size_t i = 0; i < names.size(); ++i) put(names[i], parts[i]);
}

Text Evaluator::captured(const Body& body, const std::vector<ExprPtr>& filters) {
  Text outer = std::exchange(output_, Text());
  scopes_.emplace_back();
  flow(body);
  scopes_.pop_back();
  Value value(std::exchange(output_, std::move(outer)));
  for (const ExprPtr& expr : filters) value = filter(*expr, value);
  return to_text(value);
}

Value Evaluator::call_macro(const Macro& macro, const CallArguments& arguments) {
  if (arguments.positional.size() > macro.parameters.size()) {
    fail_invalid(arguments.line, "too many arguments for the macro '" + macro.name + "'");
  }
  const std::size_t outer_visible = std::exchange(visible_, scopes_.size());
  scopes_.emplace_back();
  for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
    const Argument& parameter = macro.parameters[i];
    const Value* given = arguments.find(i, parameter.name);
    Value value = given             ? *given
                  : parameter.value ? evaluate(*parameter.value)
                                    : Value(Undefined{parameter.name});
    put(parameter.name, std::move(value));
  }
  Text outer = std::exchange(output_, Text());
  flow(macro.body);
  scopes_.pop_back();
  visible_ = outer_visible;
  return std::exchange(output_, std::move(outer));
}

}  // namespace orkestra::model::jinja
