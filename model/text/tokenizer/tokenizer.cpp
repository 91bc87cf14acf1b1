#include <orkestra/core/error.h>
#include <orkestra/model/text/tokenizer/tokenizer.h>
#include <orkestra/model/text/tokenizer/vocabulary.h>

#include <utility>

namespace orkestra::model {

TokenId Tokenizer::find(std::string_view wanted) const {
  for (TokenId id = 0; id < size(); ++id) {
    if (piece(id) == wanted) return id;
  }
  return -1;
}

std::string Tokenizer::decode(const std::vector<TokenId>& ids) const {
  std::string text;
  for (const TokenId id : ids) {
    if (id >= 0 && id < size()) text += bytes(id);
  }
  return text;
}

std::string Tokenizer::decode_whole(const std::vector<TokenId>& ids) const {
  std::string text = decode(ids);
  if (adds_space_ && text.starts_with(' ')) text.erase(0, 1);
  return text;
}

std::shared_ptr<const Tokenizer> make_tokenizer(const GgufFile& file) {
  Vocabulary vocabulary = read_vocabulary(file);
  try {
    return make_tokenizer(std::move(vocabulary));
  } catch (const Error& e) {
    throw Error(e.code(), file.name() + ": " + e.message());
  }
}

}  // namespace orkestra::model
