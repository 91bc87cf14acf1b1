// What the bytes of a file are to a reader of documents, for all who read documents: whoever takes
// them in, and whoever holds statements against them. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

namespace orkestra {

// Why the bytes are no text to be read: "a PDF file, ...", "binary"; "" when they are.
std::string why_not_text(std::string_view bytes);

// A page of HTML, by the file name's ending or by how the bytes begin.
bool is_html(std::string_view file_name, std::string_view bytes);

}  // namespace orkestra
