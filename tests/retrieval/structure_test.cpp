#include <orkestra/core/html.h>
#include <orkestra/core/text.h>
#include <orkestra/retrieval/chunker.h>
#include <orkestra/retrieval/structure.h>
#include <orkestra/retrieval/terms.h>
#include <orkestra/tests/catch.h>

using namespace orkestra;
using namespace orkestra::retrieval;

namespace {

// "h1:Title p:text ...", with the bytes of every block but headings.
std::vector<std::string> outline(std::string_view bytes, const Structure& structure) {
  std::vector<std::string> out;
  for (const Block& block : structure.blocks) {
    if (block.kind == Block::Kind::kHeading) {
      out.push_back("h" + std::to_string(block.level) + ":" + block.heading);
    } else {
      out.push_back(std::string(1, "hpltc"[static_cast<int>(block.kind)]) + ":" +
                    std::string(bytes.substr(block.begin, block.end - block.begin)));
    }
  }
  return out;
}

std::vector<std::string> markdown(std::string_view bytes) {
  return outline(bytes, read_markdown(bytes));
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("headings of both kinds, with their words alone") {
  CHECK(markdown("# One #\n\nTwo\n===\ntext\n\nThree\nmore\n---\n### C#\n#no\n####### no") ==
        Lines{"h1:One", "h1:Two", "p:text", "h2:Three more", "h3:C#", "p:#no\n####### no"});
  CHECK(read_markdown("# Title\n## Other\n").title == "Title");
  CHECK(read_markdown("## Other\n# Later\n").title == "");
}

TEST_CASE("a fence hides whatever it holds, to its end or the document's") {
  CHECK(markdown("```c\n# no\n~~~\n```\nafter\n~~~\n# still\n") ==
        Lines{"c:```c\n# no\n~~~\n```", "p:after", "c:~~~\n# still"});
  CHECK(markdown("a `` ` `` b\n``` not ` a fence\n") == Lines{"p:a `` ` `` b\n``` not ` a fence"});
}

TEST_CASE("an item holds its inner lists, paragraphs and code") {
  CHECK(markdown(
            "- one\n  more\n- two\n  - inner\n\n    deep\n\n  ```\n# no\n  ```\n* three\nlazy\n\n"
            "out\n1. first\n2) second") ==
        Lines{"l:- one\n  more", "l:- two\n  - inner\n\n    deep\n\n  ```\n# no\n  ```",
              "l:* three\nlazy", "p:out", "l:1. first", "l:2) second"});
}

TEST_CASE("tables, rules, quotes and front matter") {
  CHECK(markdown("---\ntitle: x\n---\nA | B\n--|--\n1 | 2\n\n***\n> quoted\n> ---\nnext") ==
        Lines{"c:---\ntitle: x\n---", "t:A | B\n--|--\n1 | 2", "p:> quoted\n> ---\nnext"});
  CHECK(markdown("a | b\nno table") == Lines{"p:a | b\nno table"});
}

TEST_CASE("line ends of every kind, and no line at all") {
  CHECK(markdown("# A\r\ntext\r\n\r\nmore") == Lines{"h1:A", "p:text", "p:more"});
  CHECK(markdown("") == Lines{});
  CHECK(markdown("\n \n\t\n") == Lines{});
  const std::string plain = "one\ntwo\r\n\r\n  three\n";
  CHECK(outline(plain, read_plain_text(plain)) == Lines{"p:one\ntwo", "p:  three"});
}

TEST_CASE("a format is told by the name, then by the first bytes") {
  CHECK(format_of("a.MD", "") == Format::kMarkdown);
  CHECK(format_of("a.htm", "") == Format::kHtml);
  CHECK(format_of("page", "\n<!DOCTYPE html>") == Format::kHtml);
  CHECK(format_of("a.txt", "text") == Format::kText);
  for (const Format format : {Format::kText, Format::kMarkdown, Format::kHtml}) {
    CHECK(format_from_name(name_of(format)) == format);
  }
}

TEST_CASE("a chunk begins with its heading and knows the headings above") {
  const std::string bytes =
      "intro\n\n# A\n\n## B\ntext of b\n\n- item\n\n## C\ntext of c\n# D\n### E\ntext of e\n";
  const auto chunks = cut_into_chunks(bytes, read_markdown(bytes));
  REQUIRE(chunks.size() == 4);
  CHECK(chunks[0].text == "intro");
  CHECK(chunks[0].headings.empty());
  CHECK(chunks[1].text == "# A\n\n## B\ntext of b\n\n- item");
  CHECK(chunks[1].headings == Lines{"A", "B"});
  CHECK(chunks[2].headings == Lines{"A", "C"});
  CHECK(chunks[3].text == "# D\n### E\ntext of e");
  CHECK(chunks[3].headings == Lines{"D", "E"});
  for (const Chunk& chunk : chunks) {
    CHECK(chunk.verbatim);
    CHECK(bytes.substr(chunk.begin, chunk.end - chunk.begin) == chunk.text);
  }
}

TEST_CASE("a long block is cut between sentences, words or characters, and nothing is lost") {
  std::string sentences;
  for (int i = 0; i < 200; ++i) sentences += "Sentence number " + std::to_string(i) + " ends. ";
  std::string letters;
  for (int i = 0; i < 3000; ++i) letters += "\xE6\x9C\x88";  // no space anywhere
  for (const std::string& bytes : {sentences, letters, std::string(5000, '\xFF')}) {
    const auto chunks = cut_into_chunks(bytes, read_plain_text(bytes), {.target_bytes = 400});
    CHECK(chunks.size() > 5);
    std::string together;
    for (const Chunk& chunk : chunks) {
      CHECK(chunk.text.size() <= 400);
      CHECK(bytes.substr(chunk.begin, chunk.end - chunk.begin) == chunk.text);
      if (&bytes != &letters && valid_utf8(bytes)) CHECK(valid_utf8(chunk.text));
      for (const char c : chunk.text) {
        if (c != ' ') together += c;
      }
    }
    std::string expected;
    for (const char c : bytes) {
      if (c != ' ') expected += c;
    }
    CHECK(together == expected);
  }
  sentences.pop_back();
  const auto chunks = cut_into_chunks(sentences, read_plain_text(sentences), {.target_bytes = 400});
  for (const Chunk& chunk : chunks) CHECK(chunk.text.ends_with("ends."));
}

TEST_CASE("small blocks share a chunk up to its size") {
  std::string bytes;
  for (int i = 0; i < 40; ++i)
    bytes += "A paragraph of some fifty letters, number " + std::to_string(i) + ".\n\n";
  const auto chunks = cut_into_chunks(bytes, read_plain_text(bytes), {.target_bytes = 300});
  CHECK(chunks.size() > 5);
  CHECK(chunks.size() < 12);
  for (const Chunk& chunk : chunks) CHECK(chunk.text.size() <= 300);
}

TEST_CASE("a chunk of a page is a part of what the page says") {
  std::string page =
      "<title>T</title><h1>Moons &amp; <i>more</i></h1><p>Two &lt;small&gt; ones.</p>"
      "<ul><li>a<li>b<ul><li>c</ul></ul><table><tr><td>x<td>y<tr><td>1<td>2</table>"
      "<pre>code</pre><h2>End</h2><p>";
  for (int i = 0; i < 300; ++i) page += "Long &amp; winding. ";
  const auto structure = read_structure(Format::kHtml, page);
  CHECK(structure.title == "T");
  const auto chunks = cut_into_chunks(page, structure);
  const std::string text = html_to_text(read_html(page));
  REQUIRE(chunks.size() > 3);
  CHECK(chunks[0].headings == Lines{"Moons & more"});
  CHECK(chunks[1].headings == Lines{"Moons & more", "End"});
  for (const Chunk& chunk : chunks) {
    CHECK_FALSE(chunk.verbatim);
    CHECK(text.find(chunk.text) != std::string::npos);
    CHECK(chunk.end <= page.size());
    CHECK(chunk.begin < chunk.end);
  }
}

TEST_CASE("more chunks than allowed are refused") {
  std::string bytes;
  for (int i = 0; i < 50; ++i) bytes += "# h\nt\n";
  CHECK_THROWS(cut_into_chunks(bytes, read_markdown(bytes), {.max_chunks = 10}));
}

TEST_CASE("terms are folded, stemmed and free of stop words") {
  TermReader reader;
  CHECK(reader.read("The Managers' re-ordered ORDERS, don't they? O'Neil's 2nd café") ==
        Lines{"manag", "re", "order", "order", "don", "o", "neil", "2nd", "café"});
  CHECK(reader.read("\xE6\x9C\x88\xE7\x90\x83 a \xE6\x9C\x88") ==
        Lines{"\xE6\x9C\x88\xE7\x90\x83", "\xE6\x9C\x88"});
  CHECK(reader.read("").empty());
  CHECK(reader.read("\"*^:()-+ NEAR/2").size() == 2);
}
