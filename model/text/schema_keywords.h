// The keywords of JSON Schema that decoding understands, and typed access to them.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/text/json_grammar.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

// Throws Error{kUnsupported} naming the first keyword that is neither known nor an annotation.
void refuse_unknown_keywords(const Json& schema, const std::string& path);
// Throws Error{kUnsupported} naming the first keyword that is neither an annotation nor `allowed`.
void refuse_keywords_beside(const Json& schema, std::initializer_list<std::string_view> allowed,
                            const std::string& path);

// The types a schema allows: its "type", or what its keywords are about; all when it says nothing.
std::vector<std::string> schema_types(const Json& schema, const std::string& path);
bool has_type(const Json& value, const std::string& type);

// A size ("minLength", ...), `fallback` when absent.
std::uint32_t size_keyword(const Json& schema, const std::string& keyword, std::uint32_t fallback,
                           const std::string& path);
bool flag_keyword(const Json& schema, const std::string& keyword, const std::string& path);
NumberBounds number_bounds(const Json& schema, bool whole, const std::string& path);

[[noreturn]] void fail_keyword(const std::string& path, const std::string& what);
// `name` as a token of a JSON Pointer.
std::string pointer_token(std::string_view name);

}  // namespace orkestra::model
