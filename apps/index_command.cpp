#include <orkestra/apps/index_command.h>
#include <orkestra/apps/interrupt.h>
#include <orkestra/apps/progress_line.h>
#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/retrieval/store.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::apps {
namespace {

using retrieval::Passage;
using retrieval::Store;

constexpr std::size_t kShownSkipped = 20;
constexpr std::size_t kShownText = 300;

struct IndexFlags {
  std::filesystem::path store;
  std::vector<std::filesystem::path> paths;
  std::string query;
  std::size_t count = 10;
  std::filesystem::path queries;
  std::string trec;
  bool untrusted = false;
  bool json = false;
};

void print(const Json& value) {
  std::cout << value.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

Json to_json(const std::vector<retrieval::SkippedFile>& skipped) {
  Json out = Json::array();
  for (const auto& each : skipped) out.push_back({{"path", each.path}, {"reason", each.reason}});
  return out;
}

void add(const IndexFlags& flags) {
  const Interrupt interrupt;
  Store store = Store::create(flags.store);
  retrieval::AddReport all;
  for (const auto& path : flags.paths) {
    ProgressLine line("reading");
    retrieval::AddOptions options;
    options.stop = interrupt.token();
    if (flags.untrusted) options.label.integrity = Integrity::kUntrusted;
    options.progress = [&](std::size_t done, std::size_t total, const std::string&) {
      line.at(done, total);
    };
    retrieval::AddReport report = store.add(path, options);
    all.added.insert(all.added.end(), report.added.begin(), report.added.end());
    all.replaced.insert(all.replaced.end(), report.replaced.begin(), report.replaced.end());
    all.skipped.insert(all.skipped.end(), report.skipped.begin(), report.skipped.end());
    all.unchanged += report.unchanged;
  }
  {
    ProgressLine line("indexing");
    Limits limits;
    limits.stop = interrupt.token();
    store.refresh(limits, [&](std::size_t done, std::size_t total) { line.at(done, total); });
  }
  if (flags.json) {
    print({{"added", all.added},
           {"replaced", all.replaced},
           {"unchanged", all.unchanged},
           {"skipped", to_json(all.skipped)}});
    return;
  }
  std::cout << all.added.size() << " added, " << all.replaced.size() << " replaced, "
            << all.unchanged << " unchanged, " << all.skipped.size() << " skipped\n";
  for (std::size_t i = 0; i < std::min(all.skipped.size(), kShownSkipped); ++i) {
    std::cout << "  skipped " << all.skipped[i].path << ": " << all.skipped[i].reason << "\n";
  }
  if (all.skipped.size() > kShownSkipped) {
    std::cout << "  and " << all.skipped.size() - kShownSkipped << " more; see --json\n";
  }
}

Json passage_json(const Passage& passage) {
  return {{"document", passage.document}, {"title", passage.title},
          {"headings", passage.headings}, {"begin", passage.begin},
          {"end", passage.end},           {"text", passage.text},
          {"verbatim", passage.verbatim}, {"label", orkestra::to_json(passage.label)},
          {"score", passage.score},       {"lexical", passage.lexical},
          {"semantic", passage.semantic}};
}

// As one line, cut at a character's edge.
std::string excerpt(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || (c >= '\t' && c <= '\r');
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? ' ' : c;
  }
  if (out.size() <= kShownText) return out;
  std::size_t end = kShownText;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0U) == 0x80U) --end;
  return out.substr(0, end) + "...";
}

void search_one(const IndexFlags& flags) {
  const Interrupt interrupt;
  Limits limits;
  limits.stop = interrupt.token();
  const auto passages = Store::open(flags.store).search(flags.query, flags.count, limits);
  if (flags.json) {
    Json out = Json::array();
    for (const Passage& passage : passages) out.push_back(passage_json(passage));
    print(out);
    return;
  }
  if (passages.empty()) std::cout << "nothing found\n";
  for (std::size_t i = 0; i < passages.size(); ++i) {
    const Passage& passage = passages[i];
    std::printf("%zu. %s, bytes %zu-%zu (%.3f)\n", i + 1, passage.document.c_str(), passage.begin,
                passage.end, passage.score);
    std::string headings;
    for (const std::string& heading : passage.headings) {
      headings += (headings.empty() ? "" : " > ") + heading;
    }
    if (!headings.empty()) std::printf("   %s\n", headings.c_str());
    std::printf("   %s\n", excerpt(passage.text).c_str());
  }
}

// The columns of a TREC run are set apart by white space, so a path has none.
std::string trec_name(const std::string& path) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    if (c == '%' || c == ' ' || (c >= '\t' && c <= '\r')) {
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4U];
      out += kDigits[static_cast<unsigned char>(c) & 15U];
    } else {
      out += c;
    }
  }
  return out;
}

// One line per document: "QUERY Q0 DOCUMENT RANK SCORE TAG", by its best passage.
void search_many(const IndexFlags& flags) {
  const Interrupt interrupt;
  Limits limits;
  limits.stop = interrupt.token();
  if (flags.trec.empty() || flags.trec != trec_name(flags.trec)) {
    throw Error(ErrorCode::kInvalid, "--queries needs --trec TAG, a name without spaces");
  }
  std::ifstream in(flags.queries);
  if (!in) {
    throw Error(ErrorCode::kNotFound, flags.queries.string() + ": the queries can't be read");
  }
  Store store = Store::open(flags.store);
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    const std::size_t tab = line.find('\t');
    if (tab == std::string::npos || tab == 0) {
      throw Error(ErrorCode::kInvalid, flags.queries.string() + ":" + std::to_string(number) +
                                           ": a line is an id, a tab and the query");
    }
    const std::string id = trec_name(line.substr(0, tab));
    std::set<std::string> seen;
    // A document may have many passages among the best.
    for (const Passage& passage :
         store.search(std::string_view(line).substr(tab + 1), flags.count * 8, limits)) {
      if (seen.size() == flags.count) break;
      if (!seen.insert(passage.document).second) continue;
      std::printf("%s Q0 %s %zu %.6f %s\n", id.c_str(), trec_name(passage.document).c_str(),
                  seen.size(), passage.score, flags.trec.c_str());
    }
  }
}

void search(const IndexFlags& flags) {
  if (flags.queries.empty() == flags.query.empty()) {
    throw Error(ErrorCode::kInvalid, "give either a query or --queries FILE");
  }
  if (flags.queries.empty()) {
    search_one(flags);
  } else {
    search_many(flags);
  }
}

void list(const IndexFlags& flags) {
  Json out = Json::array();
  for (const auto& document : Store::open(flags.store).list()) {
    if (!flags.json) {
      std::printf("%s  %zu chunks, %llu bytes, %s\n", document.path.c_str(), document.chunks,
                  static_cast<unsigned long long>(document.size),
                  std::string(retrieval::name_of(document.format)).c_str());
      continue;
    }
    out.push_back({{"path", document.path},
                   {"title", document.title},
                   {"format", retrieval::name_of(document.format)},
                   {"bytes", document.size},
                   {"chunks", document.chunks},
                   {"sha256", document.hash},
                   {"label", orkestra::to_json(document.label)}});
  }
  if (flags.json) print(out);
}

void remove(const IndexFlags& flags) {
  Store store = Store::open(flags.store);
  std::size_t removed = 0;
  for (const auto& path : flags.paths) removed += store.remove(path);
  if (flags.json) {
    print({{"removed", removed}});
  } else {
    std::cout << removed << " removed\n";
  }
}

void stats(const IndexFlags& flags) {
  const retrieval::StoreStats stats = Store::open(flags.store).stats();
  const Json out{{"documents", stats.documents},
                 {"chunks", stats.chunks},
                 {"document_bytes", stats.document_bytes},
                 {"store_bytes", stats.store_bytes},
                 {"vectors", stats.vectors},
                 {"embedder", stats.embedder},
                 {"dimension", stats.dimension}};
  if (flags.json) {
    print(out);
    return;
  }
  for (const auto& [name, value] : out.items()) {
    std::cout << name << ": " << (value.is_string() ? value.get<std::string>() : value.dump())
              << "\n";
  }
}

int check(const IndexFlags& flags) {
  const retrieval::CheckReport report = Store::open(flags.store).check();
  if (flags.json) {
    Json findings = Json::array();
    for (const auto& each : report.findings) {
      findings.push_back({{"damage", each.damage}, {"subject", each.subject}, {"what", each.what}});
    }
    print({{"intact", report.intact()}, {"findings", findings}});
  } else {
    for (const auto& each : report.findings) {
      std::cout << (each.damage ? "damage: " : "note: ") << each.subject << ": " << each.what
                << "\n";
    }
    std::cout << (report.intact() ? "the store is intact\n" : "the store is damaged\n");
  }
  return report.intact() ? 0 : 1;
}

}  // namespace

void add_index_command(CLI::App& app, int& exit_status) {
  auto flags = std::make_shared<IndexFlags>();
  CLI::App* index = app.add_subcommand("index", "Take documents into a store and search them");
  index->require_subcommand(1);
  const auto command = [&](const char* name, const char* what) {
    CLI::App* sub = index->add_subcommand(name, what);
    sub->add_option("--store", flags->store, "The store's file")->required()->type_name("FILE");
    sub->add_flag("--json", flags->json, "Print the result as JSON");
    return sub;
  };

  CLI::App* adding = command("add", "Take in files and folders; unchanged ones cost nothing");
  adding->add_option("PATH", flags->paths, "Text, Markdown, HTML, or folders of them")->required();
  adding->add_flag("--untrusted", flags->untrusted,
                   "The documents come from strangers: what they say steers no action");
  adding->callback([flags] { add(*flags); });

  CLI::App* searching = command("search", "The passages that fit a question best");
  searching->add_option("QUERY", flags->query, "What to look for; any text");
  searching->add_option("-k,--count", flags->count, "How many")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  searching->add_option("--queries", flags->queries, "A file of lines: id, tab, query")
      ->type_name("TSV");
  searching->add_option("--trec", flags->trec, "Print a TREC run under this name")
      ->type_name("TAG");
  searching->callback([flags] { search(*flags); });

  CLI::App* listing = command("list", "The documents of a store");
  listing->callback([flags] { list(*flags); });

  CLI::App* removing = command("remove", "Take documents out of a store");
  removing->add_option("PATH", flags->paths, "A document, or a folder with all below it")
      ->required();
  removing->callback([flags] { remove(*flags); });

  CLI::App* counting = command("stats", "How much a store holds");
  counting->callback([flags] { stats(*flags); });

  CLI::App* checking = command("check", "Hold a store against itself and the files on disk");
  checking->callback([flags, &exit_status] { exit_status = check(*flags); });
}

}  // namespace orkestra::apps
