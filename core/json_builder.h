// JsonBuilder: puts a Json together out of a parser's events. Json keeps its members in order in a
// list, and adding a member to it looks at all that are there; here they are appended, and
// members that occur twice are found when their object ends, by sorting. So parsing takes time in
// proportion to the text (times a logarithm), whatever the text. Used by one thread, for one text.
#pragma once

#include <orkestra/core/json.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra {

class JsonBuilder {
 public:
  // `what` is for messages.
  JsonBuilder(std::string what, int max_depth) : what_(std::move(what)), max_depth_(max_depth) {}

  Json take() { return std::move(root_); }
  // How often two names were compared so far.
  std::uint64_t comparisons() const { return comparisons_; }

  // nlohmann's events. Throw Error{kInvalid} for what is nested too deep or isn't JSON.
  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(Json::number_integer_t value) { return add(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return add(value); }
  bool number_float(Json::number_float_t value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(Json::binary_t& value) { return add(std::move(value)); }
  bool start_object(std::size_t) { return open(Json::object()); }
  bool key(std::string& name);
  bool end_object();
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_array();
  bool parse_error(std::size_t position, const std::string& last_token,
                   const Json::exception& error);

 private:
  Json* place(Json value);
  bool add(Json value);
  bool open(Json value);
  void merge_members(Json::object_t& object);

  std::string what_;
  int max_depth_;
  Json root_;
  std::vector<Json*> open_;  // arrays and objects, the innermost last
  std::string key_;          // of the member that comes next
  std::uint64_t comparisons_ = 0;
};

}  // namespace orkestra
