// The validator, and nothing else, on cases in the form of the public JSON-Schema-Test-Suite:
//   validator_suite TESTS.json... [--remote URI=FILE]...
// prints each case that is judged otherwise than it says, then the counts.
#include <orkestra/core/error.h>
#include <orkestra/core/json_schema.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

using namespace orkestra;

namespace {

Json read_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw Error(ErrorCode::kNotFound, path + ": no such file");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return parse_json(text, path, {.max_depth = 1000});
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> files;
  std::map<std::string, std::string> remotes;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument != "--remote" || i + 1 == argc) {
      files.push_back(argument);
      continue;
    }
    const std::string remote = argv[++i];
    const std::size_t equals = remote.rfind('=');
    remotes[remote.substr(0, equals)] = remote.substr(equals + 1);
  }
  const SchemaOptions options{.resolve = [&](const std::string& uri) -> std::optional<Json> {
    const auto it = remotes.find(uri);
    if (it == remotes.end()) return std::nullopt;
    return read_file(it->second);
  }};
  int right = 0;
  int wrong = 0;
  int refused = 0;
  for (const std::string& file : files) {
    for (const Json& group : read_file(file)) {
      std::shared_ptr<const JsonSchema> schema;
      std::string reason;
      try {
        schema = JsonSchema::compile(group.at("schema"), options);
      } catch (const Error& e) {
        reason = e.message();
      }
      for (const Json& test : group.at("tests")) {
        const std::string name = file + ": " + group.at("description").get<std::string>() + ": " +
                                 test.at("description").get<std::string>();
        if (!schema) {
          ++refused;
          std::printf("refused  %s: %s\n", name.c_str(), reason.c_str());
        } else if (schema->validate(test.at("data")).empty() == test.at("valid").get<bool>()) {
          ++right;
        } else {
          ++wrong;
          std::printf("wrong    %s\n", name.c_str());
        }
      }
    }
  }
  std::printf("%d right, %d wrong, %d refused\n", right, wrong, refused);
  return wrong + refused > 0 ? 1 : 0;
}
