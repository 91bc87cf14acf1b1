#include <orkestra/core/error.h>
#include <orkestra/core/hash.h>
#include <orkestra/model/arch/architectures.h>
#include <orkestra/model/engine/loaded_model.h>

#include <string_view>
#include <utility>

namespace orkestra::model {
namespace {

constexpr std::size_t kIdHexDigits = 12;

std::string make_id(const GgufFile& file) {
  const auto header = file.header_bytes();
  const std::string_view bytes(reinterpret_cast<const char*>(header.data()), header.size());
  return std::string(file.text("general.name", "model").substr(0, 128)) + "@" +
         sha256_hex(bytes).substr(0, kIdHexDigits);
}

}  // namespace

LoadedModel::LoadedModel(std::shared_ptr<const GgufFile> file)
    : network_(build_network(std::move(file))),
      id_(make_id(*network_.file)),
      tokenizer_(make_tokenizer(*network_.file)) {
  if (tokenizer_->size() != network_.n_vocab) {
    throw Error(ErrorCode::kCorrupt, network_.file->name() + ": the tokenizer has " +
                                         std::to_string(tokenizer_->size()) +
                                         " tokens, the embedding " +
                                         std::to_string(network_.n_vocab));
  }
}

const ChatFormat& LoadedModel::chat_format() const {
  const std::lock_guard lock(mutex_);
  if (!chat_format_) {
    chat_format_ =
        ChatFormat::make(tokenizer_, std::string(file().text("tokenizer.chat_template", "")),
                         std::string(file().text("general.name", "")));
  }
  return *chat_format_;
}

const TokenTrie& LoadedModel::token_trie() const {
  const std::lock_guard lock(mutex_);
  if (!token_trie_) token_trie_ = std::make_unique<const TokenTrie>(*tokenizer_);
  return *token_trie_;
}

std::shared_ptr<const Model> Model::open(const std::filesystem::path& path) {
  return open_model(GgufFile::open(path));
}

std::shared_ptr<const Model> open_model(std::shared_ptr<const GgufFile> file) {
  return std::make_shared<const LoadedModel>(std::move(file));
}

}  // namespace orkestra::model
