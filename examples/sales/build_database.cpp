// Builds a SQLite database from a file of SQL: build_database sales.sql sales.db
#include <orkestra/core/database.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: build_database FROM.sql TO.db\n");
    return 2;
  }
  try {
    std::ifstream in(argv[1], std::ios::binary);
    const std::string sql(std::istreambuf_iterator<char>(in), {});
    if (!in || sql.empty()) {
      throw orkestra::Error(orkestra::ErrorCode::kNotFound,
                            std::string(argv[1]) + ": can not be read");
    }
    std::filesystem::remove(argv[2]);
    orkestra::Database database = orkestra::Database::open(argv[2]);
    database.execute("PRAGMA page_size=1024");
    database.transaction([&] { database.execute(sql); });
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
