#include <orkestra/core/error.h>
#include <orkestra/core/html.h>
#include <orkestra/tests/catch.h>

using namespace orkestra;
using Kind = HtmlBlock::Kind;

namespace {

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string kinds(const HtmlDocument& document) {
  std::string out;
  for (const auto& block : document.blocks) out += "hplrc"[static_cast<int>(block.kind)];
  return out;
}

}  // namespace

TEST_CASE("a page becomes blocks in reading order, at their places in the bytes") {
  const std::string page =
      "<!doctype html><html><head><title> Two\n moons </title><style>p{}</style></head><body>\n"
      "<h1>Mars</h1><p>Phobos &amp; <b>Deimos</b>\n orbit.</p><ul><li>One<ul><li>Inner</ul>"
      "<li>Two</ul><pre>\n  int x;\n  y</pre><script>alert('no')</script>tail</body></html>";
  const HtmlDocument document = read_html(page);
  CHECK(document.title == "Two moons");
  REQUIRE(kinds(document) == "hplllcp");
  CHECK(document.blocks[0].level == 1);
  CHECK(document.blocks[1].text == "Phobos & Deimos orbit.");
  const HtmlBlock& paragraph = document.blocks[1];
  CHECK(page.substr(paragraph.begin, paragraph.end - paragraph.begin) ==
        "Phobos &amp; <b>Deimos</b>\n orbit.");
  CHECK(document.blocks[2].level == 1);
  CHECK(document.blocks[3].text == "Inner");
  CHECK(document.blocks[3].level == 2);
  CHECK(document.blocks[5].text == "  int x;\n  y");
  CHECK(document.blocks[6].text == "tail");
  CHECK(html_to_text(document) ==
        "# Mars\n\nPhobos & Deimos orbit.\n\n- One\n  - Inner\n- Two\n\n```\n  int x;\n  y\n```\n\n"
        "tail\n");
}

TEST_CASE("rows of a table keep their cells apart, empty ones too") {
  const HtmlDocument document = read_html(
      "<table><tr><th>Name<th>Size<th>Note</tr><tr><td><p>a</p><p>b</p></td><td></td><td>c</td>"
      "</tr><tr><td></td><td>x</td><td></td></tr></table>after");
  REQUIRE(kinds(document) == "rrrp");
  CHECK(document.blocks[0].text == "Name | Size | Note");
  CHECK(document.blocks[1].text == "a b |  | c");
  CHECK(document.blocks[2].text == " | x | ");
}

TEST_CASE("a page laid out with tables still has paragraphs and headings") {
  const HtmlDocument document =
      read_html("<table><tr><td>menu<td><h2>Title</h2><p>One</p><p>Two</p><ul><li>x</ul></table>");
  CHECK(kinds(document) == "rhrl");
  CHECK(document.blocks[1].text == "Title");
}

TEST_CASE("hidden elements, scripts and templates are left out") {
  const HtmlDocument document = read_html(
      "<p>seen<span hidden>1</span><span style='color:red; Display : None'>2</span>"
      "<span aria-hidden=TRUE>3</span><template>4</template><svg><text>5</text></svg>"
      "<script>6</script><noscript>7</noscript></p><!-- 8 --><p style='x'>also</p>");
  CHECK(html_to_text(document) == "seen7\n\nalso\n");
}

TEST_CASE("links are listed with their text") {
  const HtmlDocument document = read_html(
      "<p>See <a href='/a?x=1&amp;y=2'>the <b>first</b>\n page</a> or <a href=b>b</a>.<a>no</a>");
  REQUIRE(document.links.size() == 2);
  CHECK(document.links[0].text == "the first page");
  CHECK(document.links[0].href == "/a?x=1&y=2");
  CHECK(document.links[1].href == "b");
  CHECK(document.blocks[0].text == "See the first page or b.no");
}

TEST_CASE("letters outside ASCII survive, other bytes are replaced") {
  const HtmlDocument document = read_html("<p>Måne \xE2\x80\xA6 \xC3\x85 </p><p>\xFF!</p>");
  REQUIRE(document.blocks.size() == 2);
  CHECK(document.blocks[0].text == "Måne \xE2\x80\xA6 \xC3\x85");
  CHECK(document.blocks[1].text == "\xEF\xBF\xBD!");
}

TEST_CASE("no bytes are no blocks, and plain text is a paragraph") {
  CHECK(read_html("").blocks.empty());
  CHECK(html_to_text(read_html("")) == "");
  CHECK(html_to_text(read_html("just text")) == "just text\n");
  CHECK(html_to_text(read_html("<p>a<br>b")) == "a\nb\n");
  CHECK(kinds(read_html("<p>a<p>&nbsp;&#x2003;<p>b")) == "pp");
}

TEST_CASE("tags nested without end keep their text and cost little") {
  for (const char* tag : {"<div>", "<b id=x>", "<table><tr><td>", "<ul><li>", "<a><div>"}) {
    INFO(tag);
    const HtmlDocument document = read_html(repeated(tag, 60'000) + "deep</div>er");
    std::string text;
    for (const auto& block : document.blocks) text += block.text;
    CHECK(text.find("deep") != std::string::npos);
    CHECK(text.find("er") != std::string::npos);
  }
}

TEST_CASE("removing deep tags moves no offset and closes no other tag") {
  const std::string page =
      "<div>" + repeated("<i>", 40) + "in" + repeated("</i>", 40) + "<p>out</p></div>";
  const HtmlDocument document = read_html(page, {.max_depth = 8});
  REQUIRE(document.blocks.size() == 2);
  CHECK(document.blocks[1].text == "out");
  CHECK(page.substr(document.blocks[1].begin, 3) == "out");
}

TEST_CASE("a script full of comparisons does not count as nesting") {
  const HtmlDocument document =
      read_html("<script>" + repeated("if(a<b&&c<d){}", 2000) + "</script><ul><li><p>kept</ul>");
  REQUIRE(kinds(document) == "l");
}

TEST_CASE("a page is refused when it is too large or made to be costly, and cut when too long") {
  const auto code_of = [](const std::string& page, const HtmlLimits& limits) {
    try {
      read_html(page, limits);
    } catch (const Error& e) {
      return e.code();
    }
    FAIL("was read");
    return ErrorCode::kInternal;
  };
  CHECK(code_of("<p>12345678", {.max_bytes = 10}) == ErrorCode::kExhausted);
  // Unclosed formatting elements that differ are opened again in every paragraph.
  std::string page;
  for (int i = 0; i < 250; ++i) page += "<b id=" + std::to_string(i) + ">";
  page += repeated("<p>x", 200'000);
  CHECK(code_of(page, {}) == ErrorCode::kExhausted);

  const HtmlDocument cut = read_html(repeated("<p>a", 100), {.max_blocks = 7});
  CHECK(cut.blocks.size() == 7);
  CHECK(cut.truncated);
}
