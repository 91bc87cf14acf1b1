#include <orkestra/core/error.h>
#include <orkestra/core/hash.h>
#include <orkestra/core/html.h>
#include <orkestra/planner/verify/document_file.h>
#include <orkestra/planner/verify/records.h>

#include <map>
#include <utility>

namespace orkestra::planner {
namespace {

Record faulty(const Evidence& evidence, std::string fault) {
  Record record;
  record.evidence = evidence;
  record.fault = std::move(fault);
  return record;
}

// A quote counts only where it stands in its file, byte for byte; for HTML, in what the page says.
std::vector<Record> read_quote(const Evidence& evidence) {
  std::string text;
  const Json& detail = evidence.origin.detail;
  try {
    text = read_document(evidence.origin.locator);
    const bool page = detail.is_object() && detail.value("rendered_from", Json()) == "html";
    if (page) text = html_to_text(read_html(text));
  } catch (const Error& e) {
    return {faulty(evidence, e.message())};
  }
  std::size_t at = std::string::npos;
  if (detail.is_object() && detail.contains("begin") && detail["begin"].is_number_unsigned()) {
    const auto begin = detail["begin"].get<std::size_t>();
    const bool there = begin <= text.size() && !evidence.quote.empty() &&
                       text.compare(begin, evidence.quote.size(), evidence.quote) == 0;
    if (there) at = begin;
  }
  if (at == std::string::npos && !evidence.quote.empty()) at = text.find(evidence.quote);
  if (at == std::string::npos) {
    return {faulty(evidence,
                   "the quote of [" + evidence.id + "] is not in " + evidence.origin.locator)};
  }
  return sentence_records(std::string_view(text).substr(at, evidence.quote.size()), at, evidence);
}

class EvidenceSource final : public Source {
 public:
  EvidenceSource(std::vector<Evidence> evidence, QueryAgain query)
      : evidence_(std::move(evidence)), query_(std::move(query)) {}

  std::vector<Record> find(const Claim&, const Limits& limits) override {
    if (!read_) {
      for (const auto& evidence : evidence_) {
        for (auto& record : read(evidence, limits)) records_.push_back(std::move(record));
      }
      read_ = true;
    }
    return records_;
  }

 private:
  std::vector<Record> read(const Evidence& evidence, const Limits& limits) {
    const std::string cite = "[" + evidence.id + "]";
    if (evidence.hash != sha256_hex(evidence.quote)) {
      return {faulty(evidence, "the quote of " + cite + " does not match its hash")};
    }
    switch (evidence.origin.kind) {
      case Origin::Kind::kSql:
        return read_query(evidence, limits);
      case Origin::Kind::kDocument:
        return read_quote(evidence);
      default:
        break;
    }
    // Structured results are read as fields, the rest as sentences.
    const bool structured =
        evidence.value.is_structured() || evidence.value.is_number() || evidence.value.is_boolean();
    if (structured) return value_records(evidence.value, evidence);
    std::vector<Record> out = sentence_records(evidence.quote, 0, evidence);
    if (evidence.value.is_string()) {
      for (auto& record : value_records(evidence.value, evidence)) out.push_back(std::move(record));
    }
    return out;
  }

  // The rows as they are now are what counts.
  std::vector<Record> read_query(const Evidence& evidence, const Limits& limits) {
    const std::string cite = "[" + evidence.id + "]";
    const Json& detail = evidence.origin.detail;
    if (!detail.is_object() || !detail.contains("sql") || !detail["sql"].is_string()) {
      return {faulty(evidence, "the origin of " + cite + " holds no query to run again")};
    }
    if (!query_) return {faulty(evidence, "nothing can run the query of " + cite + " again")};
    Json rows;
    try {
      rows = query_(evidence.origin.locator, detail["sql"].get<std::string>(),
                    detail.value("params", Json::object()), limits);
    } catch (const Error& e) {
      if (e.code() == ErrorCode::kDeadline || e.code() == ErrorCode::kCancelled) throw;
      return {faulty(evidence, "the query of " + cite + " can't be run again: " + e.message())};
    }
    if (!rows.is_array() || rows.empty()) {
      return {faulty(evidence, "the query of " + cite + " finds nothing any more")};
    }
    Evidence fresh = evidence;
    const Json value = rows.size() == 1 ? rows[0] : rows;
    if (value != evidence.value) {
      fresh.value = value;
      fresh.quote = dump_json_spaced(value);
      fresh.hash = sha256_hex(fresh.quote);
    }
    return value_records(value, fresh);
  }

  std::vector<Evidence> evidence_;
  QueryAgain query_;
  bool read_ = false;
  std::vector<Record> records_;
};

class SearchSource final : public Source {
 public:
  explicit SearchSource(SearchAgain search) : search_(std::move(search)) {}

  std::vector<Record> find(const Claim& claim, const Limits& limits) override {
    std::vector<Record> records;
    if (!claim.cited.empty()) return records;
    for (const ResultPart& part : search_(claim.text, limits)) {
      const Evidence found{.quote = part.text,
                           .value = part.text,
                           .description = part.description,
                           .origin = part.origin,
                           .hash = sha256_hex(part.text),
                           .label = part.label};
      for (auto& record : read_quote(found)) records.push_back(std::move(record));
    }
    return records;
  }

 private:
  SearchAgain search_;
};

}  // namespace

std::unique_ptr<Source> make_search_source(SearchAgain search) {
  return std::make_unique<SearchSource>(std::move(search));
}

std::unique_ptr<Source> make_evidence_source(std::vector<Evidence> evidence, QueryAgain query) {
  return std::make_unique<EvidenceSource>(std::move(evidence), std::move(query));
}

}  // namespace orkestra::planner
