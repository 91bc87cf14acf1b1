#include <orkestra/core/document_format.h>
#include <orkestra/core/html.h>
#include <orkestra/core/text.h>
#include <orkestra/core/words.h>
#include <orkestra/planner/verify/document_file.h>
#include <orkestra/planner/verify/records.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <unordered_map>

namespace orkestra::planner {
namespace {

constexpr std::size_t kNearest = 40;  // sentences looked at per claim

std::set<std::string> content_stems(std::string_view text) {
  std::set<std::string> out;
  for (const auto& word : words_only(text)) {
    if (word.kind != Word::Kind::kWord) {
      out.insert(word.key);
    } else if (!is_stop_word(word.key)) {
      out.insert(stem(word.key));
    }
  }
  return out;
}

class DocumentSource final : public Source {
 public:
  explicit DocumentSource(const std::filesystem::path& file) {
    std::string text = read_document(file);
    Evidence origin;
    origin.origin.kind = Origin::Kind::kDocument;
    origin.origin.locator = file.string();
    if (const std::string reason = why_not_text(text); !reason.empty()) {
      throw Error(ErrorCode::kUnsupported, file.string() + ": " + reason);
    }
    if (is_html(file.filename().string(), text)) {
      text = html_to_text(read_html(text));
      origin.origin.detail["rendered_from"] = "html";  // where its byte ranges are
    }
    records_ = sentence_records(text, 0, origin);
    for (std::size_t i = 0; i < records_.size(); ++i) {
      for (const auto& key : content_stems(records_[i].fields[0].value))
        sentences_with_[key].push_back(i);
    }
  }

  std::vector<Record> find(const Claim& claim, const Limits&) override {
    std::unordered_map<std::size_t, std::size_t> shared;
    for (const auto& key : content_stems(claim.text)) {
      const auto at = sentences_with_.find(key);
      if (at == sentences_with_.end()) continue;
      for (const std::size_t i : at->second) ++shared[i];
    }
    std::vector<std::pair<std::size_t, std::size_t>> ranked;  // (how many missing, sentence)
    ranked.reserve(shared.size());
    for (const auto& [i, n] : shared) ranked.emplace_back(SIZE_MAX - n, i);
    const std::size_t keep = std::min(ranked.size(), kNearest);
    std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(keep),
                      ranked.end());
    std::vector<Record> out;
    for (std::size_t k = 0; k < keep; ++k) out.push_back(records_[ranked[k].second]);
    return out;
  }

 private:
  std::vector<Record> records_;
  std::unordered_map<std::string, std::vector<std::size_t>> sentences_with_;
};

}  // namespace

std::string read_document(const std::filesystem::path& file) {
  constexpr std::size_t kMaxBytes = std::size_t{32} << 20U;
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    throw Error(ErrorCode::kNotFound, file.string() + ": there is no such file to verify against");
  }
  std::ifstream in(file, std::ios::binary);
  if (!in)
    throw Error(ErrorCode::kDenied, file.string() + ": can't be read; check its permissions");
  std::string text;
  char part[1 << 16];
  while (in.read(part, sizeof part) || in.gcount() > 0) {
    text.append(part, static_cast<std::size_t>(in.gcount()));
    if (text.size() > kMaxBytes) {
      throw Error(ErrorCode::kExhausted, file.string() + ": larger than 32 MiB; split it");
    }
  }
  return text;
}

std::unique_ptr<Source> make_document_source(const std::filesystem::path& file) {
  return std::make_unique<DocumentSource>(file);
}

}  // namespace orkestra::planner
