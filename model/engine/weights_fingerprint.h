// The name of a model's weights, by content: what saved states are bound to. Reads all weights once
// (as fast as memory gives them) and keeps none of them in memory.
#pragma once

#include <orkestra/model/format/gguf.h>

#include <string>

namespace orkestra::model {

// SHA-256 over the file's head and a checksum of each tensor's data, as 64 hexadecimal digits.
// n_threads: 0 = the processor's cores.
std::string weights_fingerprint(const GgufFile& file, int n_threads = 0);

}  // namespace orkestra::model
