#include <orkestra/tools/document_search.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

namespace orkestra::tools {
namespace {

constexpr std::size_t kPassages = 5;
constexpr std::size_t kMostPassages = 20;

std::string headings_of(const retrieval::Passage& passage) {
  std::string out;
  for (const std::string& heading : passage.headings) {
    out.append(out.empty() ? "" : " > ").append(heading);
  }
  return out;
}

class DocumentSearchTool final : public Tool {
 public:
  explicit DocumentSearchTool(retrieval::Store store) : store_(std::move(store)) {
    const auto documents = store_.list();
    spec_.name = "search_documents";
    // Says nothing of how many there are: a run goes on when a document was added.
    spec_.description = "Search the documents for the passages that fit a question best.";
    spec_.parameters =
        Json{{"type", "object"},
             {"properties",
              {{"query",
                {{"type", "string"},
                 {"minLength", 1},
                 {"maxLength", 2000},
                 {"x-span", "(?s).+"},  // the whole of it: what is left out is not found
                 {"description", "What to look for, in words the documents may use."}}},
               {"k",
                {{"type", "integer"},
                 {"minimum", 1},
                 {"maximum", kMostPassages},
                 {"description",
                  "How many passages; " + std::to_string(kPassages) + " when left out."}}}}},
             {"required", Json::array({"query"})},
             {"additionalProperties", false}};
    spec_.traits.reads_private = true;
    spec_.traits.reads_untrusted =
        std::any_of(documents.begin(), documents.end(), [](const retrieval::DocumentInfo& each) {
          return each.label.integrity == Integrity::kUntrusted;
        });
  }

  const ToolSpec& spec() const override { return spec_; }

  ToolResult run(const ToolCall& call, const Limits& limits) override {
    const auto query = call.arguments.at("query").get<std::string>();
    const auto count = call.arguments.value("k", kPassages);
    std::vector<retrieval::Passage> passages;
    {
      const std::unique_lock turn(mutex_, limits.deadline);
      if (!turn.owns_lock()) {
        return ToolResult::failure(ErrorCode::kDeadline,
                                   "the documents are being searched by others; try again");
      }
      passages = store_.search(query, count, limits);
    }
    ToolResult result =
        ToolResult::success(Json::array(), {.kind = Origin::Kind::kTool,
                                            .locator = spec_.name,
                                            .detail = {{"arguments", call.arguments}}});
    result.label = {Integrity::kTrusted, Confidentiality::kPublic};
    std::size_t bytes = 2;
    for (const retrieval::Passage& passage : passages) {
      Json shown{{"document", passage.document},
                 {"heading", headings_of(passage)},
                 {"text", passage.text},
                 {"score", std::round(passage.score * 1000) / 1000}};
      bytes += dump_json(shown).size() + 1;
      if (bytes > limits.max_output_bytes && !result.parts.empty()) {
        result.truncated = true;
        break;
      }
      result.value.push_back(std::move(shown));
      result.parts.push_back(passage_part(passage));
      result.label = join(result.label, passage.label);
    }
    if (result.parts.empty()) result.label = {Integrity::kTrusted, Confidentiality::kPrivate};
    return result;
  }

 private:
  ToolSpec spec_;
  std::timed_mutex mutex_;
  retrieval::Store store_;
};

}  // namespace

ResultPart passage_part(const retrieval::Passage& passage) {
  std::string description = passage.title;
  const std::string headings = headings_of(passage);
  if (!headings.empty() && headings != description) description += ": " + headings;
  Json detail{{"begin", passage.begin}, {"end", passage.end}};
  if (!passage.verbatim) detail["rendered_from"] = "html";
  return {.text = passage.text,
          .description = std::move(description),
          .origin = {.kind = Origin::Kind::kDocument,
                     .locator = passage.document,
                     .detail = std::move(detail)},
          .label = passage.label};
}

std::unique_ptr<Tool> make_document_search_tool(retrieval::Store store) {
  return std::make_unique<DocumentSearchTool>(std::move(store));
}

}  // namespace orkestra::tools
