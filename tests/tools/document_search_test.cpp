#include <orkestra/core/error.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/retrieval/store_folder.h>
#include <orkestra/tools/document_search.h>

#include <thread>

using namespace orkestra;

namespace {

tools::ToolRegistry registry_of(const StoreFolder& folder,
                                const retrieval::AddOptions& options = {}) {
  retrieval::Store store = retrieval::Store::create(folder.store);
  store.add(folder.documents, options);
  tools::ToolRegistry registry;
  registry.add(tools::make_document_search_tool(std::move(store)));
  return registry;
}

ToolResult search(const tools::ToolRegistry& registry, const Json& arguments,
                  const Limits& limits = Limits::within(std::chrono::seconds(20))) {
  return registry.call({.id = "1", .name = "search_documents", .arguments = arguments}, limits);
}

}  // namespace

TEST_CASE("each passage is a part of its own, verbatim at its bytes") {
  const StoreFolder folder;
  folder.write("mars.md", "# Mars\n\n## Moons\n\nPhobos and Deimos circle it.\n\n## Ice\n\nDry.\n");
  folder.write("page.html", "<title>Venus</title><p>Clouds of <b>acid</b>.</p>");
  const auto registry = registry_of(folder);
  const ToolSpec& spec = *registry.find("search_documents");
  CHECK(spec.traits.reads_private);
  CHECK_FALSE(spec.traits.reads_untrusted);
  CHECK_FALSE(spec.traits.side_effects);

  const ToolResult result = search(registry, {{"query", "moons Phobos"}, {"k", 2}});
  REQUIRE(result.ok);
  REQUIRE(!result.parts.empty());
  CHECK(result.value.size() == result.parts.size());
  const ResultPart& part = result.parts[0];
  CHECK(part.origin.kind == Origin::Kind::kDocument);
  CHECK(part.description == "Mars: Mars > Moons");
  const std::string bytes = bytes_of(part.origin.locator);
  const auto begin = part.origin.detail.at("begin").get<std::size_t>();
  const auto end = part.origin.detail.at("end").get<std::size_t>();
  CHECK(bytes.substr(begin, end - begin) == part.text);
  CHECK(result.value[0].at("text") == part.text);
  CHECK(result.value[0].at("heading") == "Mars > Moons");
  CHECK(result.value[0].at("document") == part.origin.locator);
  CHECK(result.label == Label{Integrity::kTrusted, Confidentiality::kPrivate});

  const ToolResult page = search(registry, {{"query", "acid clouds"}, {"k", 1}});
  REQUIRE(page.parts.size() == 1);
  CHECK(page.parts[0].text == "Clouds of acid.");
  CHECK(page.parts[0].origin.detail.at("rendered_from") == "html");
}

TEST_CASE("nothing found is an empty list, and bad arguments are told") {
  const StoreFolder folder;
  folder.write("a.txt", "words");
  const auto registry = registry_of(folder);
  const ToolResult none = search(registry, {{"query", "zebra"}});
  CHECK(none.ok);
  CHECK(none.value == Json::array());
  CHECK(none.parts.empty());
  CHECK_FALSE(search(registry, {{"query", ""}}).ok);
  CHECK_FALSE(search(registry, {{"query", "words"}, {"k", 1000}}).ok);
  CHECK_FALSE(search(registry, {{"k", 1}}).ok);
}

TEST_CASE("an untrusted document taints what it is found in, and only that") {
  const StoreFolder folder;
  folder.write("web.txt", "imported words about comets");
  const auto registry = registry_of(folder, {.label = {.integrity = Integrity::kUntrusted}});
  CHECK(registry.find("search_documents")->traits.reads_untrusted);
  const ToolResult result = search(registry, {{"query", "comets"}});
  CHECK(result.label.integrity == Integrity::kUntrusted);
  CHECK(result.parts.at(0).label.integrity == Integrity::kUntrusted);
}

TEST_CASE("a result keeps within its bytes and says that there was more") {
  const StoreFolder folder;
  for (int i = 0; i < 10; ++i) {
    folder.write(std::to_string(i) + ".txt",
                 "comet " + std::string(900, static_cast<char>('a' + i)));
  }
  const auto registry = registry_of(folder);
  Limits limits = Limits::within(std::chrono::seconds(20));
  limits.max_output_bytes = 4000;
  const ToolResult result = search(registry, {{"query", "comet"}, {"k", 10}}, limits);
  REQUIRE(result.ok);
  CHECK(result.truncated);
  CHECK(result.parts.size() >= 2);
  CHECK(result.parts.size() < 5);
  CHECK(result.parts.size() == result.value.size());
}

TEST_CASE("calls from many threads take turns") {
  const StoreFolder folder;
  for (int i = 0; i < 20; ++i)
    folder.write(std::to_string(i) + ".txt", "comet number" + std::to_string(i));
  const auto registry = registry_of(folder);
  std::vector<ToolResult> results(8);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < results.size(); ++t) {
      threads.emplace_back([&, t] {
        results[t] = search(registry, {{"query", "comet number" + std::to_string(t)}, {"k", 1}});
      });
    }
  }
  for (std::size_t t = 0; t < results.size(); ++t) {
    REQUIRE(results[t].parts.size() == 1);
    CHECK(results[t].parts[0].text == "comet number" + std::to_string(t));
  }
}
