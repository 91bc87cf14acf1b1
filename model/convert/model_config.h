// ModelConfig: a Hugging Face config.json: hyperparameters by name, each held against bounds. The
// members of "text_config", where models that also see images keep theirs, come before the outer
// ones. Immutable.
#pragma once

#include <orkestra/core/json.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace orkestra::model {

class ModelConfig {
 public:
  // `name` is for messages. Throws Error{kCorrupt} unless `json` is an object.
  ModelConfig(Json json, std::string name);

  // The member with the first of `keys` that is there and not null.
  const Json* find(std::initializer_list<std::string_view> keys) const;

  // Throw Error{kCorrupt} naming the key when the value is missing (and there is no fallback), of
  // another type or out of bounds.
  std::int64_t integer(std::initializer_list<std::string_view> keys, std::int64_t low,
                       std::int64_t high) const;
  std::int64_t integer_or(std::initializer_list<std::string_view> keys, std::int64_t fallback,
                          std::int64_t low, std::int64_t high) const;
  std::optional<double> number(std::initializer_list<std::string_view> keys) const;
  bool boolean_or(std::string_view key, bool fallback) const;
  std::string text_or(std::string_view key, std::string_view fallback) const;
  // The first of "architectures".
  std::string architecture() const;
  // An object's own members, for "rope_scaling" and its like; none when it is missing or null.
  std::optional<ModelConfig> object(std::string_view key) const;

  [[noreturn]] void corrupt(const std::string& what) const;
  [[noreturn]] void unsupported(const std::string& what) const;

 private:
  Json json_;
  std::string name_;
};

}  // namespace orkestra::model
