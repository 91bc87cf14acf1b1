// Blind edits: a word left out, doubled, put in from elsewhere or exchanged with its neighbour,
// and two sentences spliced. Nothing an edit makes may be supported unless it still says a thing
// the source says: only words without meaning of their own may come and go.
#include <orkestra/core/text.h>
#include <orkestra/core/words.h>
#include <orkestra/planner/verify/lexicon.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/planner/verify_fixtures.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace orkestra::planner {
namespace {

using Texts = std::vector<std::string>;

Texts split(const std::string& text) {
  std::istringstream in(text);
  Texts out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

std::string joined(const Texts& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

// What a text says, without the words that say nothing.
Texts gist(const std::string& text) {
  Texts out;
  for (const auto& word : words_only(text)) {
    if (word.kind != Word::Kind::kWord || !lexicon::glue(word.key))
      out.push_back(singular(word.key));
  }
  return out;
}

Texts handbook() {
  std::ifstream in(std::string(ORKESTRA_SOURCE_DIR) + "/tests/planner/data/handbook.md");
  Texts out;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line[0] != '#') out.push_back(line);
  }
  return out;
}

TEST_CASE("blind edits of a handbook's sentences are not supported") {
  std::mt19937 random(5);
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(
      make_document_source(std::string(ORKESTRA_SOURCE_DIR) + "/tests/planner/data/handbook.md"));
  const Texts sentences = handbook();
  std::set<Texts> true_gists;
  for (const auto& sentence : sentences) true_gists.insert(gist(sentence));
  // What is left of the sentences with an addition when it is left out.
  true_gists.insert(gist("Leave is approved by Marta Leal."));
  true_gists.insert(gist("The Porto building has 6 floors."));
  std::size_t edits = 0;
  for (const auto& sentence : sentences) {
    const Texts plain = split(sentence);
    Texts edited;
    const auto hold = [&] {
      for (const auto& checked : verify(joined(edited), sources, Limits{})) {
        if (true_gists.contains(gist(checked.claim.text))) continue;
        ++edits;
        INFO(checked.claim.text << "\n  " << checked.verdict.reason);
        CHECK(checked.verdict.kind != VerdictKind::kSupported);
      }
    };
    for (std::size_t i = 0; i < plain.size(); ++i) {
      edited = plain;
      edited.erase(edited.begin() + static_cast<std::ptrdiff_t>(i));
      if (!edited.empty()) hold();
      edited = plain;
      edited.insert(edited.begin() + static_cast<std::ptrdiff_t>(i),
                    plain[random() % plain.size()]);
      hold();
      const Texts other = split(sentences[random() % sentences.size()]);
      edited = plain;
      edited.insert(edited.begin() + static_cast<std::ptrdiff_t>(i),
                    other[random() % other.size()]);
      hold();
      edited = plain;
      edited[i] = other[random() % other.size()];
      hold();
      if (i + 1 < plain.size()) {
        edited = plain;
        std::swap(edited[i], edited[i + 1]);
        hold();
      }
      edited.assign(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(i));
      edited.insert(edited.end(),
                    other.begin() + static_cast<std::ptrdiff_t>(random() % other.size()),
                    other.end());
      hold();
    }
  }
  CHECK(edits > 2000);
}

TEST_CASE("of all pairings of a record's names and values only the right ones are supported") {
  const std::vector<std::pair<std::string, std::string>> fields{
      {"director", "Ben Moss"}, {"deputy", "Carl Low"}, {"capacity", "120"}, {"stock", "80"}};
  const std::vector<Evidence> evidence{testing::tool_evidence(
      "1", {{"warehouse", "Anton Vik"}},
      {{"director", "Ben Moss"}, {"deputy", "Carl Low"}, {"capacity", 120}, {"stock", 80}},
      "Get director, deputy, capacity and stock of one warehouse.")};
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(make_evidence_source(evidence, nullptr));
  const Texts names{"director", "deputy", "capacity", "stock", "warehouse", "owner"};
  const Texts values{"Ben Moss", "Carl Low", "120", "80", "Anton Vik", "Dora Fay", "121"};
  const Texts forms{
      "The {n} of the warehouse {e} is {v}",
      "The {n} of {e} is {v}",
      "{e}'s {n} is {v}",
      "{v} is the {n} of {e}",
      "{e} has the {n} {v}",
      "The warehouse {e} has {v} as {n}",
      "For {e} the {n} is {v}",
      "{e} has {v} {n}",
      "The {n} for the warehouse {e} is {v}",
      "The {n} {v} is of {e}",
      "{e} is the {n} of {v}",
      "{n} of {e}: {v}",
      "The {n} of the {n} {e} is {v}",
      "The {n} of {v} is {e}",
      "There is a {n} of {v} for {e}",
      "The warehouse {v} has the {n} {e}",
      "{e} and {v} are {n}",
      "The {n} is {v} and {e}",
      "The {n} of the warehouse {e} is the {n} {v}",
  };
  std::size_t supported = 0;
  for (const auto& form : forms) {
    for (const auto& field : names) {
      for (const auto& entity : values) {
        for (const auto& value : values) {
          std::string text = form;
          for (const auto& [hole, by] :
               {std::pair{std::string("{n}"), field}, {"{e}", entity}, {"{v}", value}}) {
            for (std::size_t at = text.find(hole); at != std::string::npos; at = text.find(hole))
              text.replace(at, hole.size(), by);
          }
          // Right, whichever hole holds the warehouse.
          const bool right = std::any_of(fields.begin(), fields.end(), [&](const auto& pair) {
            return pair.first == field && ((entity == "Anton Vik" && value == pair.second) ||
                                           (value == "Anton Vik" && entity == pair.second));
          });
          const auto checked = verify(text + " [1].", sources, Limits{});
          const bool held = checked.at(0).verdict.kind == VerdictKind::kSupported;
          supported += held;
          INFO(text << "\n  " << checked.at(0).verdict.reason);
          CHECK((right || !held));
        }
      }
    }
  }
  CHECK(supported > 30);
}

}  // namespace
}  // namespace orkestra::planner
