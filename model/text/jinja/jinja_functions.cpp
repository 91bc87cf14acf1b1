// The functions templates can call by name.
#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja/jinja_builtins.h>
#include <orkestra/model/text/jinja/jinja_lexer.h>

#include <ctime>

namespace orkestra::model::jinja {
namespace {

constexpr std::int64_t kMaxRange = 100'000;

Value make_mapping(const CallArguments& arguments, bool is_namespace, Budget& budget) {
  Members members;
  if (const Value* start = arguments.find(0)) {
    if (start->as_mapping()) {
      members = start->as_mapping()->members;
    } else {
      for (const Value& pair : elements(*start, arguments.line, budget)) {
        const List parts = elements(pair, arguments.line, budget);
        if (parts.size() != 2) fail_invalid(arguments.line, "a mapping of something but pairs");
        members.emplace_back(parts[0], parts[1]);
      }
    }
  }
  for (const auto& [key, value] : arguments.named) {
    const Value name = Value::text(key);
    bool known = false;
    for (auto& [old, member] : members) {
      if (!equal(old, name)) continue;
      member = value;
      known = true;
    }
    if (!known) members.emplace_back(name, value);
  }
  budget.step(members.size());
  return Value::mapping(std::move(members), is_namespace);
}

Value make_range(const CallArguments& arguments, Budget& budget) {
  const bool has_stop = arguments.find(1) != nullptr;
  if (!arguments.find(0)) fail_invalid(arguments.line, "range without an end");
  const std::int64_t start = has_stop ? arguments.integer(0, "start", 0) : 0;
  const std::int64_t stop = arguments.integer(has_stop ? 1 : 0, "stop", 0);
  const std::int64_t step = arguments.integer(2, "step", 1);
  if (step == 0) fail_invalid(arguments.line, "range with a step of 0");
  List out;
  std::int64_t at = start;
  while (step > 0 ? at < stop : at > stop) {
    if (static_cast<std::int64_t>(out.size()) >= kMaxRange) {
      fail_invalid(arguments.line, "a range of more than 100,000 numbers");
    }
    out.emplace_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  budget.step(out.size());
  return out;
}

Value format_time(const CallArguments& arguments, std::int64_t now) {
  const std::string form = to_bytes(arguments.text(0, "format", ""));
  const auto seconds = static_cast<std::time_t>(now);
  std::tm time{};
  if (form.size() > 256 || !localtime_r(&seconds, &time)) {
    fail_invalid(arguments.line, "a format of time of more than 256 characters");
  }
  char buffer[4096];
  const std::size_t size = std::strftime(buffer, sizeof buffer, form.c_str(), &time);
  return Value::text(std::string_view(buffer, size));
}

}  // namespace

bool is_function(std::string_view name) {
  return name == "range" || name == "namespace" || name == "dict" || name == "raise_exception" ||
         name == "strftime_now";
}

Value call_function(std::string_view name, const CallArguments& arguments, Budget& budget,
                    std::int64_t now) {
  if (name == "raise_exception") {
    throw Error(ErrorCode::kInvalid, "the chat template refuses this conversation: " +
                                         to_bytes(arguments.text(0, "message", "")));
  }
  if (name == "strftime_now") return format_time(arguments, now);
  if (name == "range") return make_range(arguments, budget);
  return make_mapping(arguments, name == "namespace", budget);
}

}  // namespace orkestra::model::jinja
