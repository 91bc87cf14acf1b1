// Knowledge: the documents an agent answers from, searched by its tool and, independently, by its
// verifier. Files are taken into an index beside the journal; files that are gone leave it.
// Owns its index; any thread.
#pragma once

#include <orkestra/core/limits.h>
#include <orkestra/core/tool_types.h>
#include <orkestra/tools/tool.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::agent {

class Knowledge {
 public:
  // Brings the index of `documents` (files, folders) up to date: unchanged files cost a look.
  // `beside`: the journal; the index is named after it and the folders. Throws Error.
  Knowledge(const std::vector<std::filesystem::path>& documents,
            const std::filesystem::path& beside);
  ~Knowledge();

  std::unique_ptr<tools::Tool> search_tool() const;
  // The passages that speak most of `text`, for checking what was said against what was not cited.
  std::vector<ResultPart> search(std::string_view text, const Limits& limits);

 private:
  struct Index;
  std::unique_ptr<Index> index_;
};

}  // namespace orkestra::agent
