// ScriptedModel: a fixed list of replies and scores, for tests and examples. It says so:
// capabilities().kind is "scripted". Replies are held against the request's constraint, so a
// script can't say what a real model could not have written.
//
// Script file (JSON Lines), one reply per generate request, in order:
//   {"text": "..."}                              free text (may use the Hermes tool-call style)
//   {"call": {"name": "...", "arguments": {...}}}
//   {"score": [-0.1, -2.3]}                      one per score request, in their own order
// Empty lines are skipped. Arguments of a call are put into the tool's declared order. Usage is 0.
// "expect": "substring" in a line fails the run when the last user or tool turn lacks it.
#pragma once

#include <orkestra/model/language_model.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace orkestra::model {

// Throws Error{kInvalid} naming the line. A request beyond the script's end fails with kExhausted,
// a reply the constraint forbids with kInvalid. A resumed run begins at `first_reply`, the number
// of replies its journal holds.
std::unique_ptr<LanguageModel> make_scripted_model(std::string_view script, std::string name,
                                                   std::size_t first_reply = 0);
std::unique_ptr<LanguageModel> open_scripted_model(const std::filesystem::path& path,
                                                   std::size_t first_reply = 0);

}  // namespace orkestra::model
