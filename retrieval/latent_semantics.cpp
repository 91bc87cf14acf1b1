#include <orkestra/core/error.h>
#include <orkestra/retrieval/byte_fields.h>
#include <orkestra/retrieval/latent_semantics.h>
#include <orkestra/retrieval/vectors.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace orkestra::retrieval {
namespace {

float local_weight(std::uint32_t times) { return std::log1p(static_cast<float>(times)); }

}  // namespace

void TermCounts::add(std::string_view text) {
  std::map<std::uint32_t, std::uint32_t> times;
  for (std::string& term : reader_.read(text)) {
    const auto id = static_cast<std::uint32_t>(ids_.size());
    ++times[ids_.emplace(std::move(term), id).first->second];
  }
  std::vector<Count>& row = texts_.emplace_back();
  row.reserve(times.size());
  for (const auto& [term, n] : times) row.push_back({term, n});
}

std::unique_ptr<LatentSemantics> LatentSemantics::fit(const TermCounts& counts,
                                                      const SubspaceOptions& options,
                                                      std::stop_token stop, std::size_t max_terms) {
  struct Use {
    std::uint32_t texts = 0;
    double times = 0;
    double times_log = 0;  // sum over texts of times * log(times)
  };
  std::vector<Use> uses(counts.ids_.size());
  for (const auto& text : counts.texts_) {
    for (const auto& [term, times] : text) {
      ++uses[term].texts;
      uses[term].times += times;
      uses[term].times_log += times * std::log(static_cast<double>(times));
    }
  }
  std::vector<const std::string*> names(counts.ids_.size());
  for (const auto& [name, id] : counts.ids_) names[id] = &name;

  // Ids in alphabetical order: nothing depends on the order of a hash table.
  std::vector<std::uint32_t> kept(names.size());
  std::iota(kept.begin(), kept.end(), 0U);
  if (kept.size() > max_terms) {
    std::nth_element(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(max_terms),
                     kept.end(), [&](std::uint32_t a, std::uint32_t b) {
                       return uses[a].texts != uses[b].texts ? uses[a].texts > uses[b].texts
                                                             : *names[a] < *names[b];
                     });
    kept.resize(max_terms);
  }
  std::sort(kept.begin(), kept.end(),
            [&](std::uint32_t a, std::uint32_t b) { return *names[a] < *names[b]; });

  auto out = std::make_unique<LatentSemantics>();
  constexpr std::uint32_t kDropped = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> new_id(names.size(), kDropped);
  const double log_texts = std::log(static_cast<double>(std::max<std::size_t>(2, counts.texts())));
  for (const std::uint32_t term : kept) {
    new_id[term] = static_cast<std::uint32_t>(out->terms_.size());
    out->terms_.push_back(*names[term]);
    const Use& use = uses[term];
    // 1 for a term of one text, 0 for one spread evenly over all.
    const double entropy = std::log(use.times) - use.times_log / use.times;
    out->weights_.push_back(static_cast<float>(std::max(0.0, 1 - entropy / log_texts)));
  }
  for (std::uint32_t i = 0; i < out->terms_.size(); ++i) out->ids_.emplace(out->terms_[i], i);

  SparseMatrix matrix{.columns = out->terms_.size()};
  for (const auto& text : counts.texts_) {
    const std::size_t first = matrix.value.size();
    for (const auto& [term, times] : text) {
      const std::uint32_t id = new_id[term];
      if (id == kDropped || out->weights_[id] <= 0) continue;
      matrix.column.push_back(id);
      matrix.value.push_back(local_weight(times) * out->weights_[id]);
    }
    scale_to_unit(matrix.value.data() + first, matrix.value.size() - first);
    matrix.row_begin.push_back(matrix.value.size());
  }
  out->space_ = leading_subspace(matrix, options, stop);
  return out;
}

void LatentSemantics::embed(std::string_view text, float* row) {
  std::map<std::uint32_t, std::uint32_t> times;  // by id: the sum has one order
  for (const std::string& term : reader_.read(text)) {
    const auto id = ids_.find(term);
    if (id != ids_.end()) ++times[id->second];
  }
  std::fill(row, row + dimension(), 0.0F);
  for (const auto& [term, n] : times) {
    const float weight = local_weight(n) * weights_[term];
    const float* basis = space_.basis.data() + std::size_t{term} * dimension();
    for (std::size_t i = 0; i < dimension(); ++i) row[i] += weight * basis[i];
  }
  scale_to_unit(row, dimension());
}

std::vector<float> LatentSemantics::embed_documents(std::span<const std::string_view> texts) {
  std::vector<float> rows(texts.size() * dimension());
  for (std::size_t i = 0; i < texts.size(); ++i) embed(texts[i], rows.data() + i * dimension());
  return rows;
}

std::vector<float> LatentSemantics::embed_query(std::string_view text) {
  std::vector<float> row(dimension());
  embed(text, row.data());
  return row;
}

std::string LatentSemantics::serialise() const {
  ByteWriter out;
  out.text(kVersion);
  out.number(terms_.size());
  for (const std::string& term : terms_) out.text(term);
  out.values(weights_);
  out.number(space_.dimension);
  out.values(space_.basis);
  return out.take();
}

std::unique_ptr<LatentSemantics> LatentSemantics::deserialise(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.text() != kVersion) ByteReader::bad();
  auto out = std::make_unique<LatentSemantics>();
  const std::uint64_t terms = in.number();
  if (terms > bytes.size()) ByteReader::bad();
  for (std::uint64_t i = 0; i < terms; ++i) out->terms_.emplace_back(in.text());
  for (std::uint32_t i = 0; i < out->terms_.size(); ++i) out->ids_.emplace(out->terms_[i], i);
  out->weights_ = in.unit_values();
  out->space_.dimension = in.number();
  out->space_.basis = in.unit_values();
  const bool fits = out->weights_.size() == terms && out->space_.dimension <= bytes.size() &&
                    out->space_.basis.size() == terms * out->space_.dimension && in.at_end();
  if (!fits) ByteReader::bad();
  return out;
}

}  // namespace orkestra::retrieval
