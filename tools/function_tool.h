// A tool out of a function: the schema comes from the function's own parameter types, and its
// arguments arrive typed.
//
//   tools.push_back(function_tool(
//       {.name = "convert", .description = "Convert euros to another currency."},
//       {{"euros", "how much"}, {"rate", "units per euro"}},
//       [](double euros, double rate) { return euros * rate; }));
//
// Parameters: bool, integers, float, double, std::string, Json, std::vector of these, and
// std::optional of these for ones that may be left out. Returns anything Json can hold, or a
// ToolResult. The function may be called by several threads at once; what it throws becomes a
// failed result.
#pragma once

#include <orkestra/tools/tool.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace orkestra::tools {

struct Parameter {
  std::string name;
  std::string description{};
  bool copied = false;  // its value must be copied out of the user's request
};

// What the tool is; its parameters' schema is filled in.
struct FunctionToolOptions {
  std::string name;
  std::string description;
  ToolTraits traits{};
  Label label{};              // of what it returns
  std::string answer_form{};  // see ToolSpec
};

namespace function_tool_detail {

using Body = std::function<ToolResult(const ToolCall&, const Limits&)>;

// Throws Error{kInvalid} when names are missing or repeated.
std::unique_ptr<Tool> make(const FunctionToolOptions& options,
                           const std::vector<Parameter>& parameters,
                           const std::vector<Json>& schemas, const std::vector<bool>& required,
                           Body body);

template <typename T>
struct Schema;
template <>
struct Schema<bool> {
  static Json get() { return {{"type", "boolean"}}; }
};
template <typename T>
requires std::is_integral_v<T>
struct Schema<T> {
  static Json get() { return {{"type", "integer"}}; }
};
template <typename T>
requires std::is_floating_point_v<T>
struct Schema<T> {
  static Json get() { return {{"type", "number"}}; }
};
template <>
struct Schema<std::string> {
  static Json get() { return {{"type", "string"}}; }
};
template <>
struct Schema<Json> {
  static Json get() { return Json::object(); }
};
template <typename T>
struct Schema<std::vector<T>> {
  static Json get() { return {{"type", "array"}, {"items", Schema<T>::get()}}; }
};
template <typename T>
struct Schema<std::optional<T>> : Schema<T> {};

template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {
  using Value = T;
};

template <typename T>
T argument(const Json& arguments, const std::string& name) {
  if constexpr (IsOptional<T>::value) {
    if (!arguments.contains(name)) return std::nullopt;
    return argument<typename IsOptional<T>::Value>(arguments, name);
  } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    const Json& value = arguments.at(name);
    const auto whole = value.get<std::int64_t>();
    if (!std::in_range<T>(whole)) {
      throw Error(ErrorCode::kInvalid, name + ": " + value.dump() + " is out of range");
    }
    return static_cast<T>(whole);
  } else {
    return arguments.at(name).get<T>();
  }
}

template <typename T>
struct Signature : Signature<decltype(&T::operator())> {};
template <typename R, typename C, typename... A>
struct Signature<R (C::*)(A...) const> {
  using Arguments = std::tuple<std::remove_cvref_t<A>...>;
};
template <typename R, typename C, typename... A>
struct Signature<R (C::*)(A...)> : Signature<R (C::*)(A...) const> {};
template <typename R, typename... A>
struct Signature<R (*)(A...)> {
  using Arguments = std::tuple<std::remove_cvref_t<A>...>;
};

}  // namespace function_tool_detail

template <typename Function>
std::unique_ptr<Tool> function_tool(const FunctionToolOptions& options,
                                    std::vector<Parameter> parameters, Function function) {
  namespace detail = function_tool_detail;
  using Arguments = typename detail::Signature<std::decay_t<Function>>::Arguments;
  constexpr std::size_t kCount = std::tuple_size_v<Arguments>;
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    std::vector<Json> schemas{detail::Schema<std::tuple_element_t<I, Arguments>>::get()...};
    std::vector<bool> required{!detail::IsOptional<std::tuple_element_t<I, Arguments>>::value...};
    auto body = [function = std::move(function), parameters, name = options.name,
                 label = options.label](const ToolCall& call, const Limits&) mutable {
      auto value = function(detail::argument<std::tuple_element_t<I, Arguments>>(
          call.arguments, parameters[I].name)...);
      if constexpr (std::is_same_v<decltype(value), ToolResult>) {
        return value;
      } else {
        return ToolResult::success(Json(std::move(value)),
                                   {.kind = Origin::Kind::kTool,
                                    .locator = name,
                                    .detail = {{"arguments", call.arguments}}},
                                   label);
      }
    };
    if (parameters.size() != kCount) {
      throw Error(ErrorCode::kInvalid, "the tool " + options.name + ": its function takes " +
                                           std::to_string(kCount) + " arguments, " +
                                           std::to_string(parameters.size()) + " are named");
    }
    return detail::make(options, parameters, schemas, required, std::move(body));
  }
  (std::make_index_sequence<kCount>{});
}

}  // namespace orkestra::tools
