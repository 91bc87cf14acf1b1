#include <orkestra/tools/saved_query_file.h>

#include <array>
#include <optional>
#include <utility>

namespace orkestra::tools {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20U;
constexpr std::size_t kMaxQueries = 256;
constexpr std::size_t kMaxParams = 16;
constexpr std::size_t kMaxNameBytes = 64;
constexpr std::string_view kSpace = " \t\r";
constexpr std::string_view kKeys = "name, description, param NAME, answer";

std::string_view trimmed(std::string_view text, std::string_view drop = kSpace) {
  const std::size_t begin = text.find_first_not_of(drop);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(drop) - begin + 1);
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_identifier(std::string_view text) {
  if (text.empty() || text.size() > kMaxNameBytes || !is_letter(text.front())) return false;
  for (const char c : text) {
    if (!is_letter(c) && !is_digit(c)) return false;
  }
  return true;
}

// The part of `text` before `separator`, which is removed with it.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view part = trimmed(text.substr(0, at));
  text = at == std::string_view::npos ? std::string_view() : trimmed(text.substr(at + 1));
  return part;
}

struct HeaderLine {
  std::string_view key;  // "name", "param customer"
  std::string_view value;
};

// "-- key: value"; a comment without a key has none.
std::optional<HeaderLine> header_line(std::string_view line) {
  if (!line.starts_with("--")) return std::nullopt;
  const std::string_view rest = trimmed(line.substr(2));
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view key = trimmed(rest.substr(0, colon));
  const std::string_view word = key.substr(0, key.find_first_of(kSpace));
  if (!is_identifier(word) || (word.size() < key.size() && word != "param")) return std::nullopt;
  return HeaderLine{key, trimmed(rest.substr(colon + 1))};
}

class Parser {
 public:
  explicit Parser(std::string_view file) : file_(file) {}

  std::vector<SavedQuery> parse(std::string_view text) {
    if (text.size() > kMaxFileBytes) throw error_at(file_, 1, "the file is larger than 1 MiB");
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    for (line_ = 1; !text.empty(); ++line_) {
      const std::size_t end = text.find('\n');
      line(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    if (queries_.empty()) {
      throw error_at(file_, 1, "no query found; a query starts with a line \"-- name: NAME\"");
    }
    finish();
    return std::move(queries_);
  }

 private:
  void line(std::string_view raw) {
    const std::string_view text = trimmed(raw);
    const std::optional<HeaderLine> header = header_line(text);
    if (header && header->key == "name") {
      start(header->value);
    } else if (queries_.empty()) {
      if (!text.empty() && !text.starts_with("--")) {
        throw error_at(file_, line_, "SQL before the first \"-- name: NAME\" line");
      }
    } else if (!queries_.back().sql.empty()) {
      queries_.back().sql.append(raw.ends_with('\r') ? raw.substr(0, raw.size() - 1) : raw);
      queries_.back().sql += '\n';
    } else if (header) {
      add_header(*header);
    } else if (!text.empty() && !text.starts_with("--")) {
      queries_.back().sql_line = line_;
      queries_.back().sql = std::string(text) + "\n";
    }
  }

  void start(std::string_view name) {
    finish();
    if (queries_.size() == kMaxQueries) throw error_at(file_, line_, "more than 256 queries");
    if (!is_identifier(name)) {
      throw error_at(file_, line_,
                     "a query's name is 1 to 64 letters, digits and _, not starting "
                     "with a digit; got \"" +
                         std::string(name) + "\"");
    }
    for (const SavedQuery& other : queries_) {
      if (other.name == name) {
        throw error_at(file_, line_,
                       "the name " + std::string(name) + " was used in line " +
                           std::to_string(other.name_line));
      }
    }
    queries_.emplace_back();
    queries_.back().name = name;
    queries_.back().name_line = line_;
  }

  void add_header(const HeaderLine& header) {
    SavedQuery& query = queries_.back();
    if (header.key == "description") {
      set_once(query.description, header.value, "description");
    } else if (header.key == "answer") {
      set_once(query.answer, header.value, "answer");
      query.answer_line = line_;
    } else if (header.key.substr(0, header.key.find_first_of(kSpace)) == "param") {
      add_param(query, trimmed(header.key.substr(5)), header.value);
    } else {
      throw error_at(
          file_, line_,
          "unknown header \"" + std::string(header.key) + "\"; there are " + std::string(kKeys));
    }
  }

  void set_once(std::string& member, std::string_view value, const std::string& key) const {
    if (value.empty()) throw error_at(file_, line_, "the " + key + " is empty");
    if (!member.empty()) throw error_at(file_, line_, "a second " + key + " of one query");
    member = value;
  }

  void add_param(SavedQuery& query, std::string_view name, std::string_view value) const {
    if (!is_identifier(name)) {
      throw error_at(file_, line_, "a parameter is written \"-- param NAME: TYPE\"");
    }
    for (const SavedQueryParam& other : query.params) {
      if (other.name == name) {
        throw error_at(file_, line_, "the parameter " + std::string(name) + " is declared twice");
      }
    }
    if (query.params.size() == kMaxParams) throw error_at(file_, line_, "more than 16 parameters");
    SavedQueryParam param;
    param.name = name;
    param.line = line_;
    param.type = take_until(value, ',');
    static constexpr auto kTypes =
        std::to_array<std::string_view>({"string", "number", "integer", "boolean"});
    if (std::find(kTypes.begin(), kTypes.end(), param.type) == kTypes.end()) {
      throw error_at(file_, line_,
                     "the type of " + param.name +
                         " must be string, number, integer or boolean; got \"" + param.type + "\"");
    }
    while (!value.empty()) option(param, value);
    query.params.push_back(std::move(param));
  }

  void option(SavedQueryParam& param, std::string_view& value) const {
    constexpr std::string_view kOneOf = "one of:";
    if (value.starts_with(kOneOf)) {
      // The rest of the line: a SELECT has commas of its own.
      param.domain_sql = trimmed(value.substr(kOneOf.size()), " \t\r;");
      if (param.domain_sql.empty()) {
        throw error_at(file_, line_, "\"one of:\" is followed by a SELECT of the allowed values");
      }
      value = {};
      return;
    }
    const std::string_view word = take_until(value, ',');
    if (word != "copied from the request") {
      throw error_at(file_, line_,
                     "unknown property \"" + std::string(word) + "\" of " + param.name +
                         "; there are \"copied from the request\" and \"one of: "
                         "SELECT ...\"");
    }
    param.copied = true;
  }

  // The query read last is complete.
  void finish() {
    if (queries_.empty()) return;
    SavedQuery& query = queries_.back();
    query.sql = std::string(trimmed(query.sql, " \t\r\n;"));
    if (query.sql.empty()) {
      throw error_at(file_, query.name_line, "the query " + query.name + " has no SQL");
    }
    if (query.description.empty()) {
      throw error_at(file_, query.name_line,
                     "the query " + query.name + " has no \"-- description: ...\" line");
    }
    if (!query.answer.empty()) {
      try {
        answer_holes(query.answer);
      } catch (const Error& e) {
        throw error_at(file_, query.answer_line, e.message());
      }
    }
  }

  std::string file_;
  int line_ = 0;
  std::vector<SavedQuery> queries_;
};

}  // namespace

Error error_at(std::string_view file, int line, const std::string& what) {
  return {ErrorCode::kInvalid, std::string(file) + ":" + std::to_string(line) + ": " + what};
}

std::vector<SavedQuery> parse_saved_queries(std::string_view text, std::string_view file) {
  return Parser(file).parse(text);
}

std::vector<std::string> answer_holes(std::string_view answer) {
  std::vector<std::string> names;
  while (true) {
    const std::size_t brace = answer.find_first_of("{}");
    if (brace == std::string_view::npos) return names;
    const std::size_t close = answer.find_first_of("{}", brace + 1);
    if (answer[brace] == '}' || close == std::string_view::npos || answer[close] == '{') {
      throw Error(ErrorCode::kInvalid, "the answer has a brace without its partner");
    }
    const std::string_view name = answer.substr(brace + 1, close - brace - 1);
    if (name.empty()) throw Error(ErrorCode::kInvalid, "the answer has an empty {}");
    names.emplace_back(name);
    answer.remove_prefix(close + 1);
  }
}

}  // namespace orkestra::tools
