#include <orkestra/core/text.h>
#include <orkestra/core/words.h>
#include <orkestra/planner/verify/asked.h>
#include <orkestra/planner/verify/judge.h>
#include <orkestra/planner/verify/lexicon.h>
#include <orkestra/planner/verify/outline.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <utility>

namespace orkestra::planner {
namespace {

using Words = std::vector<Word>;
using Range = std::pair<std::size_t, std::size_t>;

// Less likely outlines are not believed. Two statements are compared where both outlines are
// likely: that two wrong ones agree is rare. Words of a question are left out where one is.
constexpr double kLikely = 0.2;
constexpr double kSure = 0.5;

bool word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0;
}

// Where `part` stands in `text` as whole words, everywhere it does.
std::vector<Range> places(std::string_view part, std::string_view text) {
  std::vector<Range> out;
  if (part.empty()) return out;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + 1)) {
    const std::size_t end = at + part.size();
    const bool cuts = (at > 0 && word_byte(text[at - 1]) && word_byte(text[at])) ||
                      (end < text.size() && word_byte(text[end]) && word_byte(text[end - 1]));
    if (!cuts) out.emplace_back(at, end);
  }
  return out;
}

std::array<std::string_view, 4> parts_of(const Outline& outline) {
  return {outline.what, outline.of, outline.with, outline.is};
}

bool covered(const Word& word, const std::vector<Range>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
    return word.begin < range.second && word.end > range.first;
  });
}

std::vector<Range> ranges_of(const Outline& outline, std::string_view text) {
  std::vector<Range> out;
  for (const std::string_view part : parts_of(outline)) {
    const std::vector<Range> found = places(part, text);
    out.insert(out.end(), found.begin(), found.end());
  }
  return out;
}

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Critical words that change nothing beside an outline: they join its parts, or tell by what
// something was said.
bool only_tells(std::string_view word) {
  static constexpr auto kTelling = std::to_array<std::string_view>(
      {"just", "even", "still", "already", "according", "with", "from", "exactly"});
  return std::find(kTelling.begin(), kTelling.end(), word) != kTelling.end();
}

// Whether a sentence says the same without it. `first`: it opens the sentence, so that a capital
// says nothing.
bool can_be_left_out(const Word& word, bool first) {
  if (word.mark()) return true;
  if (word.kind == Word::Kind::kNumber && word.key == "1" && word.end - word.begin == 3) {
    return true;  // "one finds"
  }
  if (word.kind != Word::Kind::kWord) return false;
  if (word.capital && !first && word.key != "i" && !is_stop_word(word.key)) return false;
  return !lexicon::critical(word.key) || only_tells(word.key);
}

bool begins_condition(const Word& word) {
  // "to" mostly begins a verb: "I would love to hear".
  const bool function =
      word.kind == Word::Kind::kWord && lexicon::preposition(word.key) && word.key != "to";
  return function || one_of(word.key, {"if", "when", "whenever", "while", "unless", "until", "till",
                                       "before", "after", "during", "without", "since"});
}

// Who asks and who is asked. What follows in the clause tells of them: "I am filling in a form".
bool speaker(const Word& word) {
  return word.kind == Word::Kind::kWord &&
         one_of(word.key, {"i", "we", "you", "me", "us", "my", "our"});
}

// "can't remember", "don't know": what the speaker does not, said right after an auxiliary.
bool denies_of_speaker(const Words& asked, std::size_t i, bool tells_of_speaker) {
  return tells_of_speaker && asked[i].key == "not" && i > 0 &&
         one_of(asked[i - 1].key, {"can", "do", "did", "could", "would", "am", "are", "have"});
}

// "Before I call", "because we forgot".
bool joins_speaker(const Words& asked, std::size_t i) {
  return i + 1 < asked.size() && speaker(asked[i + 1]) &&
         one_of(asked[i].key, {"before", "because", "since", "while", "as"});
}

// What follows is a thing that is spoken of.
bool names_next(const Word& word) {
  return one_of(word.key, {"the", "which", "what", "whose", "its"});
}

bool opens_sentence(std::string_view text, const Word& word) {
  std::size_t at = word.begin;
  while (at > 0 && text[at - 1] == ' ') --at;
  return at == 0 || std::string_view(".!?:,").find(text[at - 1]) != std::string_view::npos;
}

bool name(const Word& word) { return word.capital || word.kind != Word::Kind::kWord; }

// Words that name, without articles.
Words naming(std::string_view part) {
  Words out = words_only(part);
  std::erase_if(out, [](const Word& word) {
    return word.kind == Word::Kind::kWord &&
           (lexicon::empty_word(word.key) || word.key == "our" || word.key == "this" ||
            word.key == "that" || word.key == "my");
  });
  return out;
}

bool same_words(const Words& a, const Words& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](auto& x, auto& y) {
           return x.kind == y.kind && word_key(x) == word_key(y);
         });
}

// Whether all words of `part` stand one after another in `whole`.
bool stands_in(const Words& part, const Words& whole) {
  const auto same = [](const Word& x, const Word& y) { return word_key(x) == word_key(y); };
  return std::search(whole.begin(), whole.end(), part.begin(), part.end(), same) != whole.end();
}

bool same_thing(const std::string& a, const std::string& b) {
  const Words x = naming(a);
  const Words y = naming(b);
  if (x.empty() || y.empty()) return false;
  if (same_words(x, y)) return true;
  // A kind stands before a name, and only one of the two says it.
  const Words& longer = x.size() > y.size() ? x : y;
  const Words& shorter = x.size() > y.size() ? y : x;
  if (longer.size() == shorter.size() || !name(shorter.front())) return false;
  const auto extra = static_cast<std::ptrdiff_t>(longer.size() - shorter.size());
  if (!same_words({longer.begin() + extra, longer.end()}, shorter)) return false;
  const auto other = [](const Word& word) { return lexicon::critical(word.key); };  // "former"
  return std::none_of(longer.begin() + 1, longer.begin() + extra, name) &&
         std::none_of(longer.begin(), longer.begin() + extra, other) &&
         longer.front().kind == Word::Kind::kWord && extra <= 2;
}

}  // namespace

bool is_likely(const Outline& outline) {
  return outline.sureness >= kLikely && !outline.what.empty();
}

bool is_trusted(const Outline& outline, std::string_view statement) {
  if (!is_likely(outline)) return false;
  for (const std::string_view part : parts_of(outline)) {
    if (!part.empty() && places(part, statement).empty()) return false;
  }
  const std::vector<Range> ranges = ranges_of(outline, statement);
  const Words said = words(statement);
  for (std::size_t i = 0; i < said.size(); ++i) {
    const Word& word = said[i];
    if (covered(word, ranges)) continue;
    const bool now = i > 0 && said[i - 1].key == "this" && word.kind == Word::Kind::kWord &&
                     !word.capital && !lexicon::negation(word.key);  // "in this year"
    // "was set to" tells how it came to be so; what "was 300" may be something else by now.
    const bool passive = (word.key == "was" || word.key == "were") && i + 1 < said.size() &&
                         !said[i + 1].mark() && !covered(said[i + 1], ranges) &&
                         !lexicon::empty_word(said[i + 1].key);
    if (!now && !passive && !can_be_left_out(word, opens_sentence(statement, word))) return false;
  }
  return true;
}

std::vector<bool> words_beside(const Outline& outline, std::string_view question) {
  const Words asked = words_only(question);
  std::vector<bool> out(asked.size());
  // Of "where do I find Zor" the verb is no property.
  if (outline.sureness < kSure || asked_words(outline.what).empty()) return out;
  const std::vector<Range> ranges = ranges_of(outline, question);
  const auto leave_out = [&](std::size_t first, std::size_t last, bool tells_of_speaker) {
    bool begins = false;
    for (std::size_t k = first; k < last; ++k) {
      const Word& word = asked[k];
      tells_of_speaker = tells_of_speaker || speaker(word) || joins_speaker(asked, k);
      const bool joins = k + 1 == last || (k + 2 == last && lexicon::empty_word(asked[k + 1].key));
      begins = begins || (!joins && !tells_of_speaker && begins_condition(word));
      const bool noun =
          (k > 0 && names_next(asked[k - 1])) || (k + 1 < asked.size() && asked[k + 1].key == "of");
      const bool can = can_be_left_out(word, opens_sentence(question, word)) ||
                       denies_of_speaker(asked, k, tells_of_speaker) || joins_speaker(asked, k);
      out[k] = !begins && !noun && can;
    }
  };
  const auto between = [&](std::size_t i) -> std::string_view {
    // The two words of a contraction share their place.
    if (i == 0 || asked[i].begin < asked[i - 1].end) return {};
    return question.substr(asked[i - 1].end, asked[i].begin - asked[i - 1].end);
  };
  const auto ends_sentence = [&](std::size_t i) {
    return between(i).find_first_of(".!?;\n") != std::string_view::npos;
  };
  std::size_t from = 0;  // of the stretch before the next part
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (ends_sentence(i)) from = i;
    if (!covered(asked[i], ranges)) continue;
    leave_out(from, i, false);
    from = i + 1;
    // A clause of its own after the part: ", can you remind me?"
    std::size_t end = from;
    while (end < asked.size() && !ends_sentence(end) && !covered(asked[end], ranges)) ++end;
    const bool clause = end > from && between(from).find(',') != std::string_view::npos &&
                        (end == asked.size() || ends_sentence(end));
    const bool told =
        clause && (speaker(asked[from]) || (from + 1 < end && speaker(asked[from + 1])));
    if (told) leave_out(from, end, true);
  }
  return out;
}

bool same_thing(const Outline& a, const Outline& b) { return same_thing(a.of, b.of); }

Judgement judge_outlines(const Outline& claim, const Outline& sentence) {
  Judgement out;
  const bool about = !claim.of.empty() && same_words(naming(claim.what), naming(sentence.what)) &&
                     same_thing(claim, sentence);
  if (!about || claim.is.empty() || sentence.is.empty()) return out;
  out.nearness = 0.9;
  if (!same_words(naming(claim.with), naming(sentence.with))) {
    out.reason = sentence.with.empty() ? "the source does not say \"" + claim.with + "\""
                                       : "the source says it only \"" + sentence.with + "\"";
    return out;
  }
  const Words ours = naming(claim.is);
  const Words theirs = naming(sentence.is);
  if (same_words(ours, theirs)) {
    out.kind = VerdictKind::kSupported;
    out.score = 0.8;
    out.reason =
        "the source says so in other words: " + claim.what + " of " + claim.of + ": " + sentence.is;
    return out;
  }
  out.reason = "the source says " + sentence.is + ", not " + claim.is;
  // "Anna" and "Anna Smith", "300" and "300 euros" may be the same.
  if (!stands_in(ours, theirs) && !stands_in(theirs, ours)) out.kind = VerdictKind::kContradicted;
  return out;
}

}  // namespace orkestra::planner
