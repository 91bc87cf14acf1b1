// The benchmark of the verifier: right answers must be supported, answers with one thing changed
// must not. Answers come from templates and a seeded generator; half of the templates and half of
// the handbook's sentences are held out, and no rule was ever adjusted to them.
#include <orkestra/model/model.h>
#include <orkestra/planner/model_outlines.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/planner/verify_fixtures.h>
#include <orkestra/tests/planner/verify_mutations.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace orkestra::planner {
namespace {

using namespace testing;

struct Tally {
  std::size_t originals = 0;
  std::size_t supported = 0;
  std::map<std::string, std::pair<std::size_t, std::size_t>> mutants;  // kind -> (all, caught)
  std::vector<std::string> missed;

  std::size_t all() const {
    std::size_t n = 0;
    for (const auto& [kind, counts] : mutants) n += counts.first;
    return n;
  }
  std::size_t caught() const {
    std::size_t n = 0;
    for (const auto& [kind, counts] : mutants) n += counts.second;
    return n;
  }
};

std::string table(const std::string& title, const Tally& tally) {
  char line[160];
  std::snprintf(line, sizeof line, "%s: %zu/%zu originals supported, %zu/%zu mutants caught\n",
                title.c_str(), tally.supported, tally.originals, tally.caught(), tally.all());
  std::string out = line;
  for (const auto& [kind, counts] : tally.mutants) {
    std::snprintf(line, sizeof line, "    %-18s %4zu of %4zu\n", kind.c_str(), counts.second,
                  counts.first);
    out += line;
  }
  for (const auto& text : tally.missed) out += "    " + text + "\n";
  return out;
}

using Sources = std::vector<std::unique_ptr<Source>>;

bool is_supported(const std::string& answer, const Sources& sources, OutlineReader* outlines) {
  const auto claims = verify(answer, sources, Limits{}, {}, outlines);
  return !claims.empty() && std::all_of(claims.begin(), claims.end(), [](const auto& checked) {
    return checked.verdict.kind == VerdictKind::kSupported;
  });
}

void weigh(const std::string& original, const std::vector<Mutant>& mutants, const Sources& sources,
           Tally& tally, OutlineReader* outlines = nullptr) {
  ++tally.originals;
  if (is_supported(original, sources, outlines)) {
    ++tally.supported;
  } else {
    tally.missed.push_back("not supported: " + original);
  }
  for (const auto& mutant : mutants) {
    auto& [all, caught] = tally.mutants[mutant.kind];
    ++all;
    if (!is_supported(mutant.text, sources, outlines)) {
      ++caught;
    } else {
      tally.missed.push_back("let through (" + mutant.kind + "): " + mutant.text);
    }
  }
}

void require_quality(const std::string& title, const Tally& tally) {
  WARN(table(title, tally));
  CHECK(tally.supported * 100 >= tally.originals * 95);
  CHECK(tally.caught() * 100 >= tally.all() * 97);
}

// --- records: a small world of rows ---------------------------------------------------------

struct Thing {
  std::string type;  // "customer"
  std::string name;
  std::vector<std::pair<std::string, Json>> fields;
};

class World {
 public:
  explicit World(Random& random) : random_(random) {
    for (int i = 0; i < 8; ++i) {
      add({"customer",
           person(),
           {{"balance", cents()}, {"city", place()}, {"limit", whole(9000)}}});
      add({"device",
           word() + " " + word(),
           {{"price", cents()}, {"weight", cents()}, {"stock", whole(900)}}});
      add({"warehouse",
           word(),
           {{"director", person()}, {"capacity", whole(5000)}, {"opening", date()}}});
      add({"order", code(), {{"deadline", date()}, {"quantity", whole(80)}, {"buyer", person()}}});
    }
  }
  const std::vector<Thing>& things() const { return things_; }
  const std::vector<std::string>& names() const { return names_; }

  std::vector<Evidence> evidence() const {
    std::vector<Evidence> out;
    for (std::size_t i = 0; i < things_.size(); ++i) {
      const Thing& thing = things_[i];
      Json value = Json::object();
      std::string fields;
      for (const auto& [field, content] : thing.fields) {
        value[field] = content;
        fields += (fields.empty() ? "" : ", ") + field;
      }
      out.push_back(tool_evidence(std::to_string(i + 1), {{thing.type, thing.name}}, value,
                                  "Get " + fields + " of one " + thing.type + ".",
                                  "get_" + thing.type));
    }
    return out;
  }

  std::string sql() const {
    std::string out;
    std::set<std::string> made;
    for (const Thing& thing : things_) {
      std::string columns = "name text primary key";
      std::string values = "'" + thing.name + "'";
      for (const auto& [field, content] : thing.fields) {
        columns += ", \"" + field + "\"";
        values += content.is_string() ? ", '" + content.get<std::string>() + "'"
                                      : ", " + dump_json(content);
      }
      if (made.insert(thing.type).second)
        out += "create table \"" + thing.type + "s\" (" + columns + ");\n";
      out += "insert into \"" + thing.type + "s\" values (" + values + ");\n";
    }
    return out;
  }

 private:
  void add(Thing thing) {
    names_.push_back(thing.name);
    for (const auto& [field, content] : thing.fields) {
      const bool name = content.is_string() && field != "deadline" && field != "opening";
      if (name) names_.push_back(content.get<std::string>());
    }
    things_.push_back(std::move(thing));
  }
  std::string word() {
    static constexpr const char* kStarts[] = {"Br", "K", "Tr", "M",  "Pl",
                                              "V",  "Z", "Dr", "Qu", "S"};
    static constexpr const char* kMiddles[] = {"an",  "ol",  "ir", "ume", "ax",
                                               "ost", "elt", "oo", "ard"};
    static constexpr const char* kEnds[] = {"dor",  "vik", "mesh", "ton",
                                            "quar", "lin", "bern", "zel"};
    return std::string(kStarts[pick(random_, 10)]) + kMiddles[pick(random_, 9)] +
           kEnds[pick(random_, 8)];
  }
  std::string person() { return word() + " " + word(); }
  std::string place() { return word() + "burg"; }
  std::string code() {
    std::string out;
    out += static_cast<char>('A' + pick(random_, 26));
    out += static_cast<char>('A' + pick(random_, 26));
    return out + "-" + std::to_string(1000 + pick(random_, 9000));
  }
  Json whole(std::size_t most) { return 11 + pick(random_, most); }
  Json cents() {
    const auto value = static_cast<double>(101 + pick(random_, 900000)) / 100.0;
    return pick(random_, 5) == 0 ? -value : value;
  }
  Json date() {
    char text[32];
    std::snprintf(text, sizeof text, "20%02zu-%02zu-%02zu", 20 + pick(random_, 9),
                  1 + pick(random_, 12), 1 + pick(random_, 28));
    return std::string(text);
  }

  Random& random_;
  std::vector<Thing> things_;
  std::vector<std::string> names_;
};

std::string filled(std::string form, const Thing& thing, std::size_t first, std::size_t second) {
  const auto text = [](const Json& value) {
    return value.is_string() ? value.get<std::string>() : dump_json(value);
  };
  const std::vector<std::pair<std::string, std::string>> holes{
      {"{type}", thing.type},
      {"{name}", thing.name},
      {"{f}", thing.fields[first].first},
      {"{v}", text(thing.fields[first].second)},
      {"{g}", thing.fields[second].first},
      {"{w}", text(thing.fields[second].second)}};
  for (const auto& [hole, by] : holes) {
    for (std::size_t at = form.find(hole); at != std::string::npos;
         at = form.find(hole, at + by.size()))
      form.replace(at, hole.size(), by);
  }
  form[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(form[0])));
  return form;
}

// The rules were never adjusted to the odd ones.
const std::vector<std::string> kForms{
    "The {f} of the {type} {name} is {v}",
    "The {type} {name} has the {f} {v}",
    "The {f} of {name} is {v}",
    "For the {type} {name}, the {f} is {v}",
    "{name}'s {f} is {v}",
    "The {f} is {v} for the {type} {name}",
    "{v} is the {f} of the {type} {name}",
    "The {f} and the {g} of the {type} {name} are {v} and {w}",
    "The {f} of the {type} {name} is {v} and the {g} is {w}",
    "The {type} called {name} has the {f} {v} and the {g} {w}",
    "{type} {name}: the {f} is {v}",
    "The {type} {name} has a {f} of {v}",
    "The {name} {type} has the {f} {v}",
    "The {f} for {name} is {v}",
};

void run_records(bool cited, std::size_t parity, const std::string& title) {
  Random random(static_cast<Random::result_type>(20240 + parity));
  const World world(random);
  const ScratchFolder folder;
  Sources sources;
  if (cited) {
    sources.push_back(make_evidence_source(world.evidence(), nullptr));
  } else {
    sources.push_back(make_database_source(folder.database("world.db", world.sql())));
  }
  Tally tally;
  for (std::size_t i = 0; i < world.things().size(); ++i) {
    const Thing& thing = world.things()[i];
    for (std::size_t f = 0; f < thing.fields.size(); ++f) {
      std::size_t form = 2 * pick(random, kForms.size() / 2) + parity;
      const bool of_figure = kForms[form].find(" of {v}") != std::string::npos;
      if (of_figure && !thing.fields[f].second.is_number()) form = parity;
      const std::string plain = filled(kForms[form], thing, f, (f + 1) % thing.fields.size());
      auto mutants = mutants_of(plain, world.names(), random);
      const std::string cite = cited ? " [" + std::to_string(i + 1) + "]." : ".";
      for (auto& mutant : mutants) mutant.text += cite;
      if (cited) {
        const std::size_t other = (i + 4) % world.things().size();  // of the same type
        mutants.push_back({"citation moved", plain + " [" + std::to_string(other + 1) + "]."});
      }
      weigh(plain + cite, mutants, sources, tally);
    }
  }
  CHECK(tally.originals >= 60);
  CHECK(tally.all() >= 300);
  require_quality(title, tally);
}

TEST_CASE("mutants of answers over tool results lose their support") {
  run_records(true, 0, "tool results, known forms");
  run_records(true, 1, "tool results, held-out forms");
}

TEST_CASE("mutants of answers over a database lose their support") {
  run_records(false, 0, "database, known forms");
  run_records(false, 1, "database, held-out forms");
}

// --- the handbook -----------------------------------------------------------------------------

const std::vector<std::string> kHandbookNames{
    "Helena Prado", "Marta Leal", "Tomas Riedl", "Iris Novak", "Joana Brito",
    "Pavel Zeman",  "Ana Lopes",  "Corvane",     "Lisbon",     "Porto"};

std::vector<std::string> handbook_sentences() {
  std::ifstream in(std::string(ORKESTRA_SOURCE_DIR) + "/tests/planner/data/handbook.md");
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line[0] != '#') out.push_back(line);
  }
  return out;
}

// The same statement in another dress.
std::string redressed(const std::string& sentence, std::size_t how) {
  using Pair = std::pair<const char*, const char*>;
  static const std::vector<std::vector<Pair>> kDresses{
      {},
      {{"2,500 euros", "€2500"},
       {"18,400 euros", "€18,400.00"},
       {"percent", "per cent"},
       {"1.2 million euros", "1,200,000 EUR"},
       {"38.5", "38.50"},
       {"140 euros", "EUR 140"},
       {"hours per", "hours per"},
       {"0.30", "0.3"}},
      {{"12 January 2024", "January 12, 2024"},
       {"31 March 2025", "2025-03-31"},
       {"30 June 2024", "June 30th, 2024"},
       {"4 October 2023", "4th October 2023"},
       {"10:00", "10 am"},
       {"15:00", "3 p.m."},
       {"22:00", "10 pm"}},
      {{"do not", "don't"},
       {"is not", "isn't"},
       {"16 weeks", "sixteen weeks"},
       {"25 days", "twenty-five days"},
       {"3 people", "three people"},
       {"6 floors", "six floors"},
       {", who leads the people team", ""},
       {", and it holds 420 people", ""}},
  };
  std::string out = sentence;
  for (const auto& [from, to] : kDresses[how % kDresses.size()]) {
    const std::size_t at = out.find(from);
    if (at != std::string::npos) out.replace(at, std::string(from).size(), to);
  }
  return out;
}

void run_handbook(std::size_t parity, const std::string& title, OutlineReader* outlines = nullptr) {
  Random random(static_cast<Random::result_type>(77 + parity));
  Sources sources;
  sources.push_back(
      make_document_source(std::string(ORKESTRA_SOURCE_DIR) + "/tests/planner/data/handbook.md"));
  const auto sentences = handbook_sentences();
  REQUIRE(sentences.size() >= 40);
  Tally tally;
  for (std::size_t i = parity; i < sentences.size(); i += 2) {
    for (std::size_t how = 0; how < 4; ++how) {
      const std::string answer = redressed(sentences[i], how);
      if (how > 0 && answer == sentences[i]) continue;
      weigh(answer, mutants_of(answer, kHandbookNames, random), sources, tally, outlines);
    }
  }
  require_quality(title, tally);
}

TEST_CASE("mutants of answers over a handbook lose their support") {
  run_handbook(0, "handbook, known half");
  run_handbook(1, "handbook, held-out half");
}

TEST_CASE("mutants lose their support where the bundled model reads sentences, too") {
  const auto nano = model::make_embedded_model(
      model::Model::open(std::string(ORKESTRA_SOURCE_DIR) + "/model/nano/nano.gguf"));
  ModelOutlines outlines(*nano);
  REQUIRE(ModelOutlines::reads(nano->capabilities()));
  run_handbook(0, "handbook, known half, outlines", &outlines);
  run_handbook(1, "handbook, held-out half, outlines", &outlines);
}

}  // namespace
}  // namespace orkestra::planner
