#include <orkestra/core/text.h>
#include <orkestra/planner/verify/judge.h>
#include <orkestra/planner/verify/lexicon.h>

#include <algorithm>
#include <optional>
#include <set>

namespace orkestra::planner {
namespace {

using Words = std::vector<Word>;

bool figure(const Word& word) { return word.kind != Word::Kind::kWord && !word.mark(); }

// Same word, or same up to inflection. A capitalised word may be a name: Adam is not Adams.
bool same(const Word& a, const Word& b) {
  if (a == b) return true;
  if (a.kind != Word::Kind::kWord || b.kind != Word::Kind::kWord || a.capital || b.capital)
    return false;
  return singular(a.key) == singular(b.key);
}

Words spoken(const Words& all) {
  Words out;
  for (const auto& word : all) {
    if (!word.mark() && !(word.kind == Word::Kind::kWord && lexicon::glue(word.key)))
      out.push_back(word);
  }
  return out;
}

bool any_critical(const Words& words) {
  return std::any_of(words.begin(), words.end(), [](const Word& word) {
    return word.kind == Word::Kind::kWord && lexicon::critical(word.key);
  });
}

// A stretch of the sentence that stands by itself after what comes before: ", which ...", "and
// ...", "(...)". Leaving it out leaves a statement that still holds.
struct Segment {
  Words words;
  bool droppable = false;
};

bool opens_addition(const Words& part) {
  return !part.empty() && part.front().kind == Word::Kind::kWord &&
         (part.front().key == "and" || part.front().key == "which" || part.front().key == "who");
}

// Cut at punctuation only: "a receipt and a label" is one condition, "..., and ..." is more said.
std::vector<Segment> segments(const Words& sentence) {
  constexpr std::size_t kMaxSegments = 8;
  std::vector<Segment> out(1);
  for (const Word& word : sentence) {
    const bool cuts = word.mark() && word.key != "-" && word.key != "?";
    if (cuts && out.size() < kMaxSegments && !out.back().words.empty()) {
      out.emplace_back();
      out.back().droppable = word.key == "(";
    }
    if (!word.mark()) out.back().words.push_back(word);
  }
  for (std::size_t i = 1; i < out.size(); ++i) {
    Segment& part = out[i];
    const bool aside =
        part.droppable && !part.words.empty() && !lexicon::preposition(part.words.front().key);
    part.droppable = (opens_addition(part.words) || aside) && !any_critical(part.words);
  }
  out.front().droppable = false;
  return out;
}

// The sentence and what is left of it without its additions, longest first.
std::vector<Words> readings(const Words& sentence) {
  std::vector<Words> out{spoken(sentence)};
  const auto parts = segments(sentence);
  const bool guarded = std::any_of(parts.begin(), parts.end(), [](const Segment& part) {
    return !part.droppable && std::any_of(part.words.begin(), part.words.end(), [](const Word& w) {
      return lexicon::negation(w.key) || lexicon::binds_parts(w.key);
    });
  });
  if (guarded) return out;
  std::vector<std::size_t> droppable;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].droppable) droppable.push_back(i);
  }
  constexpr std::size_t kMaxDroppable = 4;
  if (droppable.size() > kMaxDroppable) droppable.resize(kMaxDroppable);
  for (std::size_t mask = 1; mask < (std::size_t{1} << droppable.size()); ++mask) {
    Words rest;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto at = std::find(droppable.begin(), droppable.end(), i);
      const bool dropped = at != droppable.end() &&
                           ((mask >> static_cast<std::size_t>(at - droppable.begin())) & 1U);
      if (!dropped) rest.insert(rest.end(), parts[i].words.begin(), parts[i].words.end());
    }
    out.push_back(spoken(rest));
  }
  return out;
}

// A minimal alignment: pairs of positions, -1 where one side has nothing.
struct Pair {
  std::ptrdiff_t claim = -1;
  std::ptrdiff_t source = -1;
};

std::vector<Pair> align(const Words& claim, const Words& source) {
  const std::size_t rows = claim.size() + 1;
  const std::size_t columns = source.size() + 1;
  std::vector<std::size_t> cost(rows * columns);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& {
    return cost[i * columns + j];
  };
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      if (i == 0 || j == 0) {
        at(i, j) = 2 * (i + j);
        continue;
      }
      const std::size_t change = same(claim[i - 1], source[j - 1]) ? 0 : 3;
      at(i, j) = std::min({at(i - 1, j - 1) + change, at(i - 1, j) + 2, at(i, j - 1) + 2});
    }
  }
  std::vector<Pair> out;
  std::size_t i = claim.size();
  std::size_t j = source.size();
  while (i > 0 || j > 0) {
    const bool both = i > 0 && j > 0;
    const std::size_t change = both && same(claim[i - 1], source[j - 1]) ? 0 : 3;
    if (both && at(i, j) == at(i - 1, j - 1) + change) {
      out.push_back({static_cast<std::ptrdiff_t>(--i), static_cast<std::ptrdiff_t>(--j)});
    } else if (i > 0 && at(i, j) == at(i - 1, j) + 2) {
      out.push_back({static_cast<std::ptrdiff_t>(--i), -1});
    } else {
      out.push_back({-1, static_cast<std::ptrdiff_t>(--j)});
    }
  }
  std::reverse(out.begin(), out.end());
  return out;
}

// Claim words [from, to) that, with a word before or after them, are a stretch of the heading:
// "the Lisbon office" for "the office" under "Lisbon office".
bool from_heading(const Words& claim, std::size_t from, std::size_t to, const Words& heading) {
  const auto stands = [&](std::size_t a, std::size_t b) {
    if (b > claim.size() || b - a > heading.size()) return false;
    for (std::size_t h = 0; h + (b - a) <= heading.size(); ++h) {
      bool all = true;
      for (std::size_t k = a; k < b; ++k) {
        const Word& word = claim[k];
        const Word& there = heading[h + k - a];
        all = all && (word == there || singular(word.key) == singular(there.key)) &&
              !lexicon::critical(word.key);
      }
      if (all) return true;
    }
    return false;
  };
  return (from > 0 && stands(from - 1, to)) || stands(from, to + 1);
}

// Whether "is" stands right before the word at byte `offset`: what follows is what something is.
bool after_copula(const Words& all, std::size_t offset) {
  std::string_view before;
  for (const auto& word : all) {
    if (word.begin >= offset) break;
    if (word.key != "the" && word.key != "a" && word.key != "an") before = word.key;
  }
  return before == "is" || before == "are" || before == "was" || before == "were";
}

// `written`: the claim with its glue.
Judgement compare(const Words& claim, const Words& written, const Words& source,
                  const Words& heading) {
  Judgement out;
  const auto pairs = align(claim, source);
  std::size_t matched = 0;
  std::size_t taken_from_heading = 0;
  Words claim_only;
  Words source_only;
  std::vector<std::pair<Word, Word>> changed;
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    const auto [c, s] = pairs[p];
    if (c >= 0 && s >= 0) {
      const Word& a = claim[static_cast<std::size_t>(c)];
      const Word& b = source[static_cast<std::size_t>(s)];
      if (same(a, b)) {
        ++matched;
      } else {
        changed.emplace_back(a, b);
      }
    } else if (c >= 0) {
      std::size_t to = p;
      while (to < pairs.size() && pairs[to].claim >= 0 && pairs[to].source < 0) ++to;
      const auto from = static_cast<std::size_t>(c);
      if (from_heading(claim, from, from + (to - p), heading)) {
        taken_from_heading += to - p;
      } else {
        for (std::size_t k = p; k < to; ++k) claim_only.push_back(claim[from + (k - p)]);
      }
      p = to - 1;
    } else {
      source_only.push_back(source[static_cast<std::size_t>(s)]);
    }
  }
  const auto size = static_cast<double>(std::max(claim.size(), source.size()));
  out.nearness = size > 0 ? static_cast<double>(matched) / size : 0;
  if (changed.empty() && claim_only.empty() && source_only.empty()) {
    out.kind = VerdictKind::kSupported;
    out.score = taken_from_heading > 0 ? 0.9 : 1.0;
    out.reason = taken_from_heading > 0 ? "the source says so, under its heading"
                                        : "the source says so, word for word";
    return out;
  }
  // Whether the two speak about the same thing: most words agree, and what differs is a figure,
  // a polarity or an opposite, nothing else.
  const bool close = matched >= 2 && out.nearness >= 0.5;
  const auto negates = [](const Word& word) { return lexicon::negation(word.key); };
  const bool only_negations = changed.empty() &&
                              std::all_of(claim_only.begin(), claim_only.end(), negates) &&
                              std::all_of(source_only.begin(), source_only.end(), negates);
  if (close && only_negations) {
    if ((claim_only.size() + source_only.size()) % 2 == 1) out.kind = VerdictKind::kContradicted;
    out.reason = claim_only.empty()
                     ? "the source denies it: \"" + as_written(source_only) + "\""
                     : "the source says it without \"" + as_written(claim_only) + "\"";
    return out;
  }
  const bool only_changed = claim_only.empty() && source_only.empty() && !changed.empty();
  const bool opposite = std::all_of(changed.begin(), changed.end(), [](const auto& pair) {
    const bool figures =
        figure(pair.first) && figure(pair.second) && pair.first.kind != Word::Kind::kCode;
    return figures || lexicon::opposed(pair.first.key, pair.second.key) ||
           lexicon::negation(pair.first.key) != lexicon::negation(pair.second.key);
  });
  if (only_changed) {
    const Words theirs{changed.front().second};
    const Words ours{changed.front().first};
    out.reason = "the source says " + as_written(theirs) + ", not " + as_written(ours);
    const std::size_t unchanged = claim.size() - changed.size();
    const bool names_at_end =
        same(claim[unchanged - (unchanged > 0 ? 1 : 0)],
             source[unchanged - (unchanged > 0 ? 1 : 0)]) &&
        changed.front().first.begin == claim[unchanged].begin &&
        std::all_of(changed.begin(), changed.end(),
                    [](const auto& pair) { return pair.first.capital && pair.second.capital; }) &&
        after_copula(written, changed.front().first.begin);
    if (close && (opposite || names_at_end)) out.kind = VerdictKind::kContradicted;
    return out;
  }
  for (const auto& pair : changed) claim_only.push_back(pair.first);
  out.reason = claim_only.empty()
                   ? "the source says it only with \"" + as_written(source_only) + "\""
                   : "the source does not say \"" + as_written(claim_only) + "\"";
  return out;
}

}  // namespace

std::string as_written(const std::vector<Word>& part) {
  constexpr std::size_t kMaxShown = 8;
  std::string out;
  for (std::size_t i = 0; i < part.size() && i < kMaxShown; ++i) {
    out += (i > 0 ? " " : "") + part[i].key;
  }
  return part.size() > kMaxShown ? out + " …" : out;
}

Judgement judge_text(const std::vector<Word>& claim, const std::vector<Word>& sentence,
                     const std::vector<Word>& heading) {
  constexpr std::size_t kMaxWords = 200;  // the comparison is quadratic
  Judgement best;
  const Words said = spoken(claim);
  if (said.empty()) return best;
  if (said.size() > kMaxWords || sentence.size() > kMaxWords) {
    best.reason = "the sentence is too long to be compared";
    return best;
  }
  const Words title = spoken(heading);
  for (const auto& reading : readings(sentence)) {
    if (reading.empty()) continue;
    Judgement one = compare(said, claim, reading, title);
    const bool better =
        one.kind == VerdictKind::kSupported ||
        (one.kind == VerdictKind::kContradicted && best.kind == VerdictKind::kNotFound) ||
        (one.kind == best.kind && one.nearness > best.nearness);
    if (best.kind != VerdictKind::kSupported && better) best = std::move(one);
    if (best.kind == VerdictKind::kSupported) break;
  }
  return best;
}

}  // namespace orkestra::planner
