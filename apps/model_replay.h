// What is behind `orkestra model replay`: recorded requests run through the engine, and per request
// how many prompt tokens were found in the state tree, how many were computed, and how long it
// took.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/engine/loaded_model.h>
#include <orkestra/model/engine/replay_trace.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace orkestra::apps {

struct ReplayOptions {
  int threads = 0;  // 0 = the processor's cores
  std::int64_t batch = 512;
  std::size_t budget_mib = 4096;  // of model states
  std::string kernels = "best";
  std::string kv = "auto";         // keys and values: f32, f16, q8_0; auto: by the weights
  std::filesystem::path states{};  // taken from there if it exists, and left there; "" = nowhere
};

struct ReplayResult {
  std::string id;
  std::int64_t tokens = 0;  // of the prompt; reused + processed
  std::int64_t reused = 0;
  std::int64_t processed = 0;
  std::int64_t generated = 0;
  double first_token_ms = 0.0;  // from sending to the logits of the first token to be written
  double total_ms = 0.0;
};

// Groups go one after the other, each on its own in the engine. on_result as each group ends.
std::vector<ReplayResult> replay(const std::shared_ptr<const model::LoadedModel>& model,
                                 std::vector<model::ReplayRequest> requests,
                                 const ReplayOptions& options,
                                 const std::function<void(const ReplayResult&)>& on_result);

Json to_json(const ReplayResult& result);

// Adds `replay` to the `model` command.
void add_replay_command(CLI::App& model);

}  // namespace orkestra::apps
