#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja/jinja_evaluator.h>
#include <orkestra/model/text/jinja/jinja_evaluator_objects.h>
#include <orkestra/model/text/jinja/jinja_lexer.h>

#include <algorithm>
#include <cstdint>

namespace orkestra::model::jinja {

Evaluator::Evaluator(const Value& context, std::int64_t now) : now_(now) {
  if (const Mapping* map = context.as_mapping()) {
    for (const auto& [key, value] : map->members) {
      global_->variables.emplace_back(to_bytes(to_text(key)), value);
    }
  }
}

void Evaluator::put(std::string_view name, Value value) {
  for (auto& [key, old] : scope_->variables) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  scope_->variables.emplace_back(name, std::move(value));
}

void Evaluator::write(const Text& text) {
  budget_.make(text.size());
  output_ += text;
}

Evaluator::Flow Evaluator::flow(const Body& body) {
  const Nesting nesting(budget_);
  for (const auto& node : body) {
    const Flow result = statement(*node);
    if (result != Flow::kNext) return result;
  }
  return Flow::kNext;
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
      return for_loop(node, evaluate(*node.value), 1);
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
      put(node.names.front(),
          Value(Value::Variant(std::make_shared<MacroObject>(*this, node.macro, scope_))));
      break;
    case Node::Kind::kCall: {
      const Value caller(Value::Variant(std::make_shared<MacroObject>(*this, node.macro, scope_)));
      write(to_text(call(*node.value, &caller)));
      break;
    }
    case Node::Kind::kWith: {
      std::vector<Value> values;
      for (const ExprPtr& value : node.values) values.push_back(evaluate(*value));
      const Enter scope(*this, scope_);
      for (std::size_t i = 0; i < values.size(); ++i) put(node.names[i], std::move(values[i]));
      return flow(node.body);
    }
    case Node::Kind::kBody:
      return flow(node.body);
    case Node::Kind::kBreak:
      return Flow::kBreak;
    case Node::Kind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kNext;
}

Evaluator::Flow Evaluator::for_loop(const Node& node, const Value& over, int depth) {
  List list = elements(over, node.line, budget_);
  const std::shared_ptr<Scope> around = scope_;
  if (node.condition) {
    const Enter scope(*this, around);
    List kept;
    for (Value& element : list) {
      assign(node.names, element, node.line);
      if (truthy(evaluate(*node.condition))) kept.push_back(std::move(element));
    }
    list = std::move(kept);
  }
  if (list.empty()) return flow(node.otherwise);
  const auto loop = std::make_shared<LoopObject>(*this, node, around, std::move(list), depth);
  const LoopObject::Forgets forgets(*loop);
  const Enter scope(*this, around);
  for (; loop->at() < loop->items().size(); loop->advance()) {
    budget_.step(4);
    scope_->variables.clear();  // what one iteration sets, the next does not see
    put("loop", Value(Value::Variant(std::shared_ptr<Object>(loop))));
    assign(node.names, loop->items()[loop->at()], node.line);
    if (flow(node.body) == Flow::kBreak) break;
  }
  return Flow::kNext;
}

Text Evaluator::recurse(const Node& node, const std::shared_ptr<Scope>& around, const Value& over,
                        int depth) {
  const Nesting nesting(budget_);
  const Capture capture(output_);
  const Enter scope(*this, around);
  for_loop(node, over, depth);
  return std::move(output_);
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
  refuse_namespace(value, node.line);
  const Text key = make_text(node.member);
  for (auto& [name, old] : map->members) {
    if (same(*name.as_text(), key)) {
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
  const Capture capture(output_);
  {
    const Enter scope(*this, scope_);
    flow(body);
  }
  Value value(std::move(output_));
  for (const ExprPtr& expr : filters) value = filter(*expr, value);
  return to_text(value);
}

Text Evaluator::call_macro(const Macro& macro, const std::shared_ptr<Scope>& around,
                           const CallArguments& arguments) {
  const Nesting nesting(budget_);
  const Capture capture(output_);
  const Enter scope(*this, around);
  bind(macro, arguments);
  flow(macro.body);
  return std::move(output_);
}

// The arguments of a call as variables of the innermost scope.
void Evaluator::bind(const Macro& macro, const CallArguments& arguments) {
  const auto refuse = [&](const std::string& what) {
    fail_invalid(arguments.line, what + " the macro '" + macro.name + "'");
  };
  const std::size_t count = macro.parameters.size();
  List more;
  for (std::size_t i = count; i < arguments.positional.size(); ++i) {
    if (!macro.takes_more) refuse("too many arguments for");
    refuse_namespace(arguments.positional[i], arguments.line);
    more.push_back(arguments.positional[i]);
  }
  Members named;
  Value caller(Undefined{"caller"});
  for (const auto& [key, value] : arguments.named) {
    const auto is_it = [&, &name = key](const Argument& a) { return a.name == name; };
    const auto at = std::find_if(macro.parameters.begin(), macro.parameters.end(), is_it);
    if (at != macro.parameters.end()) {
      const auto index = static_cast<std::size_t>(at - macro.parameters.begin());
      if (index < arguments.positional.size()) refuse("two values of '" + key + "' for");
    } else if (key == "caller") {
      caller = value;
    } else {
      if (!macro.takes_named) refuse("unexpected argument '" + key + "' of");
      refuse_namespace(value, arguments.line);
      named.emplace_back(make_text(key), value);
    }
  }
  put("caller", std::move(caller));
  if (macro.takes_more) put("varargs", Value::tuple(std::move(more)));
  if (macro.takes_named) put("kwargs", Value::mapping(std::move(named)));
  for (std::size_t i = 0; i < count; ++i) {
    const Argument& parameter = macro.parameters[i];
    const Value* given = arguments.find(i, parameter.name);
    Value value = given             ? *given
                  : parameter.value ? evaluate(*parameter.value)
                                    : Value(Undefined{parameter.name});
    put(parameter.name, std::move(value));
  }
}

}  // namespace orkestra::model::jinja
