// LatentSemantics: an Embedder without weights to download. Texts that share no word are alike when
// the store's own texts use their words together: log-entropy weighted terms, projected on the
// directions in which the store's chunks vary most (Deerwester et al. 1990).
// Fitted once, then immutable but for the words it remembers; one thread at a time.
#pragma once

#include <orkestra/retrieval/embedder.h>
#include <orkestra/retrieval/subspace.h>
#include <orkestra/retrieval/terms.h>

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

namespace orkestra::retrieval {

// Gathers the texts to fit on, as counts of terms.
class TermCounts {
 public:
  void add(std::string_view text);
  std::size_t texts() const { return texts_.size(); }

 private:
  friend class LatentSemantics;
  struct Count {
    std::uint32_t term;
    std::uint32_t times;
  };
  TermReader reader_;
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::vector<std::vector<Count>> texts_;
};

class LatentSemantics final : public Embedder {
 public:
  static constexpr std::string_view kVersion = "latent-semantics/1";

  // The most frequent terms are kept when there are more than `max_terms`.
  static std::unique_ptr<LatentSemantics> fit(const TermCounts& counts,
                                              const SubspaceOptions& options = {},
                                              std::stop_token stop = {},
                                              std::size_t max_terms = 60'000);
  // Everything that was fitted, as bytes of this machine's byte order; and back. Throws
  // Error{kCorrupt} for bytes that serialise() did not make.
  std::string serialise() const;
  static std::unique_ptr<LatentSemantics> deserialise(std::string_view bytes);

  std::string id() const override { return std::string(kVersion); }
  std::size_t dimension() const override { return space_.dimension; }
  std::vector<float> embed_documents(std::span<const std::string_view> texts) override;
  std::vector<float> embed_query(std::string_view text) override;

 private:
  void embed(std::string_view text, float* row);

  TermReader reader_;
  std::vector<std::string> terms_;
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::vector<float> weights_;  // [terms]
  Subspace space_;              // of [terms] columns
};

}  // namespace orkestra::retrieval
