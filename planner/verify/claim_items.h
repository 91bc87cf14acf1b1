// The words of a claim, read against one record of fields: which are values, which are names of
// fields, which the record's context explains, and which nothing accounts for. Pure, any thread.
#pragma once

#include <orkestra/core/words.h>
#include <orkestra/planner/verify/verifier.h>

#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace orkestra::planner {

// A record with its names and values taken apart once.
struct ReadRecord {
  struct Field {
    std::vector<Word> value;
    std::set<std::string> head;   // words that name it: "unit_price" -> price
    std::set<std::string> extra;  // words that may stand with them: unit, id, usd
    Record::Field::Role role = Record::Field::Role::kStated;
    std::string name;
    std::string written;   // the value as it stands in the record
    bool generic = false;  // its name says nothing: "value", "result", "count"
  };
  std::vector<Field> fields;
  std::vector<Word> context;
  std::set<std::string> context_words;  // singular
};
ReadRecord read_record(const Record& record);

struct Item {
  enum class Kind {
    kValue,    // the whole value of `fields`
    kName,     // names `fields`
    kContext,  // a word of the record's context
    kUnknown,  // accounted for by nothing
    kCopula,   // is, are, equals, :
    kHave,
    kPreposition,
    kPossessive,  // 's
    kJoin,        // and , ;
    kNegation,
    kPronoun,
  };
  Kind kind = Kind::kUnknown;
  std::vector<Word> words;
  std::vector<std::size_t> fields;  // ascending
  bool figure = false;              // a number, date or code

  // Set while values are bound to names.
  bool used = false;                 // kName, kContext: has found its value
  std::ptrdiff_t bound = -1;         // kValue, kUnknown: the field it is said to be
  bool at(std::size_t field) const;  // whether `fields` holds it
};
std::vector<Item> read_claim(const std::vector<Word>& claim, const ReadRecord& record);

}  // namespace orkestra::planner
