#include <orkestra/core/error.h>
#include <orkestra/model/convert/model_config.h>
#include <orkestra/model/format/byte_reader.h>

#include <cmath>
#include <utility>

namespace orkestra::model {
namespace {

std::string shown(std::initializer_list<std::string_view> keys) {
  return "\"" + std::string(*keys.begin()) + "\"";
}

}  // namespace

ModelConfig::ModelConfig(Json json, std::string name)
    : json_(std::move(json)), name_(std::move(name)) {
  if (!json_.is_object()) corrupt("it must be a JSON object");
}

void ModelConfig::corrupt(const std::string& what) const {
  throw Error(ErrorCode::kCorrupt, name_ + ": " + what);
}

void ModelConfig::unsupported(const std::string& what) const {
  throw Error(ErrorCode::kUnsupported, name_ + ": " + what);
}

const Json* ModelConfig::find(std::initializer_list<std::string_view> keys) const {
  const auto look = [&](const Json& object) -> const Json* {
    for (const std::string_view key : keys) {
      const auto found = object.find(std::string(key));
      if (found != object.end() && !found->is_null()) return &*found;
    }
    return nullptr;
  };
  const auto inner = json_.find("text_config");
  if (inner != json_.end() && inner->is_object()) {
    if (const Json* found = look(*inner)) return found;
  }
  return look(json_);
}

std::int64_t ModelConfig::integer(std::initializer_list<std::string_view> keys, std::int64_t low,
                                  std::int64_t high) const {
  const Json* value = find(keys);
  if (value == nullptr) corrupt(shown(keys) + " is missing");
  // An integer beyond 63 bits is unsigned here and negative below: out of bounds either way.
  const std::int64_t number = value->is_number_integer() ? value->get<std::int64_t>() : low - 1;
  if (number < low || number > high) {
    corrupt(shown(keys) + " must be an integer from " + std::to_string(low) + " to " +
            std::to_string(high) + ", it is " + printable(dump_json(*value)));
  }
  return number;
}

std::int64_t ModelConfig::integer_or(std::initializer_list<std::string_view> keys,
                                     std::int64_t fallback, std::int64_t low,
                                     std::int64_t high) const {
  return find(keys) == nullptr ? fallback : integer(keys, low, high);
}

std::optional<double> ModelConfig::number(std::initializer_list<std::string_view> keys) const {
  const Json* value = find(keys);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number() || !std::isfinite(value->get<double>())) {
    corrupt(shown(keys) + " must be a number, it is " + printable(dump_json(*value)));
  }
  return value->get<double>();
}

bool ModelConfig::boolean_or(std::string_view key, bool fallback) const {
  const Json* value = find({key});
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) corrupt(shown({key}) + " must be true or false");
  return value->get<bool>();
}

std::string ModelConfig::text_or(std::string_view key, std::string_view fallback) const {
  const Json* value = find({key});
  if (value == nullptr) return std::string(fallback);
  if (!value->is_string()) corrupt(shown({key}) + " must be a string");
  return value->get<std::string>();
}

std::string ModelConfig::architecture() const {
  const auto found = json_.find("architectures");
  if (found == json_.end() || !found->is_array() || found->empty() || !(*found)[0].is_string()) {
    corrupt("\"architectures\" must be an array with the model's class name");
  }
  return (*found)[0].get<std::string>();
}

std::optional<ModelConfig> ModelConfig::object(std::string_view key) const {
  const Json* value = find({key});
  if (value == nullptr) return std::nullopt;
  return ModelConfig(*value, name_ + ": \"" + std::string(key) + "\"");
}

}  // namespace orkestra::model
