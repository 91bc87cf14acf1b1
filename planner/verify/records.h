// Records: texts and rows as statements a claim can be held against. Pure, any thread.
#pragma once

#include <orkestra/planner/verify/sentences.h>
#include <orkestra/planner/verify/verifier.h>

#include <string>
#include <string_view>
#include <vector>

namespace orkestra::planner {

// One record per sentence of `text`, which stands at byte `offset` of `origin`. Headings and
// questions state nothing and are left out.
std::vector<Record> sentence_records(std::string_view text, std::size_t offset,
                                     const Evidence& origin);

// The scalar members of a row (nested objects by path: "address city"); null says nothing.
std::vector<Record::Field> row_fields(const Json& row);

// One record per row of what a call returned: an object, an array of objects, or a scalar.
// `evidence` says what it is and what it was asked with.
std::vector<Record> value_records(const Json& value, const Evidence& evidence);

// Whether a column of this name says which thing a row is about: "name", "id", "sku".
bool names_thing(std::string_view column);

std::string scalar_text(const Json& value);  // a string as it is, else its JSON

// Every scalar inside `value` as text, in order, without repeats; null and "" are none.
std::vector<std::string> scalars_of(const Json& value);

}  // namespace orkestra::planner
