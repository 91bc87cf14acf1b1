// Saved queries: a .sql file of named, documented, typed, read-only queries; each becomes a tool.
// A small model then chooses and fills instead of writing SQL.
//
//   -- name: customer_balance
//   -- description: Get the balance of a customer.
//   -- param customer: string, copied from the request, one of: select name from customers
//   -- answer: The balance of the customer {customer} is {balance}.
//   select balance from customers where name = :customer;
//
// `copied from the request` sets "x-copy", `one of: <select>` sets "x-domain" (at most 10,000
// values; more leaves it out). Types: string, number, integer, boolean. `answer` is optional.
#pragma once

#include <orkestra/tools/tool.h>

#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace orkestra::tools {

// One tool per query. The result is the row as an object when there is exactly one row, an array
// of rows otherwise; no row is a failure kNotFound that says which arguments found nothing.
// Throws Error{kInvalid} "file:line: ..." for a bad header, an undeclared or unused :parameter, a
// query that is not reading or does not compile against `database`, an answer naming no column.
std::vector<std::unique_ptr<Tool>> load_saved_queries(const std::filesystem::path& file,
                                                      const std::filesystem::path& database);

}  // namespace orkestra::tools
