// A vocabulary as GGUF metadata: what text/vocabulary.h reads back.
#pragma once

#include <orkestra/model/format/gguf_writer.h>
#include <orkestra/model/text/tokenizer/vocabulary.h>

namespace orkestra::model {

// Sets tokenizer.ggml.*.
void set_vocabulary(GgufWriter& writer, const Vocabulary& vocabulary);

}  // namespace orkestra::model
