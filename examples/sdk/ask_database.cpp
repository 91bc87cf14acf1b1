// Asks the bundled model about a database and prints the answer with the quotes it rests on:
//   ask_database [FOLDER OF EXAMPLES] [QUESTION]
#include <orkestra/agent/agent.h>

#include <iostream>

int main(int argc, char** argv) try {
  const std::filesystem::path examples = argc > 1 ? argv[1] : "examples";
  const std::string question = argc > 2 ? argv[2] : "What is the balance of the customer Honrit?";

  orkestra::agent::Agent agent({.model = "nano",
                                .databases = {examples / "sales/sales.db"},
                                .queries = {examples / "sales/queries.sql"},
                                .store = "ask_database.db"});
  const orkestra::Json report = agent.run(question);

  std::cout << report["status"] << ": " << report["answer"].get<std::string>() << "\n";
  for (const auto& claim : report["claims"]) {
    for (const auto& evidence : claim["evidence"]) {
      std::cout << "  because " << evidence["quote"] << " in " << evidence["origin"]["locator"]
                << "\n";
    }
  }
  return report["status"] == "verified" ? 0 : 3;
} catch (const orkestra::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
