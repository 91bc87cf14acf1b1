#include <orkestra/agent/knowledge.h>
#include <orkestra/core/error.h>
#include <orkestra/core/hash.h>
#include <orkestra/retrieval/store.h>
#include <orkestra/tools/document_search.h>

#include <mutex>
#include <system_error>
#include <utility>

namespace orkestra::agent {
namespace {

constexpr std::size_t kPassagesPerClaim = 5;

// One index per set of folders, so that each search sees its own documents and no others.
std::filesystem::path index_file(const std::vector<std::filesystem::path>& documents,
                                 const std::filesystem::path& beside) {
  std::string names;
  for (const auto& path : documents) {
    std::error_code ignored;
    names += std::filesystem::weakly_canonical(path, ignored).string() + '\n';
  }
  return beside.string() + ".documents-" + sha256_hex(names).substr(0, 12);
}

}  // namespace

struct Knowledge::Index {
  std::filesystem::path file;
  std::mutex mutex;
  retrieval::Store store;

  Index(std::filesystem::path at, retrieval::Store opened)
      : file(std::move(at)), store(std::move(opened)) {}
};

Knowledge::Knowledge(const std::vector<std::filesystem::path>& documents,
                     const std::filesystem::path& beside) {
  const std::filesystem::path file = index_file(documents, beside);
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path());
  retrieval::Store store = retrieval::Store::create(file);
  for (const auto& path : documents) store.add(path);
  for (const retrieval::DocumentInfo& document : store.list()) {
    std::error_code unreadable;
    const bool there = std::filesystem::exists(document.path, unreadable);
    if (!there && !unreadable) store.remove(document.path);
  }
  store.refresh();
  index_ = std::make_unique<Index>(file, std::move(store));
}

Knowledge::~Knowledge() = default;

std::unique_ptr<tools::Tool> Knowledge::search_tool() const {
  return tools::make_document_search_tool(retrieval::Store::open(index_->file));
}

std::vector<ResultPart> Knowledge::search(std::string_view text, const Limits& limits) {
  const std::lock_guard turn(index_->mutex);
  std::vector<ResultPart> parts;
  for (const auto& passage : index_->store.search(text, kPassagesPerClaim, limits)) {
    parts.push_back(tools::passage_part(passage));
  }
  return parts;
}

}  // namespace orkestra::agent
