// Template: a chat template in the subset of Jinja that model files use, compiled once.
// Immutable; any thread may render it. Rendering is bounded in steps, nesting and bytes.
//
// The subset is what Hugging Face's environment offers without other files: if, for (else, a
// condition, recursive, loop.*), set (blocks, namespaces), with, macro, call, filter, raw, print,
// generation, break, continue; expressions with filters, tests, Python's methods that change
// nothing, slices, * and ** in calls; range, namespace, dict, raise_exception, strftime_now. White
// space and tojson as Hugging Face sets them. Not in it: other files (include, import, extends),
// blocks, nested targets of assignments, and filters for web pages (urlize, xmlattr, ...).
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/text/jinja/jinja_ast.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace orkestra::model::jinja {

class Template {
 public:
  // Throws Error naming the line: kInvalid (syntax), kUnsupported (outside the subset),
  // kExhausted (too large or too deep).
  static std::shared_ptr<const Template> compile(std::string_view source);

  // `context`: a mapping of the variables. Each byte of the result keeps its source. `now`: what
  // strftime_now tells, in seconds since 1970, as local time.
  // Throws Error: kInvalid (the template refuses, a type it can't work with), kUnsupported,
  // kExhausted.
  Text render(const Value& context, std::int64_t now = 0) const;
  std::string render(const Json& context, std::int64_t now = 0) const;

 private:
  explicit Template(Body body) : body_(std::move(body)) {}
  Body body_;
};

}  // namespace orkestra::model::jinja
