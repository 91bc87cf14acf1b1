#include <orkestra/tests/layering/rules.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

namespace orkestra::layering {
namespace {

constexpr int kMaxLines = 500;

using Folders = std::set<std::string, std::less<>>;

// docs/ARCHITECTURE.md, "The house": what each layer may include besides itself.
const std::map<std::string, Folders, std::less<>>& layers() {
  static const std::map<std::string, Folders, std::less<>> table{
      {"core", {}},
      {"model", {"core"}},
      {"retrieval", {"core"}},
      {"tools", {"retrieval", "core"}},
      {"plugins", {"tools", "core"}},
      {"planner", {"model", "tools", "core"}},
      {"agent", {"planner", "plugins", "tools", "retrieval", "model", "core"}},
      {"service", {"agent", "planner", "plugins", "tools", "retrieval", "model", "core"}},
      {"apps", {"service", "agent", "planner", "plugins", "tools", "retrieval", "model", "core"}},
  };
  return table;
}

// These include whatever they exercise.
const Folders& free_folders() {
  static const Folders folders{"tests", "examples", "bench"};
  return folders;
}

struct Door {
  std::string_view header;              // what an include of it starts with
  std::vector<std::string_view> paths;  // what the path of a file that may does start with
};

// Each third party stays behind one door, so that it can be replaced there.
const std::vector<Door>& doors() {
  static const std::vector<Door> table{
      {"sqlite3.h", {"core/database", "tests/"}},
      {"openssl/", {"core/hash", "core/http", "service/", "tests/http_test"}},
      {"seccomp.h", {"core/sandbox"}},
      {"re2/", {"core/", "planner/verify/", "tests/model/constraint_fuzz_test.cpp"}},
      {"utf8proc", {"core/"}},
      {"libstemmer", {"core/"}},
      {"gumbo.h", {"core/html"}},
      {"faiss/", {"retrieval/faiss_index.cpp"}},
      {"boost/beast", {"core/http", "service/"}},
      {"boost/asio", {"core/http", "service/"}},
      {"boost/url", {"core/http", "service/"}},
      {"CLI/", {"apps/"}},
      {"catch2/", {"tests/catch"}},
      {"cuda", {"model/cuda/"}},
      {"cublas", {"model/cuda/"}},
  };
  return table;
}

std::string folder_of(std::string_view path) {
  const auto slash = path.find('/');
  return std::string(slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash));
}

// The layer that an include of `target` reaches; "" when it is not one of ours.
std::string layer_of_include(std::string_view target) {
  constexpr std::string_view kPrefix = "orkestra/";
  if (!target.starts_with(kPrefix)) return "";
  return folder_of(target.substr(kPrefix.size()));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::string_view included_file(std::string_view line) {
  const auto skip_blanks = [&] {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  };
  skip_blanks();
  if (!line.starts_with('#')) return {};
  line.remove_prefix(1);
  skip_blanks();
  constexpr std::string_view kInclude = "include";
  if (!line.starts_with(kInclude)) return {};
  line.remove_prefix(kInclude.size());
  skip_blanks();
  if (line.empty() || (line[0] != '<' && line[0] != '"')) return {};
  const auto end = line.find(line[0] == '<' ? '>' : '"', 1);
  return end == std::string_view::npos ? std::string_view{} : line.substr(1, end - 1);
}

std::vector<std::string> check_file(const SourceFile& file) {
  std::vector<std::string> broken;
  const auto report = [&](std::size_t line, const std::string& what) {
    broken.push_back(file.path + ":" + std::to_string(line) + ": " + what);
  };
  const std::string layer = folder_of(file.path);
  const bool is_free = free_folders().contains(layer);
  const auto allowed = layers().find(layer);
  if (!is_free && allowed == layers().end()) {
    report(1, "the folder \"" + layer + "\" is not a layer of the house");
    return broken;
  }
  const auto lines = lines_of(file.text);
  if (lines.size() > kMaxLines) {
    report(lines.size(), "longer than " + std::to_string(kMaxLines) + " lines: make it two files");
  }
  if (file.path.ends_with(".h")) {
    if (lines.empty() || !lines[0].starts_with("//")) {
      report(1, "a header begins with a comment that says what the thing is");
    }
    if (std::find(lines.begin(), lines.end(), "#pragma once") == lines.end()) {
      report(1, "a header says #pragma once");
    }
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string target(included_file(lines[i]));
    if (target.empty()) continue;
    if (lines[i].find('"') != std::string::npos && !target.ends_with(".inc")) {
      report(i + 1, "includes are written <orkestra/folder/file.h>, not \"" + target + "\"");
    }
    const std::string reached = layer_of_include(target);
    if (target.starts_with("orkestra/")) {
      if (!is_free && reached != layer && !allowed->second.contains(reached)) {
        report(i + 1, layer + " may not include " + reached + " (" + target + ")");
      }
      continue;
    }
    for (const Door& door : doors()) {
      if (!target.starts_with(door.header)) continue;
      const bool open =
          std::any_of(door.paths.begin(), door.paths.end(),
                      [&](std::string_view path) { return file.path.starts_with(path); });
      if (!open) {
        std::string where;
        for (const auto path : door.paths) where += (where.empty() ? "" : ", ") + std::string(path);
        report(i + 1, "<" + target + "> is included only in " + where);
      }
    }
  }
  return broken;
}

std::vector<std::string> check_cycles(const std::vector<SourceFile>& files) {
  std::map<std::string, std::set<std::string>> edges;
  for (const SourceFile& file : files) {
    const std::string layer = folder_of(file.path);
    if (free_folders().contains(layer)) continue;
    for (const std::string& line : lines_of(file.text)) {
      const std::string reached = layer_of_include(included_file(line));
      if (!reached.empty() && reached != layer) edges[layer].insert(reached);
    }
  }
  // Depth first from each layer; a ring is told once, from its alphabetically first layer.
  std::vector<std::string> rings;
  std::vector<std::string> way;
  const auto visit = [&](const auto& self, const std::string& start,
                         const std::string& layer) -> void {
    way.push_back(layer);
    for (const std::string& next : edges[layer]) {
      if (next == start) {
        std::string ring;
        for (const std::string& each : way) ring += each + " -> ";
        rings.push_back(ring + start);
      } else if (next > start && std::find(way.begin(), way.end(), next) == way.end()) {
        self(self, start, next);
      }
    }
    way.pop_back();
  };
  std::vector<std::string> starts;
  for (const auto& [layer, reached] : edges) starts.push_back(layer);
  for (const std::string& start : starts) visit(visit, start, start);
  return rings;
}

}  // namespace orkestra::layering
