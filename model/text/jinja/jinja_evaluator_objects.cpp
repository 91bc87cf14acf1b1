#include <orkestra/model/text/jinja/jinja_evaluator_objects.h>
#include <orkestra/model/text/jinja/jinja_lexer.h>

namespace orkestra::model::jinja {

void refuse_namespace(const Value& value, int line) {
  if (value.as_mapping() && value.as_mapping()->is_namespace) {
    fail_unsupported(line, "a namespace inside another value");
  }
}

Value Evaluator::MacroObject::member(TextView name) const {
  if (same(name, "name")) return Value::text(macro_->name);
  return Value(Undefined{to_bytes(name)});
}

Value Evaluator::MacroObject::call(std::string_view, const CallArguments& arguments) {
  std::shared_ptr<Scope> scope = scope_.lock();
  return evaluator_.call_macro(*macro_, scope ? scope : evaluator_.global_, arguments);
}

Value Evaluator::LoopObject::member(TextView name) const {
  const auto size = static_cast<std::int64_t>(items_.size());
  const auto at = static_cast<std::int64_t>(at_);
  const std::string field = to_bytes(name);
  const auto item = [&](std::int64_t i) {
    return i >= 0 && i < size ? items_[static_cast<std::size_t>(i)] : Value(Undefined{field});
  };
  if (field == "index") return at + 1;
  if (field == "index0") return at;
  if (field == "revindex") return size - at;
  if (field == "revindex0") return size - at - 1;
  if (field == "first") return at == 0;
  if (field == "last") return at + 1 == size;
  if (field == "length") return size;
  if (field == "depth") return std::int64_t{depth_};
  if (field == "depth0") return std::int64_t{depth_ - 1};
  if (field == "previtem") return item(at - 1);
  if (field == "nextitem") return item(at + 1);
  return Value(Undefined{field});
}

Value Evaluator::LoopObject::call(std::string_view method, const CallArguments& arguments) {
  if (method == "cycle") {
    if (arguments.positional.empty()) fail_invalid(arguments.line, "loop.cycle of nothing");
    return arguments.positional[at_ % arguments.positional.size()];
  }
  if (method == "changed") {
    for (const Value& value : arguments.positional) refuse_namespace(value, arguments.line);
    Value now = Value::tuple(arguments.positional);
    if (equal(now, seen_)) return false;
    held_ = std::max(held_, now.depth());
    seen_ = std::move(now);
    return true;
  }
  if (!node_.recursive) {
    fail_invalid(arguments.line, "the loop is called but not declared 'recursive'");
  }
  const std::shared_ptr<Scope> around = around_.lock();
  return evaluator_.recurse(node_, around ? around : evaluator_.global_,
                            arguments.at(0, "iterable"), depth_ + 1);
}

}  // namespace orkestra::model::jinja
