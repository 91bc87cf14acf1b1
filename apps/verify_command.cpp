#include <orkestra/agent/model_locator.h>
#include <orkestra/apps/interrupt.h>
#include <orkestra/apps/verify_command.h>
#include <orkestra/core/error.h>
#include <orkestra/planner/model_outlines.h>
#include <orkestra/planner/verify/document_file.h>
#include <orkestra/planner/verify/verifier.h>
#include <orkestra/tools/sql.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace orkestra::apps {
namespace {

using planner::VerdictKind;

constexpr std::size_t kMaxAnswerBytes = std::size_t{16} << 20U;
constexpr std::chrono::minutes kTime{5};
constexpr int kNotFoundStatus = 3;
constexpr int kContradictedStatus = 7;

struct VerifyFlags {
  std::string answer;
  std::vector<std::filesystem::path> documents;
  std::vector<std::filesystem::path> databases;
  std::string model;
  bool json = false;
};

struct Answer {
  std::string text;
  std::vector<Evidence> evidence;
  bool from_report = false;
};

bool looks_like_file(const std::string& text) {
  if (text.find_first_of(" \n") != std::string::npos) return false;
  return text.ends_with(".txt") || text.ends_with(".json") || text.ends_with(".md");
}

// Standard input or a pipe: read to its end, at most kMaxAnswerBytes.
std::string read_stream(std::istream& in, const std::string& name) {
  std::string text(kMaxAnswerBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMaxAnswerBytes) {
    throw Error(ErrorCode::kExhausted, "the answer in " + name + " is larger than 16 MiB");
  }
  return text;
}

std::string read_argument(const std::string& argument) {
  if (argument == "-") return read_stream(std::cin, "standard input");
  std::error_code ignored;
  constexpr std::size_t kMaxPath = 4096;
  if (argument.size() < kMaxPath && argument.find('\n') == std::string::npos) {
    if (std::filesystem::is_regular_file(argument, ignored)) {
      return planner::read_document(argument);
    }
    if (std::filesystem::is_fifo(argument, ignored)) {
      std::ifstream pipe(argument, std::ios::binary);
      return read_stream(pipe, argument);
    }
  }
  if (looks_like_file(argument)) {
    throw Error(ErrorCode::kNotFound, argument + ": there is no such file with an answer");
  }
  return argument;
}

// The evidence a report carries: what it cites, then what decided its claims.
std::vector<Evidence> evidence_of(const Json& report) {
  std::vector<Evidence> out;
  std::set<std::string> seen;
  const auto add = [&](const Json& list) {
    for (const Json& one : list) {
      Evidence evidence = evidence_from_json(one);
      if (seen.insert(evidence.id).second) out.push_back(std::move(evidence));
    }
  };
  if (report.contains("citations") && report["citations"].is_array()) add(report["citations"]);
  if (!report.contains("claims") || !report["claims"].is_array()) return out;
  for (const Json& claim : report["claims"]) {
    if (claim.is_object() && claim.contains("evidence") && claim["evidence"].is_array())
      add(claim["evidence"]);
  }
  return out;
}

Answer read_answer(const std::string& argument) {
  Answer answer{read_argument(argument), {}, false};
  const std::size_t first = answer.text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || answer.text[first] != '{') return answer;
  Json report;
  try {
    report = parse_json(answer.text, "the report");
  } catch (const Error&) {
    return answer;  // text that happens to begin with a brace
  }
  if (!report.is_object() || !report.contains("answer") || !report["answer"].is_string())
    return answer;
  answer.evidence = evidence_of(report);
  answer.text = report["answer"].get<std::string>();
  answer.from_report = true;
  return answer;
}

// A file given on the command line stands for the recorded one of the same name; a single file
// for any.
std::filesystem::path stand_in(const std::filesystem::path& recorded,
                               const std::vector<std::filesystem::path>& given,
                               bool single_for_any) {
  for (const auto& file : given) {
    if (file.filename() == recorded.filename()) return file;
  }
  return single_for_any && given.size() == 1 ? given.front() : recorded;
}

planner::QueryAgain query_again(std::vector<std::filesystem::path> databases) {
  return [databases](const std::filesystem::path& recorded, std::string_view sql,
                     const Json& parameters, const Limits& limits) {
    return tools::query_database(stand_in(recorded, databases, true), sql, parameters, limits);
  };
}

std::string_view mark(VerdictKind kind) {
  if (kind == VerdictKind::kSupported) return "✓";
  return kind == VerdictKind::kContradicted ? "✗" : "?";
}

std::string place(const Origin& origin) {
  const Json& detail = origin.detail;
  const bool page = detail.is_object() && detail.contains("rendered_from");
  if (origin.kind == Origin::Kind::kDocument && detail.contains("begin") &&
      detail.contains("end") && !page) {
    return origin.locator + ", bytes " + dump_json(detail["begin"]) + "-" +
           dump_json(detail["end"]);
  }
  if (origin.kind == Origin::Kind::kSql && detail.contains("sql") && detail["sql"].is_string()) {
    std::string shown = origin.locator + ", " + detail["sql"].get<std::string>();
    if (detail.contains("params") && !detail["params"].empty())
      shown += " with " + dump_json_spaced(detail["params"]);
    return shown;
  }
  return origin.locator;
}

void print(const std::vector<planner::CheckedClaim>& claims) {
  for (const auto& checked : claims) {
    std::cout << mark(checked.verdict.kind) << " " << checked.claim.text << "\n    "
              << planner::name(checked.verdict.kind) << ": " << checked.verdict.reason << "\n";
    for (const auto& evidence : checked.verdict.evidence) {
      std::cout << "    \"" << evidence.quote << "\"\n    " << place(evidence.origin) << "\n";
    }
  }
  if (claims.empty()) std::cout << "? the answer states nothing that could be checked\n";
}

// The model that reads sentences in other words, if it was trained to.
std::unique_ptr<model::LanguageModel> model_that_reads(const std::string& name) {
  if (name == "none") return nullptr;
  if (name.empty() && agent::bundled_models().empty()) return nullptr;
  auto reader = agent::open_language_model(name.empty() ? "nano" : name, {});
  const bool reads = planner::ModelOutlines::reads(reader->capabilities());
  if (!reads && !name.empty()) {
    throw Error(ErrorCode::kUnsupported,
                "the model " + name +
                    " was not trained to read sentences; leave --model out for "
                    "the bundled one, or give none to compare words alone");
  }
  return reads ? std::move(reader) : nullptr;
}

int verify(const VerifyFlags& flags) {
  if (flags.answer.empty()) {
    throw Error(ErrorCode::kInvalid, "give an answer to verify: a text, a file, a report or -");
  }
  const Interrupt interrupt;
  Limits limits = Limits::within(kTime);
  limits.stop = interrupt.token();
  Answer answer = read_answer(flags.answer);
  std::vector<std::unique_ptr<planner::Source>> sources;
  if (answer.from_report) {
    for (auto& evidence : answer.evidence) {
      if (evidence.origin.kind != Origin::Kind::kDocument) continue;
      evidence.origin.locator = stand_in(evidence.origin.locator, flags.documents, false).string();
    }
    sources.push_back(planner::make_evidence_source(answer.evidence, query_again(flags.databases)));
  }
  for (const auto& file : flags.documents) sources.push_back(planner::make_document_source(file));
  for (const auto& file : flags.databases) sources.push_back(planner::make_database_source(file));
  if (sources.empty()) {
    throw Error(ErrorCode::kInvalid,
                "give at least one --source FILE or --db FILE to verify against");
  }
  const std::unique_ptr<model::LanguageModel> reader = model_that_reads(flags.model);
  std::optional<planner::ModelOutlines> outlines;
  if (reader != nullptr) outlines.emplace(*reader);
  const auto claims =
      planner::verify(answer.text, sources, limits, {}, outlines ? &*outlines : nullptr);
  const auto any = [&](VerdictKind kind) {
    return std::any_of(claims.begin(), claims.end(),
                       [&](const auto& checked) { return checked.verdict.kind == kind; });
  };
  std::string_view status = "supported";
  int exit = 0;
  if (any(VerdictKind::kContradicted)) {
    status = "contradicted";
    exit = kContradictedStatus;
  } else if (claims.empty() || any(VerdictKind::kNotFound)) {
    status = "not_found";
    exit = kNotFoundStatus;
  }
  if (flags.json) {
    Json list = Json::array();
    for (const auto& checked : claims) list.push_back(to_json(checked));
    const Json report = {{"status", status}, {"claims", list}};
    std::cout << report.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    print(claims);
  }
  return exit;
}

}  // namespace

void add_verify_command(CLI::App& app, int& exit_status) {
  auto flags = std::make_shared<VerifyFlags>();
  CLI::App* command = app.add_subcommand(
      "verify", "Hold every statement of an answer against documents and databases");
  command
      ->add_option("ANSWER", flags->answer,
                   "The answer: a text, a file, a report of `run --json`, or - for standard input")
      ->required();
  command->add_option("--source", flags->documents,
                      "A text, Markdown or HTML file to verify against");
  command->add_option(
      "--db", flags->databases,
      "A SQLite database to verify against; a report's queries are run on it again");
  command->add_option("--model", flags->model,
                      "The model that reads claims in other words; none: words are compared alone "
                      "(default: the bundled model)");
  command->add_flag("--json", flags->json, "Print the verdicts as JSON");
  command->footer("Exit status: 0 all supported, 3 something not found, 7 something contradicted.");
  command->callback([flags, &exit_status] { exit_status = verify(*flags); });
}

}  // namespace orkestra::apps
