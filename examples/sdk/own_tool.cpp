// A tool of one's own: a function whose typed parameters become the schema the model is held to.
//   own_tool [QUESTION]
#include <orkestra/agent/agent.h>
#include <orkestra/tools/function_tool.h>

#include <iostream>
#include <map>

using orkestra::Json;

int main(int argc, char** argv) try {
  const std::string question = argc > 1 ? argv[1] : "What is the status of the order K-417?";
  const std::map<std::string, std::string> parcels{{"K-416", "delivered"}, {"K-417", "sent"}};

  orkestra::agent::Agent agent({.store = "own_tool.db"});
  agent.add_tool(orkestra::tools::function_tool(
      {.name = "get_status",
       .description = "Get the status of an order.",
       .answer_form = "The status of the order {order} is {status}."},
      {{.name = "order", .copied = true}}, [&parcels](const std::string& order) {
        const auto found = parcels.find(order);
        if (found == parcels.end()) {
          throw orkestra::Error(orkestra::ErrorCode::kNotFound, "there is no order " + order);
        }
        return Json{{"status", found->second}};
      }));

  const Json report = agent.run(
      question, [](const auto& event, const auto&) { std::cout << "  " << event.kind << "\n"; });
  std::cout << report["status"] << ": " << report["answer"].get<std::string>() << "\n";
  return report["status"] == "verified" ? 0 : 3;
} catch (const orkestra::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
