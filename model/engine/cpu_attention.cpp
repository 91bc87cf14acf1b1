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
// Rows (tokens times heads) of one task: what the kernels take at a time.
constexpr std::int64_t kTaskRows = kAttentionRows;

// Where the segment after that of `key` begins.
std::int64_t next_segment(std::int64_t key) { return (key / kSegmentKeys + 1) * kSegmentKeys; }

}  // namespace

void CpuBackend::mix(const AttentionMixer& m, std::size_t layer) {
  const std::int64_t q_width = m.n_heads * m.head_dim;
  const std::int64_t kv_width = m.n_kv_heads * m.head_dim;
  float* q = grown(wide_, n_tokens_ * (q_width + 2 * kv_width));
  float* k = q + n_tokens_ * q_width;
  float* v = k + n_tokens_ * kv_width;
  multiply({{&m.q, q, q_width}, {&m.k, k, kv_width}, {&m.v, v, kv_width}}, normed_.data(),
           n_tokens_);
  place(m, m.q_norm, m.n_heads, q);
  place(m, m.k_norm, m.n_kv_heads, k);
  remember(m, layer, k, v);
  float* out = grown(inner_, n_tokens_ * q_width);
  attend(m, layer, q, out);
  if (m.window > 0) {
    for (const Rows& rows : rows_) {
      const std::int64_t next = rows.state->n_tokens + rows.n_rows;
      rows.state->attention[layout_.list(layer)].forget_before(
          std::max<std::int64_t>(0, next - m.window + 1));
    }
  }
  multiply({{&m.output, mixed_.data(), network_.d_model}}, out, n_tokens_);
}

void CpuBackend::place(const AttentionMixer& m, const float* weight, std::int64_t n_heads,
                       float* x) {
  if (weight == nullptr && m.rotation < 0) return;
  const std::int64_t width = n_heads * m.head_dim;
  const float* turns = turns_.data();
  std::int64_t n_pairs = 0;
  bool interleaved = false;
  for (int i = 0; i <= m.rotation; ++i) {
    const Rotation& rotation = network_.rotations[static_cast<std::size_t>(i)];
    turns += 2 * n_tokens_ * n_pairs;
    n_pairs = static_cast<std::int64_t>(rotation.frequencies.size());
    interleaved = rotation.interleaved;
  }
  parallel(n_tokens_, 1, n_tokens_ * width * 4, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t h = 0; weight != nullptr && h < n_heads; ++h) {
      float* head = x + begin * width + h * m.head_dim;
      kernels_.rms_norm(head, width, weight, network_.rms_epsilon, end - begin, m.head_dim, head,
                        width);
    }
    if (m.rotation < 0) return;
    kernels_.rotate({.x = x,
                     .x_stride = width,
                     .n_heads = n_heads,
                     .head_dim = m.head_dim,
                     .n_pairs = n_pairs,
                     .interleaved = interleaved,
                     .cosines = turns,
                     .sines = turns + n_tokens_ * n_pairs},
                    begin, end);
  });
}

void CpuBackend::turn() {
  std::int64_t n_turns = 0;
  for (const Rotation& rotation : network_.rotations) {
    n_turns += 2 * n_tokens_ * static_cast<std::int64_t>(rotation.frequencies.size());
  }
  float* cosines = grown(turns_, n_turns);
  for (const Rotation& rotation : network_.rotations) {
    const auto n_pairs = static_cast<std::int64_t>(rotation.frequencies.size());
    float* sines = cosines + n_tokens_ * n_pairs;
    for (const Rows& rows : rows_) {
      for (std::int64_t t = 0; t < rows.n_rows; ++t) {
        const auto position = static_cast<double>(rows.state->n_tokens + t);
        const std::int64_t at = (rows.first_row + t) * n_pairs;
        for (std::int64_t i = 0; i < n_pairs; ++i) {
          const double angle = position * rotation.frequencies[static_cast<std::size_t>(i)];
          cosines[at + i] = static_cast<float>(std::cos(angle));
          sines[at + i] = static_cast<float>(std::sin(angle));
        }
      }
    }
    cosines = sines + n_tokens_ * n_pairs;
  }
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

  // A chunk of many tokens is split by tokens; a few tokens by segments of their keys.
  attention_tasks_.clear();
  std::int64_t n_partials = 0;
  std::int64_t cost = 0;
  for (const Rows& rows : rows_) {
    const std::int64_t n_keys = rows.state->n_tokens + rows.n_rows;
    const bool by_segment = rows.n_rows <= task_tokens;
    const std::int64_t n_seen = m.window > 0 ? std::min(n_keys, m.window + rows.n_rows) : n_keys;
    cost += rows.n_rows * n_seen * q_width;
    for (std::int64_t head = 0; head < m.n_kv_heads; ++head) {
      for (std::int64_t t = 0; t < rows.n_rows; t += task_tokens) {
        const std::int64_t t_end = std::min(rows.n_rows, t + task_tokens);
        const std::int64_t end = rows.state->n_tokens + t_end;
        // Pages wholly before the first token's window may be gone.
        const std::int64_t unseen =
            m.window > 0 ? std::max<std::int64_t>(0, rows.state->n_tokens + t - m.window + 1) : 0;
        for (std::int64_t key = unseen / kPageTokens * kPageTokens; key < end;) {
          const std::int64_t key_end = by_segment ? std::min(end, next_segment(key)) : end;
          attention_tasks_.push_back({&rows, head, t, t_end, key, key_end, n_partials});
          n_partials += (t_end - t) * heads_per_kv * row_size;
          key = key_end;
        }
      }
    }
  }
  const auto n_tasks = static_cast<std::int64_t>(attention_tasks_.size());
  float* partials = grown(partials_, n_partials + pool_.n_parts() * task_size);
  const std::int64_t workspace = attention_workspace(m.head_dim);
  grown(attention_workspace_, pool_.n_parts() * workspace);

  // Rows of tokens before `key`, which have no part in what follows it.
  const auto rows_before = [&](const AttentionTask& task, std::int64_t key) {
    const std::int64_t first = task.rows->state->n_tokens + task.token_begin;
    return std::clamp<std::int64_t>(key - first, 0, task.token_end - task.token_begin) *
           heads_per_kv;
  };
  const auto run_task = [&](std::int64_t i, int part) {
    float* scratch = partials + n_partials + part * task_size;
    const AttentionTask& task = attention_tasks_[static_cast<std::size_t>(i)];
    const SequenceState& state = *task.rows->state;
    const PageList& list = state.attention[layout_.list(layer)];
    const std::int64_t n_rows = (task.token_end - task.token_begin) * heads_per_kv;
    const AttentionArgs args{
        .q = q + (task.rows->first_row + task.token_begin) * q_width +
             task.kv_head * heads_per_kv * m.head_dim,
        .q_stride = q_width,
        .pages = list.pages(),
        .type = list.pool().type(),
        .k_at = list.pool().k_at(task.kv_head),
        .v_at = list.pool().v_at(task.kv_head),
        .first = state.n_tokens + task.token_begin,
        .n_heads = heads_per_kv,
        .head_dim = m.head_dim,
        .window = m.window,
        .scale = m.scale,
        .workspace = attention_workspace_.data() + part * workspace,
    };
    float* result = partials + task.partial;
    std::int64_t end = 0;
    for (std::int64_t key = task.key_begin; key < task.key_end; key = end) {
      end = std::min(task.key_end, next_segment(key));
      const std::int64_t skipped = rows_before(task, key);
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
    // Later tokens see more keys: dealing them out in turn keeps the parts even.
    for (std::int64_t i = part; i < n_tasks; i += n_parts) run_task(i, part);
  };
  if (alone) {
    part_of_tasks(0, 1);
  } else {
    pool_.run([&](int part) { part_of_tasks(part, pool_.n_parts()); });
  }

  const std::int64_t width = padded(m.head_dim);
  float* whole = nullptr;  // what the segments of the same rows come to
  for (std::int64_t i = 0; i < n_tasks; ++i) {
    const AttentionTask& task = attention_tasks_[static_cast<std::size_t>(i)];
    const std::int64_t n_rows = (task.token_end - task.token_begin) * heads_per_kv;
    float* result = partials + task.partial;
    if (whole == nullptr) {
      whole = result;
    } else {
      const std::int64_t skipped = rows_before(task, task.key_begin);
      kernels_.merge_attention(whole + skipped * row_size, result + skipped * row_size,
                               n_rows - skipped, m.head_dim);
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
    whole = nullptr;
  }
}

}  // namespace orkestra::model
