// The house rules a source file must keep: which folders it may include, which third parties it
// may open the door to, how long it may be, how a header begins. Plain functions over text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace orkestra::layering {

struct SourceFile {
  std::string path;  // relative to the root: "core/error.h"
  std::string text;
};

// One line per broken rule: "core/x.cpp:3: core may not include model (model/y.h)".
std::vector<std::string> check_file(const SourceFile& file);

// Rings of layers, by what their files include: "model -> tools -> model". Layers that no rule
// orders (examples, tests, bench) are left out.
std::vector<std::string> check_cycles(const std::vector<SourceFile>& files);

// The file named by an #include of `line`, without its brackets; "" when it has none.
std::string_view included_file(std::string_view line);

}  // namespace orkestra::layering
