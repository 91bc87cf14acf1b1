// One metadata value of a GGUF file: its type, then its bytes. Arrays of arrays are refused
// (kUnsupported); everything is held against the bytes left before it is allocated.
#pragma once

#include <orkestra/model/format/byte_reader.h>
#include <orkestra/model/format/gguf.h>

namespace orkestra::model {

GgufValue read_gguf_value(ByteReader& in);

}  // namespace orkestra::model
