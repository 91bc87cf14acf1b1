#include <orkestra/bench/constraints/corpus.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <utility>

namespace orkestra::bench {

std::vector<CorpusSchema> draw_schemas(const std::string& folder, std::size_t count,
                                       std::uint32_t seed) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::mt19937 random(seed);
  count = std::min(count, paths.size());
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(paths[i], paths[i + random() % (paths.size() - i)]);
  }
  paths.resize(count);
  std::sort(paths.begin(), paths.end());
  std::vector<CorpusSchema> schemas;
  for (const auto& path : paths) {
    std::ifstream file(path);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    schemas.push_back(
        {path.filename().string(),
         parse_json(text, path.filename().string(), {.max_bytes = 64U << 20U}).at("schema")});
  }
  return schemas;
}

std::string percentiles(std::vector<double> values) {
  if (values.empty()) return "none";
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[std::min(values.size() - 1,
                           static_cast<std::size_t>(share * static_cast<double>(values.size())))];
  };
  char line[160];
  std::snprintf(line, sizeof line, "p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f", at(0.5),
                at(0.9), at(0.99), at(0.999), values.back());
  return line;
}

}  // namespace orkestra::bench
