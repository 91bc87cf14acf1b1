// LoadedModel: the one implementation of Model: a file, its network, tokenizer and chat format.
// Immutable and shared. What only text needs (chat format, token trie) is made at first use, so a
// file whose template can't be read still has logits.
#pragma once

#include <orkestra/model/arch/network.h>
#include <orkestra/model/model.h>
#include <orkestra/model/text/constraint/constraint_automaton.h>

#include <memory>
#include <mutex>
#include <string>

namespace orkestra::model {

class LoadedModel final : public Model {
 public:
  explicit LoadedModel(std::shared_ptr<const GgufFile> file);

  const std::string& id() const override { return id_; }
  const GgufFile& file() const override { return *network_.file; }
  const Tokenizer& tokenizer() const override { return *tokenizer_; }
  // Throws Error{kInvalid, kUnsupported} when the file's chat template can't be used.
  const ChatFormat& chat_format() const override;
  std::int64_t context_length() const override { return network_.context_length; }
  std::int64_t vocabulary_size() const override { return network_.n_vocab; }

  const Network& network() const { return network_; }
  const TokenTrie& token_trie() const;

 private:
  Network network_;
  std::string id_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const ChatFormat> chat_format_;
  mutable std::unique_ptr<const TokenTrie> token_trie_;
};

}  // namespace orkestra::model
