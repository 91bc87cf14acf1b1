// Claims held against the sentences of a document.
#include <orkestra/tests/catch.h>
#include <orkestra/tests/planner/verify_fixtures.h>

#include <string>
#include <vector>

namespace orkestra::planner {
namespace {

using testing::only;
using testing::ScratchFolder;
using testing::verify_against_text;

constexpr auto kSupported = VerdictKind::kSupported;
constexpr auto kContradicted = VerdictKind::kContradicted;
constexpr auto kNotFound = VerdictKind::kNotFound;

constexpr const char* kText = R"(# Staff

Anna manages Ben. The head of the Lisbon office is Carla Mendes.
Employees receive 25 vacation days per year. Interns do not receive a bonus.
The budget of the Porto office rose by 1.2 million euros in 2023, which surprised everybody there.
Only managers may approve expenses above 500 euros.
Travel must be booked before 15 March 2024 if it is paid in advance.
The canteen, which seats 80 people, opens at 9 am, and it closes at 5 pm.
Requests need a form and a signature.
Is the archive open to visitors?

## Faro office

The office opens at 8:30. The office has 12 desks and no parking.

- Printers are replaced every 4 years.
)";

TEST_CASE("a claim must say what a sentence says") {
  const ScratchFolder folder;
  const auto file = folder.file("staff.md", kText);
  const std::vector<std::pair<const char*, VerdictKind>> rows{
      {"Anna manages Ben.", kSupported},
      {"The head of the Lisbon office is Carla Mendes.", kSupported},
      {"Employees receive 25 vacation days per year.", kSupported},
      {"Employees receive twenty-five vacation days per year.", kSupported},
      {"Interns don't receive a bonus.", kSupported},
      {"The budget of the Porto office rose by €1,200,000 in 2023.", kSupported},
      {"Only managers may approve expenses above €500.", kSupported},
      {"Travel must be booked before March 15, 2024 if it is paid in advance.", kSupported},
      {"The canteen opens at 9:00.", kSupported},
      {"The canteen, which seats 80 people, opens at 9:00, and it closes at 17:00.", kSupported},
      {"Requests need a form and a signature.", kSupported},
      {"The Faro office opens at 8:30 am.", kSupported},
      {"Printers are replaced every 4 years.", kSupported},
      {"Anna manages Ben, and interns do not receive a bonus.", kNotFound},
      {"Anna manages Ben and printers are replaced every 4 years.", kSupported},

      {"Ben manages Anna.", kNotFound},
      {"Anna managed Ben.", kNotFound},
      {"Anna does not manage Ben.", kContradicted},
      {"Anna's manager is Ben.", kNotFound},
      {"The head of the Lisbon office is Bruno Costa.", kContradicted},
      {"The head of the Porto office is Carla Mendes.", kNotFound},
      {"Employees receive 26 vacation days per year.", kContradicted},
      {"Employees receive 25 vacation weeks per year.", kContradicted},
      {"Employees receive 25 vacation days per month.", kContradicted},
      {"Employees receive 25 vacation days.", kNotFound},
      {"Employees receive at least 25 vacation days per year.", kNotFound},
      {"Some employees receive 25 vacation days per year.", kNotFound},
      {"Interns receive a bonus.", kContradicted},
      {"Employees do not receive 25 vacation days per year.", kContradicted},
      {"The budget of the Porto office fell by 1.2 million euros in 2023.", kContradicted},
      {"The budget of the Porto office rose by 1.2 billion euros in 2023.", kContradicted},
      {"The budget of the Porto office rose by 1.2 million dollars in 2023.", kContradicted},
      {"The budget of the Porto office rose by 1.2 million euros in 2022.", kContradicted},
      {"The budget of the Porto office rose to 1.2 million euros in 2023.", kNotFound},
      {"Managers may approve expenses above 500 euros.", kNotFound},
      {"All managers may approve expenses above 500 euros.", kContradicted},
      {"Only managers must approve expenses above 500 euros.", kContradicted},
      {"Only managers may approve expenses below 500 euros.", kContradicted},
      {"Travel must be booked before 15 March 2024.", kNotFound},
      {"Travel must be booked after 15 March 2024 if it is paid in advance.", kContradicted},
      {"Travel must be booked before 15 May 2024 if it is paid in advance.", kContradicted},
      {"The canteen opens at 9 pm.", kNotFound},
      {"Requests need a form.", kNotFound},
      {"The archive is open to visitors.", kNotFound},
      {"The Lisbon office opens at 8:30.", kNotFound},
      {"Printers are replaced every 4 years or sooner.", kNotFound},
      {"Faro office", kNotFound},
  };
  for (const auto& [answer, verdict] : rows) {
    const auto checked = only(verify_against_text(answer, file));
    INFO(answer << "\n  " << checked.verdict.reason);
    CHECK(name(checked.verdict.kind) == name(verdict));
  }
}

TEST_CASE("a verdict's quote stands in the file, byte for byte") {
  const ScratchFolder folder;
  const std::string text = "Größe: siehe unten.\n\nThe fee is\n4.50 euros. More follows.\n";
  const auto file = folder.file("fees.txt", text);
  const auto checked = only(verify_against_text("The fee is 4.5 euros.", file));
  REQUIRE(checked.verdict.kind == kSupported);
  const Evidence& evidence = checked.verdict.evidence.at(0);
  const auto begin = evidence.origin.detail.at("begin").get<std::size_t>();
  const auto end = evidence.origin.detail.at("end").get<std::size_t>();
  CHECK(text.substr(begin, end - begin) == evidence.quote);
  CHECK(evidence.hash == sha256_hex(evidence.quote));
  CHECK(evidence.origin.locator == file.string());
}

TEST_CASE("document evidence counts only where its quote is found") {
  const ScratchFolder folder;
  const auto file = folder.file("a.txt", "The fee is 5 euros. The fine is 9 euros.");
  Evidence evidence;
  evidence.id = "1";
  evidence.quote = "The fee is 5 euros.";
  evidence.hash = sha256_hex(evidence.quote);
  evidence.origin = {Origin::Kind::kDocument, file.string(), {{"begin", 0}, {"end", 19}}};
  CHECK(only(testing::verify_with("The fee is 5 euros [1].", {evidence})).verdict.kind ==
        kSupported);
  CHECK(only(testing::verify_with("The fine is 9 euros [1].", {evidence})).verdict.kind ==
        kNotFound);

  folder.file("a.txt", "Some words before. The fee is 5 euros. The fine is 9 euros.");
  const auto moved = only(testing::verify_with("The fee is 5 euros [1].", {evidence}));
  CHECK(moved.verdict.kind == kSupported);
  CHECK(moved.verdict.evidence.at(0).origin.detail.at("begin") == 19);

  folder.file("a.txt", "The fee is 6 euros. The fine is 9 euros.");
  const auto gone = only(testing::verify_with("The fee is 5 euros [1].", {evidence}));
  CHECK(gone.verdict.kind == kNotFound);
  CHECK(gone.verdict.reason.find("is not in") != std::string::npos);
  CHECK(gone.verdict.evidence.empty());
}

TEST_CASE("an HTML page counts as what it says, and its quote is evidence that is found again") {
  const ScratchFolder folder;
  const auto file = folder.file("zoo.html",
                                "<html><body><h1>Zoo</h1><script>lions eat code</script>"
                                "<p>The zebra eats <b>grass</b> &amp; hay.</p></body></html>");
  const auto checked = only(verify_against_text("The zebra eats grass & hay.", file));
  REQUIRE(checked.verdict.kind == kSupported);
  CHECK(only(verify_against_text("Lions eat code.", file)).verdict.kind == kNotFound);
  Evidence evidence = checked.verdict.evidence.at(0);
  evidence.id = "1";
  CHECK(only(testing::verify_with("The zebra eats grass & hay [1].", {evidence})).verdict.kind ==
        kSupported);
}

TEST_CASE("a document that can't be read is an error that names it") {
  CHECK_THROWS_WITH(make_document_source("/nowhere/a.txt"),
                    "/nowhere/a.txt: there is no such file to verify against");
  const ScratchFolder folder;
  const auto pdf = folder.file("a.pdf", "%PDF-1.4 The fee is 5 euros.");
  CHECK_THROWS_WITH(make_document_source(pdf),
                    pdf.string() + ": a PDF file, which can't be read yet");
  const auto binary = folder.file("a.bin", std::string("The fee is 5 euros.\0", 20));
  CHECK_THROWS_WITH(make_document_source(binary), pdf.parent_path().string() + "/a.bin: binary");
}

}  // namespace
}  // namespace orkestra::planner
