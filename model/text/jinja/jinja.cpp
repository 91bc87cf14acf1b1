#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja/jinja.h>
#include <orkestra/model/text/jinja/jinja_evaluator.h>
#include <orkestra/model/text/jinja/jinja_parser.h>

namespace orkestra::model::jinja {

std::shared_ptr<const Template> Template::compile(std::string_view source) {
  return std::shared_ptr<const Template>(new Template(parse_template(source)));
}

Text Template::render(const Value& context, std::int64_t now) const {
  Evaluator evaluator(context, now);
  evaluator.run(body_);
  return evaluator.take_output();
}

std::string Template::render(const Json& context, std::int64_t now) const {
  return to_bytes(render(Value::from_json(context), now));
}

}  // namespace orkestra::model::jinja
