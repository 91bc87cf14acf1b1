#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/model/engine/replay_trace.h>

#include <algorithm>
#include <set>
#include <utility>

namespace orkestra::model {
namespace {

constexpr std::size_t kMaxNameBytes = 256;

// One line of the trace, for messages.
struct Line {
  const std::string& what;
  std::size_t number;
  [[noreturn]] void fail(ErrorCode code, const std::string& why) const {
    throw Error(code, what + ": line " + std::to_string(number) + ": " + why);
  }
};

std::int64_t integer(const Json& value, const Line& line, std::string_view name) {
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() || value.get<std::uint64_t>() <= INT64_MAX);
  if (!fits) line.fail(ErrorCode::kInvalid, std::string(name) + " holds something not an integer");
  return value.get<std::int64_t>();
}

const Json* list(const Json& object, const Line& line, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return nullptr;
  if (!found->is_array()) line.fail(ErrorCode::kInvalid, std::string(name) + " is not a list");
  return &*found;
}

std::vector<TokenId> token_ids(const Json& object, const Line& line, const char* name,
                               const ReplayLimits& limits) {
  std::vector<TokenId> ids;
  const Json* values = list(object, line, name);
  if (values == nullptr) return ids;
  if (values->size() > static_cast<std::size_t>(limits.context_length)) {
    line.fail(ErrorCode::kExhausted, std::string(name) + " has " + std::to_string(values->size()) +
                                         " tokens, the context holds " +
                                         std::to_string(limits.context_length));
  }
  ids.reserve(values->size());
  for (const Json& value : *values) {
    const std::int64_t id = integer(value, line, name);
    if (id < 0 || id >= limits.n_vocab) {
      line.fail(ErrorCode::kInvalid, std::string(name) + ": " + std::to_string(id) +
                                         " is not a token id from 0 to " +
                                         std::to_string(limits.n_vocab - 1));
    }
    ids.push_back(static_cast<TokenId>(id));
  }
  return ids;
}

std::string name_of(const Json& object, const Line& line, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return "";
  if (!found->is_string() || found->get_ref<const std::string&>().size() > kMaxNameBytes) {
    line.fail(ErrorCode::kInvalid, std::string(name) + " is not a text of at most " +
                                       std::to_string(kMaxNameBytes) + " bytes");
  }
  return found->get<std::string>();
}

ReplayRequest parse_request(std::string_view text, const Line& line, const ReplayLimits& limits) {
  const Json object = parse_json(text, line.what + ": line " + std::to_string(line.number),
                                 {.max_bytes = limits.max_line_bytes, .max_depth = 4});
  if (!object.is_object()) line.fail(ErrorCode::kInvalid, "not an object");
  ReplayRequest request;
  request.id = name_of(object, line, "id");
  if (request.id.empty()) request.id = std::to_string(line.number);
  request.group = name_of(object, line, "group");
  request.tokens = token_ids(object, line, "tokens", limits);
  request.forced_output = token_ids(object, line, "forced_output", limits);
  if (request.tokens.empty()) line.fail(ErrorCode::kInvalid, "no tokens");
  const std::size_t total = request.tokens.size() + request.forced_output.size();
  if (total > static_cast<std::size_t>(limits.context_length)) {
    line.fail(ErrorCode::kExhausted, std::to_string(total) +
                                         " tokens with the output, the context holds " +
                                         std::to_string(limits.context_length));
  }
  if (const Json* marks = list(object, line, "marks")) {
    for (const Json& value : *marks) {
      const std::int64_t length = integer(value, line, "marks");
      const auto most = static_cast<std::int64_t>(request.tokens.size());
      if (length < 1 || length > most) {
        line.fail(ErrorCode::kInvalid, "marks: " + std::to_string(length) +
                                           " is not a length from 1 to " + std::to_string(most));
      }
      request.marks.push_back(static_cast<std::size_t>(length));
    }
    std::sort(request.marks.begin(), request.marks.end());
    request.marks.erase(std::unique(request.marks.begin(), request.marks.end()),
                        request.marks.end());
  }
  return request;
}

}  // namespace

std::vector<ReplayRequest> parse_replay_trace(std::string_view text, const std::string& what,
                                              const ReplayLimits& limits) {
  std::vector<ReplayRequest> requests;
  std::set<std::string> groups;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view row = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const Line line{what, ++number};
    if (row.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (requests.size() == limits.max_requests) {
      line.fail(ErrorCode::kExhausted,
                "more than " + std::to_string(limits.max_requests) + " requests");
    }
    ReplayRequest request = parse_request(row, line, limits);
    const bool opens = requests.empty() || requests.back().group != request.group;
    if (opens && !request.group.empty() && !groups.insert(request.group).second) {
      line.fail(ErrorCode::kInvalid,
                "group \"" + request.group + "\" was sent before: put its requests side by side");
    }
    requests.push_back(std::move(request));
  }
  if (requests.empty()) throw Error(ErrorCode::kInvalid, what + ": holds no request");
  return requests;
}

}  // namespace orkestra::model
