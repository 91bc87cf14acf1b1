// What the verifier's tests share: evidence as a run records it, files and databases that are
// removed at the end, and one-line judging.
#pragma once

#include <orkestra/core/database.h>
#include <orkestra/core/hash.h>
#include <orkestra/planner/verify/verifier.h>

#include <unistd.h>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace orkestra::planner::testing {

class ScratchFolder {
 public:
  ScratchFolder() {
    static std::atomic<int> next{0};
    path_ = std::filesystem::temp_directory_path() /
            ("orkestra-verify-" + std::to_string(getpid()) + "-" + std::to_string(next++));
    std::filesystem::create_directories(path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::filesystem::path file(const std::string& name, const std::string& bytes) const {
    std::ofstream out(path_ / name, std::ios::binary);
    out << bytes;
    return path_ / name;
  }
  std::filesystem::path database(const std::string& name, const std::string& sql) const {
    Database database = Database::open(path_ / name);
    database.execute(sql);
    return path_ / name;
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// A tool's result as a run records it.
inline Evidence tool_evidence(std::string id, Json arguments, Json value, std::string description,
                              std::string tool = "look_up") {
  Evidence evidence;
  evidence.id = std::move(id);
  evidence.quote = dump_json_spaced(value);
  evidence.value = std::move(value);
  evidence.description = std::move(description);
  evidence.origin.kind = Origin::Kind::kTool;
  evidence.origin.locator = std::move(tool);
  evidence.origin.detail = {{"arguments", std::move(arguments)}};
  evidence.hash = sha256_hex(evidence.quote);
  return evidence;
}

inline CheckedClaim only(std::vector<CheckedClaim> claims) {
  if (claims.size() != 1) throw Error(ErrorCode::kInternal, "expected one claim");
  return std::move(claims.front());
}

inline std::vector<CheckedClaim> verify_with(const std::string& answer,
                                             std::vector<Evidence> evidence,
                                             const std::string& question = {}) {
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(make_evidence_source(std::move(evidence), nullptr));
  return verify(answer, sources, Limits{}, question);
}

inline std::vector<CheckedClaim> verify_against_text(const std::string& answer,
                                                     const std::filesystem::path& file) {
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(make_document_source(file));
  return verify(answer, sources, Limits{});
}

inline std::vector<CheckedClaim> verify_against_database(const std::string& answer,
                                                         const std::filesystem::path& file) {
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(make_database_source(file));
  return verify(answer, sources, Limits{});
}

}  // namespace orkestra::planner::testing
