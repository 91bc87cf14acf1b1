// The tool "search_documents"(query, k): passages of a document store, each citable by itself. It
// holds the store's connection; calls from several threads take turns.
#pragma once

#include <orkestra/retrieval/store.h>
#include <orkestra/tools/tool.h>

#include <memory>

namespace orkestra::tools {

// The result's value is a list of {document, heading, text, score}, best first. Its parts are the
// same passages as document origins: locator the path, detail {"begin", "end"} in bytes, the text
// verbatim at those bytes. Of an HTML page it is what html_to_text() (core/html.h) says the page
// says; such a part's detail also has {"rendered_from": "html"}.
// The result is trusted and public only as far as every passage in it is.
ResultPart passage_part(const retrieval::Passage& passage);
std::unique_ptr<Tool> make_document_search_tool(retrieval::Store store);

}  // namespace orkestra::tools
