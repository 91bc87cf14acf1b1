// Template: a chat template in the subset of Jinja that model files use, compiled once.
// Immutable; any thread may render it. Rendering is bounded in steps, nesting and bytes.
//
// The subset: if, for (else, loop.*, a condition), set (blocks, namespaces), macro, filter,
// raw, generation, break, continue; expressions with filters, tests, methods and slices;
// range, namespace, dict, raise_exception. White space as Hugging Face sets it.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/text/jinja_ast.h>

#include <memory>
#include <string>
#include <string_view>

namespace orkestra::model::jinja {

class Template {
 public:
  // Throws Error naming the line: kInvalid (syntax), kUnsupported (outside the subset),
  // kExhausted (too large or too deep).
  static std::shared_ptr<const Template> compile(std::string_view source);

  // `context`: a mapping of the variables. Each byte of the result keeps its source.
  // Throws Error: kInvalid (the template refuses, a type it can't work with), kUnsupported,
  // kExhausted.
  Text render(const Value& context) const;
  std::string render(const Json& context) const;

 private:
  explicit Template(Body body) : body_(std::move(body)) {}
  Body body_;
};

}  // namespace orkestra::model::jinja
