// consumer SCRIPT STORE: a tool of its own, a scripted model, and the report's status on stdout.
#include <orkestra/agent/agent.h>
#include <orkestra/tools/function_tool.h>

#include <iostream>
#include <string>

int main(int, char** argv) {
  orkestra::agent::Agent agent({.model = std::string("script:") + argv[1], .store = argv[2]});
  agent.add_tool(
      orkestra::tools::function_tool({.name = "add", .description = "Add two whole numbers."},
                                     {{.name = "a"}, {.name = "b"}}, [](int a, int b) {
                                       return orkestra::Json{{"sum", a + b}};
                                     }));
  const orkestra::Json report = agent.run("What is the sum of 19 and 23?");
  std::cout << report.at("status").get<std::string>() << ": "
            << report.at("answer").get<std::string>() << "\n";
  return report.at("status") == "verified" ? 0 : 1;
}
