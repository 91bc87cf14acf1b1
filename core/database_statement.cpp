#include <orkestra/core/database.h>
#include <orkestra/core/database_handle.h>

#include <sqlite3.h>

#include <limits>
#include <utility>

namespace orkestra {

Statement::Statement(DatabaseHandle& database, sqlite3_stmt* statement)
    : database_(&database), statement_(statement) {}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  if (this == &other) return *this;
  sqlite3_finalize(statement_);
  database_ = other.database_;
  statement_ = std::exchange(other.statement_, nullptr);
  return *this;
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::checked(int result) {
  if (result != SQLITE_OK) throw database_->error(result);
  return *this;
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  return checked(sqlite3_bind_int64(statement_, parameter, value));
}

Statement& Statement::bind(int parameter, double value) {
  return checked(sqlite3_bind_double(statement_, parameter, value));
}

Statement& Statement::bind(int parameter, std::string_view text) {
  // A null pointer would bind NULL, and an empty view may hold one.
  const char* bytes = text.data() ? text.data() : "";
  return checked(sqlite3_bind_text64(statement_, parameter, bytes, text.size(), SQLITE_TRANSIENT,
                                     SQLITE_UTF8));
}

Statement& Statement::bind_null(int parameter) {
  return checked(sqlite3_bind_null(statement_, parameter));
}

Statement& Statement::bind(std::string_view parameter, const Json& value) {
  int index = 0;
  for (int i = 1; i <= parameters() && index == 0; ++i) {
    if (parameter_name(i) == parameter) index = i;
  }
  const auto invalid = [&](const std::string& what) {
    return Error(ErrorCode::kInvalid, database_->path.string() + ": " + what);
  };
  if (index == 0) throw invalid("the SQL has no parameter :" + std::string(parameter));
  switch (value.type()) {
    case Json::value_t::null:
      return bind_null(index);
    case Json::value_t::boolean:
      return bind(index, std::int64_t{value.get<bool>()});
    case Json::value_t::number_unsigned:
      if (value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
        throw invalid("the value of :" + std::string(parameter) + " is too large for an integer");
      }
      return bind(index, value.get<std::int64_t>());
    case Json::value_t::number_integer:
      return bind(index, value.get<std::int64_t>());
    case Json::value_t::number_float:
      return bind(index, value.get<double>());
    case Json::value_t::string:
      return bind(index, std::string_view(value.get_ref<const std::string&>()));
    default:
      throw invalid("the value of :" + std::string(parameter) +
                    " must be a string, a number, a boolean or null");
  }
}

bool Statement::step() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  const Error error = database_->error(result);
  sqlite3_reset(statement_);
  throw error;
}

// The result of a reset repeats the error of the step before it, which was thrown already.
void Statement::reset() { sqlite3_reset(statement_); }

void Statement::run() {
  while (step()) {
  }
  reset();
}

int Statement::parameters() const { return sqlite3_bind_parameter_count(statement_); }

std::string Statement::parameter_name(int parameter) const {
  const char* name = sqlite3_bind_parameter_name(statement_, parameter);
  return name && *name ? std::string(name + 1) : std::string();
}

int Statement::columns() const { return sqlite3_column_count(statement_); }

std::string Statement::column_name(int column) const {
  const char* name = sqlite3_column_name(statement_, column);
  return name ? name : "";
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (!bytes) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Json Statement::json(int column) const {
  switch (sqlite3_column_type(statement_, column)) {
    case SQLITE_INTEGER:
      return integer(column);
    case SQLITE_FLOAT:
      return real(column);
    case SQLITE_TEXT:
      return text(column);
    case SQLITE_BLOB:
      return Json{{"blob_bytes", sqlite3_column_bytes(statement_, column)}};
    default:
      return nullptr;
  }
}

}  // namespace orkestra
