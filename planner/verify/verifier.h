// Verifier: holds every statement of an answer against sources. A claim is supported only by a
// quote that is found, verbatim, at its origin and that says the same thing: the same figures,
// the same names in the same places, the same polarity. Judged in code; where a model reads
// outlines (outline.h), a claim in other words is held against what the source's sentence was read
// as, and code still compares the words. Deterministic, read-only, thread-compatible.
#pragma once

#include <orkestra/core/evidence.h>
#include <orkestra/core/limits.h>
#include <orkestra/core/tool_types.h>
#include <orkestra/planner/verify/outline.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::planner {

// One checkable statement: a sentence of the answer without its citations.
struct Claim {
  std::string text;
  std::size_t begin = 0;  // byte range in the answer, citations included
  std::size_t end = 0;
  std::vector<std::string> cited;  // evidence ids: "1"
};

// Sentences of `answer`; never splits decimals, initials or abbreviations.
std::vector<Claim> split_claims(std::string_view answer);

enum class VerdictKind { kSupported, kContradicted, kNotFound };
std::string_view name(VerdictKind kind);  // "supported", "contradicted", "not_found"

struct Verdict {
  VerdictKind kind = VerdictKind::kNotFound;
  double score = 0.0;              // 1 = every word of the claim is accounted for
  std::vector<Evidence> evidence;  // the quotes that decided it, with their origins
  std::string reason;              // one sentence for people: "the source says 4,200, not 4,100"
};

struct CheckedClaim {
  Claim claim;
  Verdict verdict;
};

// A statement a source makes, as fields and words: a table row, a tool result, or a sentence.
struct Record {
  struct Field {
    // What a value is to its record: something it states; a key that says which thing it is
    // about (one of them is enough); an argument it was asked with (all of them count).
    enum class Role { kStated, kKey, kArgument };
    std::string name;  // column or result member; "" for running text
    std::string value;
    Role role = Role::kStated;
  };
  std::vector<Field> fields;
  std::string context;  // words that apply to all of it: table name, tool description, heading
  Evidence evidence;    // where it stands; quote is what a reader would be shown
  std::string fault;    // why it can't count, "" if it can: "the quote is no longer in FILE"
};

// Something that can be looked into for the statements nearest to a claim.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::vector<Record> find(const Claim& claim, const Limits& limits) = 0;
};

// A text, Markdown or HTML file: its sentences, with byte ranges (of an HTML page: in what it
// says). Throws Error when it can't be read, or is none of these.
std::unique_ptr<Source> make_document_source(const std::filesystem::path& file);
// A SQLite database: rows that hold a value the claim names.
std::unique_ptr<Source> make_database_source(const std::filesystem::path& file);
// Evidence a run gathered. kSql origins are run again by `query(database, sql, params)`: when the
// rows no longer hold the quoted value, the fresh rows are what counts.
using QueryAgain = std::function<Json(const std::filesystem::path&, std::string_view sql,
                                      const Json& parameters, const Limits&)>;
std::unique_ptr<Source> make_evidence_source(std::vector<Evidence> evidence, QueryAgain query);
// Passages found anew for each claim. They count for claims that cite nothing.
using SearchAgain = std::function<std::vector<ResultPart>(std::string_view text, const Limits&)>;
std::unique_ptr<Source> make_search_source(SearchAgain search);

// How to look again at what an answer rests on; each may be empty.
struct Recheck {
  QueryAgain query{};
  SearchAgain search{};
};

// Every claim of `answer` with its verdict. A cited claim must be supported by what it cites. With
// a question, a claim that is nothing but a value must be what the question asks for. `outlines`
// may be null.
std::vector<CheckedClaim> verify(std::string_view answer,
                                 const std::vector<std::unique_ptr<Source>>& sources,
                                 const Limits& limits, std::string_view question = {},
                                 OutlineReader* outlines = nullptr);

// Which words of the question the evidence accounts for (compared by stems, shown as asked; stop
// words aside). An answer whose evidence never touches "deadline" does not answer a question about
// a deadline. Other words for a thing count where they can mean nothing else at hand (asked.h), a
// figure within a bound that the text states ("up to 15 percent"; bounds.h).
struct Coverage {
  std::vector<std::string> covered;  // words as asked, case folded
  std::vector<std::string> missing;
  std::vector<std::string> further;  // conditions of the text that the question's own leaves open
  bool complete() const { return missing.empty() && further.empty(); }
};
// What else could have been answered from.
struct AtHand {
  std::vector<std::string> elsewhere{};  // what the other tools on offer say they give
  std::vector<std::string> texts{};      // all texts found
};
// How a model read the question and the answer's statements: words beside the question's outline
// need no answer, and a thing may be called by its name alone.
struct ReadOutlines {
  std::optional<Outline> question;
  std::vector<Outline> statements;
};
Coverage question_coverage(std::string_view question, const std::vector<Evidence>& evidence,
                           const AtHand& at_hand = {}, const ReadOutlines& read = {});

Json to_json(const CheckedClaim& claim);

}  // namespace orkestra::planner
