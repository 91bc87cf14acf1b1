// Measures what an agent's requests cost: prompt tokens computed and time to the first token, with
// this engine (`orkestra model replay`) and, by its URL, a llama-server on the same file and ids.
//
//   bench_agent_loop FILE [--peer URL] [--orkestra PROGRAM] [--only SCENARIO] [--threads N]
//                    [--scale PERCENT] [--traces FOLDER] [--json]
//
// With a peer, it goes first and what it wrote is what ours is made to say, so that both have the
// same prompts. --traces keeps the traces that were replayed.
#include <orkestra/bench/agent_loop/peer.h>
#include <orkestra/bench/agent_loop/scenarios.h>
#include <orkestra/core/json.h>
#include <orkestra/model/model.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

namespace {

namespace fs = std::filesystem;
using namespace orkestra;
using namespace orkestra::bench;

struct Options {
  std::string file;
  std::string peer;
  std::string orkestra;
  std::string only;
  int threads = 0;
  std::size_t scale_percent = 100;
  std::string traces;
  bool json = false;
};

struct Row {
  std::string id;
  std::string group;
  std::size_t prompt = 0;
  std::size_t truly_new = 0;
  std::int64_t ours = 0;
  double ours_ms = 0.0;
  std::int64_t peer = -1;  // -1: not measured
  double peer_ms = 0.0;
};

// All requests spelled out; with a peer, by asking it.
std::vector<SpelledRequest> spell_all(const Scenario& scenario, const ScenarioOptions& ids,
                                      const Peer* peer, std::vector<Row>& rows) {
  std::vector<SpelledRequest> spelled;
  const auto& requests = scenario.requests;
  while (spelled.size() < requests.size()) {
    const std::size_t first = spelled.size();
    std::vector<std::vector<TokenId>> prompts;
    do {
      const std::size_t i = spelled.size();
      spelled.push_back(spell(scenario, i, spelled));
      spelled.back().output = random_ids(ids, requests[i].n_output, 1000 + i);
      prompts.push_back(spelled.back().prompt);
      rows.push_back({.id = requests[i].id,
                      .group = requests[i].group,
                      .prompt = spelled.back().prompt.size(),
                      .truly_new = spelled.back().truly_new});
    } while (spelled.size() < requests.size() && !requests[first].group.empty() &&
             requests[spelled.size()].group == requests[first].group);
    if (peer == nullptr) continue;
    const auto replies = peer->complete(prompts, requests[first].n_output);
    for (std::size_t i = 0; i < replies.size(); ++i) {
      spelled[first + i].output = replies[i].output;
      rows[first + i].peer = replies[i].processed;
      rows[first + i].peer_ms = replies[i].first_token_ms;
    }
  }
  return spelled;
}

// Runs `orkestra model replay` on the trace.
Json replay(const Options& options, const fs::path& trace) {
  const fs::path out = trace.string() + ".json";
  const std::string command = "'" + options.orkestra + "' model replay '" + options.file + "' '" +
                              trace.string() + "' --threads " + std::to_string(options.threads) +
                              " --json > '" + out.string() + "'";
  if (std::system(command.c_str()) != 0) throw Error(ErrorCode::kUnavailable, command + ": failed");
  std::ifstream in(out, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  fs::remove(out);
  return parse_json(text, command);
}

void write_trace(const fs::path& path, const Scenario& scenario,
                 const std::vector<SpelledRequest>& spelled) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  for (std::size_t i = 0; i < spelled.size(); ++i) {
    Json line = {{"id", scenario.requests[i].id},
                 {"tokens", spelled[i].prompt},
                 {"marks", spelled[i].marks},
                 {"forced_output", spelled[i].output}};
    if (!scenario.requests[i].group.empty()) line["group"] = scenario.requests[i].group;
    out << dump_json(line) << "\n";
  }
  if (!out.flush()) throw Error(ErrorCode::kExhausted, path.string() + ": can't be written");
}

// Requests of one group end together: the group took as long as its slowest.
Row sum_of(const std::vector<Row>& rows) {
  Row sum{.id = "all", .peer = rows.front().peer < 0 ? -1 : 0};
  for (std::size_t i = 0; i < rows.size();) {
    double ours_ms = 0.0;
    double peer_ms = 0.0;
    const std::string& group = rows[i].group;
    do {
      sum.prompt += rows[i].prompt;
      sum.truly_new += rows[i].truly_new;
      sum.ours += rows[i].ours;
      if (sum.peer >= 0) sum.peer += rows[i].peer;
      ours_ms = std::max(ours_ms, rows[i].ours_ms);
      peer_ms = std::max(peer_ms, rows[i].peer_ms);
      ++i;
    } while (i < rows.size() && !group.empty() && rows[i].group == group);
    sum.ours_ms += ours_ms;
    sum.peer_ms += peer_ms;
  }
  return sum;
}

void print(const Row& row) {
  std::printf("%-20.20s %8zu %8zu %8lld %10.0f", row.id.c_str(), row.prompt, row.truly_new,
              static_cast<long long>(row.ours), row.ours_ms);
  if (row.peer >= 0) {
    // How much sooner, and which part of it is tokens not computed again, which is speed.
    const double tokens =
        static_cast<double>(row.peer) / static_cast<double>(std::max<std::int64_t>(1, row.ours));
    const double all = row.peer_ms / row.ours_ms;
    std::printf(" %8lld %10.0f %7.2fx = %5.2fx * %5.2fx", static_cast<long long>(row.peer),
                row.peer_ms, all, tokens, all / tokens);
  }
  std::printf("\n");
}

Json to_json(const Row& row) {
  Json json = {{"id", row.id},
               {"prompt", row.prompt},
               {"truly_new", row.truly_new},
               {"processed", row.ours},
               {"first_token_ms", row.ours_ms}};
  if (!row.group.empty()) json["group"] = row.group;
  if (row.peer >= 0) {
    json["peer_processed"] = row.peer;
    json["peer_first_token_ms"] = row.peer_ms;
  }
  return json;
}

Options parse(int argc, char** argv) {
  Options options;
  options.orkestra = (fs::path(argv[0]).parent_path() / "orkestra").string();
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == argc) throw Error(ErrorCode::kInvalid, name + ": needs a value");
      return argv[++i];
    };
    if (name == "--json") {
      options.json = true;
    } else if (name == "--peer") {
      options.peer = value();
    } else if (name == "--orkestra") {
      options.orkestra = value();
    } else if (name == "--only") {
      options.only = value();
    } else if (name == "--threads") {
      options.threads = std::stoi(value());
    } else if (name == "--scale") {
      options.scale_percent = std::stoul(value());
    } else if (name == "--traces") {
      options.traces = value();
    } else if (options.file.empty() && !name.starts_with("--")) {
      options.file = name;
    } else {
      throw Error(ErrorCode::kInvalid, name + ": unknown; see the head of agent_loop.cpp");
    }
  }
  if (options.file.empty()) throw Error(ErrorCode::kInvalid, "name a .gguf file");
  return options;
}

int run(const Options& options) {
  const auto file = model::Model::open(options.file);
  // The first ids of a vocabulary are control and byte tokens.
  const ScenarioOptions ids{.first_id = 300,
                            .n_vocab = static_cast<TokenId>(file->vocabulary_size()),
                            .scale_percent = options.scale_percent};
  if (ids.n_vocab < ids.first_id + 1000) {
    throw Error(ErrorCode::kInvalid, options.file + ": its vocabulary has fewer than 1,300 tokens");
  }
  std::unique_ptr<const Peer> peer;
  if (!options.peer.empty()) peer = std::make_unique<const Peer>(options.peer);
  const fs::path folder =
      options.traces.empty()
          ? fs::temp_directory_path() / ("orkestra_agent_loop_" + std::to_string(::getpid()))
          : fs::path(options.traces);
  fs::create_directories(folder);
  Json report = {{"model", file->id()}, {"scenarios", Json::array()}};
  if (peer) report["peer"] = peer->build();
  for (const Scenario& scenario : make_scenarios(ids)) {
    if (!options.only.empty() && options.only != scenario.name) continue;
    std::vector<Row> rows;
    const auto spelled = spell_all(scenario, ids, peer.get(), rows);
    const fs::path trace = folder / (scenario.name + ".jsonl");
    write_trace(trace, scenario, spelled);
    const Json ours = replay(options, trace);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].ours = ours.at("requests").at(i).at("processed").get<std::int64_t>();
      rows[i].ours_ms = ours.at("requests").at(i).at("first_token_ms").get<double>();
    }
    Json shown = Json::array();
    for (const Row& row : rows) shown.push_back(to_json(row));
    report["scenarios"].push_back({{"name", scenario.name},
                                   {"description", scenario.description},
                                   {"requests", shown},
                                   {"all", to_json(sum_of(rows))}});
    if (options.json) continue;
    std::printf("\n%s: %s\n%-20s %8s %8s %8s %10s", scenario.name.c_str(),
                scenario.description.c_str(), "request", "prompt", "new", "ours", "ms");
    if (peer) std::printf(" %8s %10s %8s   %6s   %6s", "peer", "ms", "sooner", "state", "speed");
    std::printf("\n");
    for (const Row& row : rows) print(row);
    print(sum_of(rows));
    std::fflush(stdout);
  }
  if (options.traces.empty()) fs::remove_all(folder);
  if (options.json) std::cout << report.dump(2) << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse(argc, argv));
  } catch (const std::exception& error) {
    std::cerr << "bench_agent_loop: " << error.what() << "\n";
    return 1;
  }
}
