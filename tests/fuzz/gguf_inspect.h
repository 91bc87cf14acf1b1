// What every hostile GGUF file goes through, by mutation or by a fuzzer.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include <orkestra/core/error.h>

namespace orkestra::tests {

// Parses the bytes, touches everything the reader hands out and, when asked, opens the whole model
// (network and tokenizer). The code of the Error that refused it, none when it was accepted; any
// other exception passes through: it is a bug.
struct InspectOptions {
  bool open_model = true;
};
std::optional<ErrorCode> inspect_gguf(std::span<const std::byte> bytes,
                                      const InspectOptions& options = {});

}  // namespace orkestra::tests
