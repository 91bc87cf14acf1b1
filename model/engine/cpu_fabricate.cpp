// States made up for measuring at depth.

#include <orkestra/core/error.h>
#include <orkestra/model/engine/cpu_backend.h>
#include <orkestra/model/engine/sampler.h>

#include <algorithm>

namespace orkestra::model {

void CpuBackend::fabricate(StateHandle handle, std::int64_t n_tokens) {
  SequenceState& state = find(handle);
  if (state.n_tokens != 0) {
    throw Error(ErrorCode::kInternal, "backend: only an empty state can be fabricated");
  }
  Random random(1);
  const auto fill = [&](float* x, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<float>(2.0 * random.uniform() - 1.0);
  };
  fill(state.recurrent.data(), state.recurrent.size());
  std::vector<float> row;
  for (std::size_t i = 0; i < network_.layers.size(); ++i) {
    const auto* m = std::get_if<AttentionMixer>(&network_.layers[i].mixer);
    if (m == nullptr) continue;
    PageList& list = state.attention[layout_.list(i)];
    const auto width = static_cast<std::size_t>(m->n_kv_heads * m->head_dim);
    row.resize(2 * width);
    for (std::int64_t t = 0; t < n_tokens; ++t) {
      if (t % kPageTokens == 0) list.prepare(t, std::min(n_tokens, t + kPageTokens));
      fill(row.data(), row.size());
      list.store(t, row.data(), row.data() + width);
      if (m->window > 0) list.forget_before(std::max<std::int64_t>(0, t + 1 - m->window + 1));
    }
  }
  state.n_tokens = n_tokens;
}

}  // namespace orkestra::model
