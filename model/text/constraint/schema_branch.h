// SchemaBranch: one way to be valid, as plain facts without "or" and "not". Any set of schemas that
// must hold together, or must not, is the union of such branches (a disjunctive normal form that is
// expanded only as far as the types of the value allow).
#pragma once

#include <orkestra/core/json_schema_node.h>
#include <orkestra/model/text/constraint/number_test.h>

#include <compare>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace orkestra::model {

// A schema that must hold, or must not.
struct SchemaLiteral {
  const SchemaNode* node = nullptr;
  bool positive = true;
  auto operator<=>(const SchemaLiteral&) const = default;
};
// All of these at once; sorted, each once.
using Conjunction = std::vector<SchemaLiteral>;

struct SchemaBranch {
  // SchemaType bits, but kTypeInteger = whole numbers, kTypeNumber = the others.
  static constexpr unsigned kAllTypes = 127;
  static constexpr unsigned kNumbers = kTypeNumber | kTypeInteger;
  unsigned types = kAllTypes;

  // Set: one of these candidates (held against the whole conjunction later), nothing else counts.
  std::optional<std::vector<Json>> values{};
  const SchemaNode* domain = nullptr;  // whose x-domain the candidates are
  std::vector<Json> excluded{};

  struct Pattern {
    const Regex* regex;
    bool positive;
    std::string path;
  };
  std::vector<Pattern> patterns{};
  std::vector<std::string> formats{};
  std::size_t min_length = 0;
  std::size_t max_length = SIZE_MAX;
  const SchemaNode* copied = nullptr;  // x-copy: only what the sources say

  std::vector<NumberTest::Fact> numbers{};

  std::vector<const SchemaNode*> arrays{};  // whose prefixItems and items hold
  std::map<std::size_t, std::vector<SchemaLiteral>> items{};
  std::vector<SchemaLiteral> all_items{};
  std::size_t min_items = 0;
  std::size_t max_items = SIZE_MAX;

  // Members that none of `known` names must fit `rest`: additionalProperties and its kin.
  struct Rest {
    std::vector<const SchemaNode*> known;
    const SchemaNode* rest;
  };
  std::vector<const SchemaNode*> objects{};  // whose properties and patternProperties hold
  std::vector<Rest> rests{};
  std::vector<Rest> item_rests{};  // unevaluatedItems
  std::set<std::string> required{};
  std::set<std::string> forbidden{};
  std::map<std::string, std::vector<SchemaLiteral>> members{};
  std::vector<SchemaLiteral> names{};
  std::size_t min_properties = 0;
  std::size_t max_properties = SIZE_MAX;

  // Keywords that can't be decided, with the types for which they would matter.
  std::vector<std::pair<unsigned, std::string>> undecided{};
};

// Expands conjunctions. Lives for one compile; bounds the work of all of them together.
class SchemaExpansion {
 public:
  explicit SchemaExpansion(const SchemaParts& parts) : parts_(parts) {}

  // Throws Error{kUnsupported} when there are too many ways.
  std::vector<SchemaBranch> expand(const Conjunction& conjunction);

 private:
  using Pending = std::vector<SchemaLiteral>;

  void run(Pending pending, SchemaBranch branch, std::set<SchemaLiteral> done);
  bool take_positive(const SchemaNode& node, SchemaBranch& branch, Pending& pending);
  void take_object(const SchemaNode& node, SchemaBranch& branch);
  void take_array(const SchemaNode& node, SchemaBranch& branch);
  void take_unevaluated(const SchemaNode& node, SchemaBranch& branch);
  // Splits at the first "or" of `node` that is still open; false when there is none.
  void split(const SchemaNode& node, const Pending& pending, const SchemaBranch& branch,
             const std::set<SchemaLiteral>& done);
  void negative(const SchemaNode& node, const Pending& pending, const SchemaBranch& branch,
                const std::set<SchemaLiteral>& done);
  void negative_values(const SchemaNode& node, const Pending& pending, const SchemaBranch& branch,
                       const std::set<SchemaLiteral>& done);
  void negative_containers(const SchemaNode& node, const Pending& pending,
                           const SchemaBranch& branch, const std::set<SchemaLiteral>& done);
  bool closure(const SchemaNode& node, std::vector<const SchemaNode*>& out) const;
  void finish(SchemaBranch branch);

  const SchemaParts& parts_;
  std::vector<SchemaBranch>* out_ = nullptr;
  std::size_t steps_ = 0;
};

// Whether nothing can fit both schemas, as far as a quick look tells: types, fixed values, members
// that one requires and the other forbids or fixes differently.
bool clearly_disjoint(const SchemaNode& a, const SchemaNode& b, int depth = 0);

// The mask of SchemaBranch::types for "type" as SchemaNode has it.
unsigned branch_types(unsigned types);

[[noreturn]] void undecidable(const std::string& path, const std::string& why = "");

}  // namespace orkestra::model
