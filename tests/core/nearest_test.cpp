#include <orkestra/core/nearest.h>
#include <orkestra/tests/catch.h>

using namespace orkestra;

TEST_CASE("edit distance counts inserts, deletes, replacements and swaps, case aside") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("North", "north") == 0);
  CHECK(edit_distance("Nort", "North") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("reigon", "region") == 1);
  CHECK(edit_distance(std::string(1000, 'a'), std::string(1000, 'b')) == 64);
}

TEST_CASE("nearest names come nearest first, and none when nothing is near") {
  const std::vector<std::string> names = {"get_price", "get_balance", "get_balances", "find"};
  CHECK(nearest("get_balnce", names) == std::vector<std::string>{"get_balance", "get_balances"});
  CHECK(nearest("get_balance", names, 1) == std::vector<std::string>{"get_balance"});
  CHECK(nearest("balance", names) == std::vector<std::string>{"get_balance", "get_balances"});
  CHECK(nearest("weather", names).empty());
  CHECK(nearest("", names).empty());
  CHECK(nearest("x", {}).empty());
}
