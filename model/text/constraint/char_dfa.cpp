#include <orkestra/core/error.h>
#include <orkestra/core/text.h>
#include <orkestra/model/text/constraint/char_dfa.h>
#include <orkestra/model/text/constraint/char_dfa_builder.h>

#include <algorithm>
#include <map>
#include <utility>

namespace orkestra::model {
namespace {

constexpr std::uint32_t utf8_size(std::uint32_t c) {
  return c < 0x80 ? 1 : (c < 0x800 ? 2 : (c < 0x10000 ? 3 : 4));
}

bool is_plain(std::uint32_t c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

}  // namespace

std::uint32_t json_size(std::uint32_t c) {
  if (c == '"' || c == '\\' || (c >= '\b' && c <= '\r' && c != 0x0B)) return 2;
  return c < 0x20 ? 6 : utf8_size(c);
}

std::uint32_t cheapest_code_point(std::uint32_t first, std::uint32_t last) {
  for (const std::uint32_t c : {std::uint32_t{'a'}, std::uint32_t{'A'}, std::uint32_t{'0'}}) {
    if (first <= c && c <= last) return c;
  }
  std::uint32_t best = first;
  for (std::uint32_t c = first; c <= std::min(last, 0x80U); ++c) {
    if (is_plain(c)) return c;
    if (json_size(c) < json_size(best)) best = c;
  }
  return best;
}

// Code points that text can hold: all but surrogates.
const CodePoints& text_code_points() {
  static const CodePoints points({{0, 0xD7FF}, {0xE000, CodePoints::kLast}});
  return points;
}

void CharDfaBuilder::check() const {
  if (states_.size() > scale_ * CharDfa::kMaxStates || edges_ > scale_ * CharDfa::kMaxEdges) {
    throw Error(ErrorCode::kExhausted,
                "a string rule that needs more than 20000 states; make it simpler or shorter");
  }
}

std::uint32_t CharDfaBuilder::state(bool accepts) {
  states_.push_back({.accepts = accepts});
  check();
  return static_cast<std::uint32_t>(states_.size() - 1);
}

void CharDfaBuilder::edge(std::uint32_t from, CharDfa::Edge edge) {
  std::vector<CharDfa::Edge>& edges = states_[from].edges;
  if (!edges.empty() && edges.back().target == edge.target && edges.back().last + 1 == edge.first) {
    edges.back().last = edge.last;
    return;
  }
  edges.push_back(edge);
  ++edges_;
  check();
}

// Drops what can't be reached or can't be finished, and computes distances.
CharDfa CharDfaBuilder::finish() && {
  const std::size_t n = states_.size();
  std::vector<std::uint32_t> distance(n, CharDfa::kNone);
  for (std::size_t i = 0; i < n; ++i) {
    if (states_[i].accepts) distance[i] = 0;
  }
  // Edges turned round, then the nearest state first (Dijkstra, by buckets: steps are 1 to 6).
  std::vector<std::vector<std::pair<std::uint32_t, std::uint32_t>>> back(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    for (const CharDfa::Edge& edge : states_[i].edges) {
      back[edge.target].emplace_back(i, json_size(cheapest_code_point(edge.first, edge.last)));
    }
  }
  std::vector<std::vector<std::uint32_t>> buckets(1);
  for (std::uint32_t i = 0; i < n; ++i) {
    if (distance[i] == 0) buckets[0].push_back(i);
  }
  for (std::size_t at = 0; at < buckets.size(); ++at) {
    for (std::size_t i = 0; i < buckets[at].size(); ++i) {
      const std::uint32_t state = buckets[at][i];
      if (distance[state] != at) continue;
      for (const auto& [from, cost] : back[state]) {
        const auto through = static_cast<std::uint32_t>(at) + cost;
        if (through >= distance[from]) continue;
        distance[from] = through;
        if (buckets.size() <= through) buckets.resize(through + 1);
        buckets[through].push_back(from);
      }
    }
  }
  CharDfa out;
  if (n == 0 || distance[0] == CharDfa::kNone) return out;
  std::vector<std::uint32_t> number(n, CharDfa::kNone);
  std::vector<std::uint32_t> order{0};
  number[0] = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const State& state = states_[order[i]];
    for (const CharDfa::Edge& edge : state.edges) {
      if (distance[edge.target] == CharDfa::kNone) continue;
      if (number[edge.target] == CharDfa::kNone) {
        number[edge.target] = static_cast<std::uint32_t>(order.size());
        order.push_back(edge.target);
      }
      out.edges_.push_back({edge.first, edge.last, number[edge.target]});
    }
    out.begin_.push_back(static_cast<std::uint32_t>(out.edges_.size()));
    out.accepts_.push_back(state.accepts ? 1 : 0);
    out.distance_.push_back(distance[order[i]]);
  }
  return out;
}

CharDfa CharDfa::any() {
  CharDfaBuilder builder;
  builder.state(true);
  for (const CodeRange& range : text_code_points().ranges()) {
    builder.edge(0, {range.first, range.last, 0});
  }
  return std::move(builder).finish();
}

bool CharDfa::is_any(std::uint32_t state) const {
  const std::span<const Edge> out = edges(state);
  return accepts(state) && out.size() == 2 && out[0] == Edge{0, 0xD7FF, state} &&
         out[1] == Edge{0xE000, CodePoints::kLast, state};
}

bool CharDfa::is_any() const { return size() == 1 && is_any(0); }

CharDfa CharDfa::strings(const std::vector<std::string>& strings) {
  // A trie, as nested maps first: edges must come sorted.
  std::vector<std::map<std::uint32_t, std::uint32_t>> nodes(1);
  std::vector<bool> ends(1, false);
  for (const std::string& string : strings) {
    std::uint32_t at = 0;
    bool good = true;
    std::vector<std::uint32_t> points;
    for (std::size_t i = 0; i < string.size() && good;) {
      const CodePoint point = code_point_at(string, i);
      good = point.value >= 0;
      points.push_back(static_cast<std::uint32_t>(point.value));
      i += point.size;
    }
    if (!good) continue;  // no JSON text says it
    for (const std::uint32_t point : points) {
      const auto [it, fresh] = nodes[at].emplace(point, static_cast<std::uint32_t>(nodes.size()));
      at = it->second;
      if (fresh) {
        if (nodes.size() >= 5 * kMaxStates) {
          throw Error(ErrorCode::kExhausted, "fixed strings of more than 100000 characters");
        }
        nodes.emplace_back();
        ends.push_back(false);
      }
    }
    ends[at] = true;
  }
  CharDfaBuilder builder(5);
  for (std::size_t i = 0; i < nodes.size(); ++i) builder.state(ends[i]);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const auto& [point, target] : nodes[i]) {
      builder.edge(static_cast<std::uint32_t>(i), {point, point, target});
    }
  }
  return std::move(builder).finish();
}

CharDfa CharDfa::lengths(std::size_t min, std::size_t max) {
  CharDfaBuilder builder;
  const bool open = max == SIZE_MAX;
  const std::size_t last = open ? min : max;
  for (std::size_t i = 0; i <= last; ++i) builder.state(i >= min);
  for (std::size_t i = 0; i <= last; ++i) {
    if (i == last && !open) break;
    const auto target = static_cast<std::uint32_t>(std::min(i + 1, last));
    for (const CodeRange& range : text_code_points().ranges()) {
      builder.edge(static_cast<std::uint32_t>(i), {range.first, range.last, target});
    }
  }
  return std::move(builder).finish();
}

CharDfa CharDfa::intersection(const CharDfa& other) const {
  if (is_any()) return other;
  if (other.is_any()) return *this;
  CharDfaBuilder builder;
  if (empty() || other.empty()) return {};
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> known;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> open;
  const auto state_of = [&](std::uint32_t a, std::uint32_t b) {
    const auto [it, fresh] = known.emplace(std::make_pair(a, b), 0);
    if (fresh) {
      it->second = builder.state(accepts(a) && other.accepts(b));
      open.emplace_back(a, b);
    }
    return it->second;
  };
  state_of(0, 0);
  for (std::size_t at = 0; at < open.size(); ++at) {
    const auto [a, b] = open[at];
    std::uint32_t i = begin_[a];
    std::uint32_t j = other.begin_[b];
    while (i < begin_[a + 1] && j < other.begin_[b + 1]) {
      const Edge& x = edges_[i];
      const Edge& y = other.edges_[j];
      const std::uint32_t first = std::max(x.first, y.first);
      const std::uint32_t last = std::min(x.last, y.last);
      if (first <= last) {
        builder.edge(static_cast<std::uint32_t>(at), {first, last, state_of(x.target, y.target)});
      }
      (x.last < y.last ? i : j) += 1;
    }
  }
  return std::move(builder).finish();
}

CharDfa CharDfa::complement() const {
  CharDfaBuilder builder(5);
  const auto sink = static_cast<std::uint32_t>(empty() ? 0 : size());
  for (std::uint32_t i = 0; i < sink; ++i) builder.state(!accepts(i));
  builder.state(true);
  for (std::uint32_t i = 0; i <= sink; ++i) {
    // The edges there are, and the sink for all between them.
    std::vector<Edge> edges;
    std::vector<CodeRange> used;
    if (i < sink) {
      for (std::uint32_t e = begin_[i]; e < begin_[i + 1]; ++e) {
        edges.push_back(edges_[e]);
        used.push_back({edges_[e].first, edges_[e].last});
      }
    }
    const CodePoints others =
        CodePoints(std::move(used)).complement().intersection(text_code_points());
    for (const CodeRange& range : others.ranges()) {
      edges.push_back({range.first, range.last, sink});
    }
    std::sort(edges.begin(), edges.end(),
              [](const Edge& a, const Edge& b) { return a.first < b.first; });
    for (const Edge& edge : edges) builder.edge(i, edge);
  }
  return std::move(builder).finish();
}

std::uint32_t CharDfa::next(std::uint32_t state, std::uint32_t code_point) const {
  const auto first = edges_.begin() + begin_[state];
  const auto last = edges_.begin() + begin_[state + 1];
  const auto after = std::upper_bound(
      first, last, code_point, [](std::uint32_t c, const Edge& edge) { return c < edge.first; });
  if (after == first || std::prev(after)->last < code_point) return kNone;
  return std::prev(after)->target;
}

bool CharDfa::any_edge(std::uint32_t state, std::uint32_t first, std::uint32_t last) const {
  const auto begin = edges_.begin() + begin_[state];
  const auto end = edges_.begin() + begin_[state + 1];
  const auto it = std::lower_bound(begin, end, first,
                                   [](const Edge& edge, std::uint32_t c) { return edge.last < c; });
  return it != end && it->first <= last;
}

std::uint32_t CharDfa::nearest(std::uint32_t state) const {
  std::uint32_t best = kNone;
  std::uint32_t chosen = kNone;
  for (std::uint32_t e = begin_[state]; e < begin_[state + 1]; ++e) {
    const std::uint32_t c = cheapest_code_point(edges_[e].first, edges_[e].last);
    const std::uint32_t bytes = json_size(c) + distance_[edges_[e].target];
    if (bytes >= best) continue;
    best = bytes;
    chosen = c;
  }
  return chosen;
}

std::uint32_t CharDfa::farthest(std::uint32_t state) const {
  std::uint32_t most = 0;
  for (std::uint32_t e = begin_[state]; e < begin_[state + 1]; ++e) {
    most = std::max(most, distance_[edges_[e].target]);
  }
  return most;
}

bool CharDfa::accepts(std::string_view text) const {
  if (empty()) return false;
  std::uint32_t state = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    if (point.value < 0) return false;
    state = next(state, static_cast<std::uint32_t>(point.value));
    if (state == kNone) return false;
    i += point.size;
  }
  return accepts(state);
}

}  // namespace orkestra::model
