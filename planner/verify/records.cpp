#include <orkestra/core/hash.h>
#include <orkestra/core/words.h>
#include <orkestra/planner/verify/records.h>

#include <algorithm>
#include <array>

namespace orkestra::planner {
namespace {

constexpr std::size_t kMaxRows = 500;
constexpr std::size_t kMaxFields = 200;
constexpr int kMaxDepth = 6;

void add_fields(const Json& value, const std::string& path, int depth,
                std::vector<Record::Field>& out) {
  if (out.size() >= kMaxFields || depth > kMaxDepth || value.is_null()) return;
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      add_fields(member, path.empty() ? key : path + " " + key, depth + 1, out);
    }
  } else if (value.is_array()) {
    for (const auto& element : value) add_fields(element, path, depth + 1, out);
  } else {
    out.push_back({path, scalar_text(value), Record::Field::Role::kStated});
  }
}

// What a call was asked with: arguments of a tool, parameters of a query.
std::vector<Record::Field> argument_fields(const Json& detail) {
  std::vector<Record::Field> out;
  for (const auto* member : {"params", "arguments"}) {
    if (!detail.is_object() || !detail.contains(member)) continue;
    const Json& arguments = detail[member];
    // Code handed to a tool is how it asks, not what it asks about.
    for (auto& field : row_fields(arguments)) {
      constexpr std::size_t kMaxArgumentBytes = 200;
      if (field.name == "sql" || field.name == "code" || field.value.size() > kMaxArgumentBytes)
        continue;
      field.role = Record::Field::Role::kArgument;
      out.push_back(std::move(field));
    }
  }
  return out;
}

// One of many rows is told from the others by its first naming column, else its first text.
void mark_key(const Json& row, std::vector<Record::Field>& fields) {
  for (auto& field : fields) {
    if (!names_thing(field.name)) continue;
    field.role = Record::Field::Role::kKey;
    return;
  }
  for (auto& field : fields) {
    if (!row.contains(field.name) || !row[field.name].is_string()) continue;
    field.role = Record::Field::Role::kKey;
    return;
  }
}

}  // namespace

std::string scalar_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

std::vector<std::string> scalars_of(const Json& value) {
  std::vector<std::string> out;
  const auto add = [&out](const auto& self, const Json& part) -> void {
    if (part.is_structured()) {
      for (const Json& member : part) self(self, member);
    } else if (!part.is_null()) {
      std::string text = scalar_text(part);
      const bool known = std::find(out.begin(), out.end(), text) != out.end();
      if (!text.empty() && !known) out.push_back(std::move(text));
    }
  };
  add(add, value);
  return out;
}

bool names_thing(std::string_view column) {
  static constexpr auto kNames = std::to_array<std::string_view>(
      {"name", "title", "id", "code", "sku", "email", "key", "number"});
  const auto parts = identifier_words(column);
  return !parts.empty() &&
         std::find(kNames.begin(), kNames.end(), parts.back().key) != kNames.end();
}

std::vector<Record> sentence_records(std::string_view text, std::size_t offset,
                                     const Evidence& origin) {
  std::vector<Record> out;
  for (const auto& sentence : sentences(text)) {
    const std::string_view quote = text.substr(sentence.begin, sentence.end - sentence.begin);
    if (sentence.is_heading || quote.ends_with('?')) continue;
    Record record;
    record.fields.push_back({"", std::string(quote), Record::Field::Role::kStated});
    record.context = sentence.heading;
    record.evidence = origin;
    record.evidence.quote = quote;
    record.evidence.value = nullptr;
    record.evidence.hash = sha256_hex(quote);
    if (origin.origin.kind == Origin::Kind::kDocument) {
      record.evidence.origin.detail["begin"] = offset + sentence.begin;
      record.evidence.origin.detail["end"] = offset + sentence.end;
    }
    if (!sentence.heading.empty() && record.evidence.description.empty()) {
      record.evidence.description = sentence.heading;
    }
    out.push_back(std::move(record));
  }
  return out;
}

std::vector<Record::Field> row_fields(const Json& row) {
  std::vector<Record::Field> out;
  if (row.is_object()) add_fields(row, "", 0, out);
  return out;
}

std::vector<Record> value_records(const Json& value, const Evidence& evidence) {
  std::vector<Json> rows;
  const bool many = value.is_array() && value.size() > 1;
  if (value.is_array()) {
    for (const auto& row : value) {
      if (rows.size() < kMaxRows) rows.push_back(row);
    }
  } else if (!value.is_null()) {
    rows.push_back(value);
  }
  const auto arguments = argument_fields(evidence.origin.detail);
  std::vector<Record> out;
  for (const auto& row : rows) {
    Record record;
    record.context = evidence.description;
    if (evidence.origin.kind == Origin::Kind::kTool) {
      for (const auto& word : identifier_words(evidence.origin.locator))
        record.context += " " + word.key;
    }
    record.fields = row_fields(row);
    if (!row.is_object()) {
      record.fields.push_back({"value", scalar_text(row), Record::Field::Role::kStated});
    }
    if (many) mark_key(row, record.fields);
    record.fields.insert(record.fields.begin(), arguments.begin(), arguments.end());
    record.evidence = evidence;
    if (many) {
      record.evidence.value = row;
      record.evidence.quote = dump_json_spaced(row);
      record.evidence.hash = sha256_hex(record.evidence.quote);
    }
    out.push_back(std::move(record));
  }
  return out;
}

}  // namespace orkestra::planner
