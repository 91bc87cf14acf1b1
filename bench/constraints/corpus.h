// Schemas to measure with: files of JSONSchemaBench (its maskbench/data), drawn at random.
#pragma once

#include <orkestra/core/json.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace orkestra::bench {

struct CorpusSchema {
  std::string name;
  Json schema;
};

// `count` of the files of `folder`, the same ones for the same seed, sorted by name.
std::vector<CorpusSchema> draw_schemas(const std::string& folder, std::size_t count,
                                       std::uint32_t seed);

// "p50 12.3 p90 … p99 … max …" of `values`.
std::string percentiles(std::vector<double> values);

}  // namespace orkestra::bench
