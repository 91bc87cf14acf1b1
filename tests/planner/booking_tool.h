// A tool with a side effect that can be counted, for tests of approval and of recovery.
#pragma once

#include <orkestra/tools/tool.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace orkestra::planner {

// Books an order by adding a line to a file: doing it twice would book it twice.
class BookingTool final : public tools::Tool {
 public:
  explicit BookingTool(std::filesystem::path ledger) : ledger_(std::move(ledger)) {
    spec_.name = "book_order";
    spec_.description = "Book an order for a region.";
    spec_.parameters = {{"type", "object"},
                        {"properties", {{"region", {{"type", "string"}}}}},
                        {"required", {"region"}},
                        {"additionalProperties", false}};
    spec_.traits = {.side_effects = true, .safe_to_repeat = false};
  }
  const ToolSpec& spec() const override { return spec_; }
  ToolResult run(const ToolCall& call, const Limits&) override {
    std::ofstream(ledger_, std::ios::app) << call.id << std::endl;
    return ToolResult::success({{"booked", call.arguments.at("region")}},
                               {.kind = Origin::Kind::kTool, .locator = "book_order"});
  }

 private:
  std::filesystem::path ledger_;
  ToolSpec spec_;
};

inline std::size_t lines_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::size_t lines = 0;
  for (std::string line; std::getline(file, line);) ++lines;
  return lines;
}

}  // namespace orkestra::planner
