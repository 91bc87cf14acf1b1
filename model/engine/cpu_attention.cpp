// The attention mixer. Keys are taken in segments of kSegmentKeys that begin at fixed positions;
// each gives a partial result per row, and these are merged in the order of positions. So a row's
// result does not depend on whether one thread went through all of its segments or several shared
// them.

#include <orkestra/model/engine/cpu_backend.h>

#include <algorithm>
#include <cmath>

namespace orkestra::model {
namespace {

constexpr std::int64_t kSegmentKeys = 16 * kPageTokens;
// Rows (tokens times heads) of one task: their partial results stay in the second-level cache.
constexpr std::int64_t kTaskRows = 120;

}  // namespace

void CpuBackend::mix(const AttentionMixer& m, std::size_t layer) {
  const std::int64_t q_width = m.n_heads * m.head_dim;
  const std::int64_t kv_width = m.n_kv_heads * m.head_dim;
  float* q = grown(wide_, n_tokens_ * (q_width + 2 * kv_width));
  float* k = q + n_tokens_ * q_width;
  float* v = k + n_tokens_ * kv_width;
  multiply({{&m.q, q, q_width}, {&m.k, k, kv_width}, {&m.v, v, kv_width}}, normed_.data(),
           n_tokens_);
  remember(m, layer, k, v);
  float* out = grown(inner_, n_tokens_ * q_width);
  attend(m, layer, q, out);
  multiply({{&m.output, mixed_.data(), network_.d_model}}, out, n_tokens_);
}

// k, v: [T, n_kv_heads * head_dim]
void CpuBackend::remember(const AttentionMixer& m, std::size_t layer, const float* k,
                          const float* v) {
  const std::int64_t width = m.n_kv_heads * m.head_dim;
  for (const Rows& rows : rows_) {
    PageList& list = rows.state->attention[layout_.list(layer)];
    const std::int64_t first = rows.state->n_tokens;
    list.prepare(first, first + rows.n_rows);
    for (std::int64_t t = 0; t < rows.n_rows; ++t) {
      const std::int64_t at = (rows.first_row + t) * width;
      list.store(first + t, k + at, v + at);
    }
  }
}

// q, out: [T, n_heads * head_dim]
void CpuBackend::attend(const AttentionMixer& m, std::size_t layer, const float* q, float* out) {
  const std::int64_t q_width = m.n_heads * m.head_dim;
  const std::int64_t heads_per_kv = m.n_heads / m.n_kv_heads;
  const std::int64_t task_tokens = std::max<std::int64_t>(1, kTaskRows / heads_per_kv);
  const std::int64_t row_size = partial_size(m.head_dim);
  const std::int64_t task_size = task_tokens * heads_per_kv * row_size;

  // A chunk of many tokens is split by tokens; a single token by segments of its keys.
  attention_tasks_.clear();
  std::int64_t cost = 0;
  for (const Rows& rows : rows_) {
    const std::int64_t n_keys = rows.state->n_tokens + rows.n_rows;
    const bool by_segment = rows.n_rows == 1;
    const std::int64_t key_step = by_segment ? kSegmentKeys : n_keys;
    cost += rows.n_rows * n_keys * q_width;
    for (std::int64_t head = 0; head < m.n_kv_heads; ++head) {
      for (std::int64_t t = 0; t < rows.n_rows; t += task_tokens) {
        const std::int64_t t_end = std::min(rows.n_rows, t + task_tokens);
        const std::int64_t end = rows.state->n_tokens + t_end;
        for (std::int64_t key = 0; key < end; key += key_step) {
          attention_tasks_.push_back({&rows, head, t, t_end, key, std::min(end, key + key_step)});
        }
      }
    }
  }
  const auto n_tasks = static_cast<std::int64_t>(attention_tasks_.size());
  float* partials = grown(partials_, n_tasks * task_size + pool_.n_parts() * task_size);
  const float scale = 1.0F / std::sqrt(static_cast<float>(m.head_dim));

  const auto run_task = [&](std::int64_t i, float* scratch) {
    const AttentionTask& task = attention_tasks_[static_cast<std::size_t>(i)];
    const SequenceState& state = *task.rows->state;
    const PageList& list = state.attention[layout_.list(layer)];
    const std::int64_t n_rows = (task.token_end - task.token_begin) * heads_per_kv;
    const AttentionArgs args{
        .q = q + (task.rows->first_row + task.token_begin) * q_width +
             task.kv_head * heads_per_kv * m.head_dim,
        .q_stride = q_width,
        .pages = list.pages(),
        .k_at = list.pool().k_at(task.kv_head),
        .v_at = list.pool().v_at(task.kv_head),
        .first = state.n_tokens + task.token_begin,
        .n_heads = heads_per_kv,
        .head_dim = m.head_dim,
        .window = 0,
        .scale = scale,
    };
    float* result = partials + i * task_size;
    for (std::int64_t key = task.key_begin; key < task.key_end; key += kSegmentKeys) {
      const std::int64_t end = std::min(task.key_end, key + kSegmentKeys);
      // Tokens before the segment have no key in it.
      const std::int64_t skipped =
          std::clamp<std::int64_t>(key - args.first, 0, task.token_end - task.token_begin) *
          heads_per_kv;
      const bool is_first = key == task.key_begin;
      float* into = (is_first ? result : scratch) + skipped * row_size;
      kernels_.attend(args, skipped, n_rows, key, end, into);
      if (!is_first) {
        kernels_.merge_attention(result + skipped * row_size, into, n_rows - skipped, m.head_dim);
      }
    }
  };
  const bool alone = cost < kInlineCost || pool_.n_parts() == 1;
  const auto part_of_tasks = [&](int part, int n_parts) {
    float* scratch = partials + (n_tasks + part) * task_size;
    // Later tokens see more keys: dealing them out in turn keeps the parts even.
    for (std::int64_t i = part; i < n_tasks; i += n_parts) run_task(i, scratch);
  };
  if (alone) {
    part_of_tasks(0, 1);
  } else {
    pool_.run([&](int part) { part_of_tasks(part, pool_.n_parts()); });
  }

  const std::int64_t width = padded(m.head_dim);
  const float* whole = nullptr;  // what the segments of one token come to
  for (std::int64_t i = 0; i < n_tasks; ++i) {
    const AttentionTask& task = attention_tasks_[static_cast<std::size_t>(i)];
    const std::int64_t n_rows = (task.token_end - task.token_begin) * heads_per_kv;
    float* result = partials + i * task_size;
    if (task.key_begin == 0) {
      whole = result;
    } else {
      kernels_.merge_attention(const_cast<float*>(whole), result, n_rows, m.head_dim);
    }
    const bool is_last = task.key_end == task.rows->state->n_tokens + task.token_end;
    if (!is_last) continue;
    for (std::int64_t r = 0; r < n_rows; ++r) {
      const float* row = whole + r * row_size;
      const std::int64_t token = task.rows->first_row + task.token_begin + r / heads_per_kv;
      const std::int64_t head = task.kv_head * heads_per_kv + r % heads_per_kv;
      float* to = out + token * q_width + head * m.head_dim;
      const float inverse = 1.0F / row[width + 1];
      for (std::int64_t d = 0; d < m.head_dim; ++d) to[d] = row[d] * inverse;
    }
  }
}

}  // namespace orkestra::model
