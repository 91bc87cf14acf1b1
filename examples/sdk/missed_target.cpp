// A task of several steps: figures from a database, a rule from a handbook, and a requirement the
// answer must meet. The bundled model is too small to plan it, so a scripted one stands in for a
// larger: its replies are fixed, while tools, sources and checks are real.
//   missed_target [FOLDER OF EXAMPLES] [MODEL]
#include <orkestra/agent/agent.h>

#include <iostream>

int main(int argc, char** argv) try {
  const std::filesystem::path examples = argc > 1 ? argv[1] : "examples";
  const std::string model =
      argc > 2 ? argv[2] : "script:" + (examples / "missed_target.jsonl").string();

  orkestra::agent::Agent agent({.model = model,
                                .databases = {examples / "sales/sales.db"},
                                .queries = {examples / "sales/reports.sql"},
                                .documents = {examples / "handbook"},
                                .requirements = {"mention: recovery plan", "cite"},
                                .store = "missed_target.db"});
  const orkestra::Json report = agent.run(
      "Which region missed its target in Q3 by the most, by how much, and what must then happen "
      "according to the handbook?");
  std::cout << report.dump(2) << "\n";
  return report["status"] == "verified" ? 0 : 3;
} catch (const orkestra::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
