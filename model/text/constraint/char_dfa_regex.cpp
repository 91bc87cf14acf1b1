#include <orkestra/core/error.h>
#include <orkestra/model/text/constraint/char_dfa.h>
#include <orkestra/model/text/constraint/char_dfa_builder.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace orkestra::model {
namespace {

using Kind = RegexNode::Kind;
using Op = RegexProgram::Instruction::Op;

// The alphabet cut into ranges that no class of the program tells apart.
std::vector<CodeRange> symbols(const RegexProgram& program, bool words) {
  std::set<std::uint32_t> cuts{0, 0xD800, 0xE000, CodePoints::kLast + 1};
  const auto cut = [&](const CodePoints& points) {
    for (const CodeRange& range : points.ranges()) {
      cuts.insert(range.first);
      cuts.insert(range.last + 1);
    }
  };
  for (const CodePoints& points : program.classes) cut(points);
  if (words) cut(word_code_points());
  std::vector<CodeRange> out;
  for (auto it = cuts.begin(); std::next(it) != cuts.end(); ++it) {
    if (*it != 0xD800) out.push_back({*it, *std::next(it) - 1});
  }
  return out;
}

// The subset construction (Rabin & Scott 1959). A state is the set of instructions that wait before
// the next character, and what came before it; assertions are decided when that character is known.
class Determinizer {
 public:
  explicit Determinizer(const RegexProgram& program) : program_(program) {
    const bool words = std::any_of(program.code.begin(), program.code.end(), [](const auto& in) {
      return in.op == Op::kAssert && in.assertion != Kind::kStart && in.assertion != Kind::kEnd;
    });
    symbols_ = symbols(program, words);
    for (const CodeRange& symbol : symbols_) {
      is_word_.push_back(words && word_code_points().contains(symbol.first));
      std::vector<bool> in;
      for (const CodePoints& points : program.classes) in.push_back(points.contains(symbol.first));
      in_class_.push_back(std::move(in));
    }
  }

  CharDfa run() {
    state_of({{program_.start}, false, true});
    for (std::size_t at = 0; at < open_.size(); ++at) {
      const State state = open_[at];
      const std::uint32_t from = numbers_[at];
      std::uint32_t steps = 0;
      bool matches[2] = {false, false};
      std::vector<std::uint32_t> reading[2];
      for (std::size_t s = 0; s < symbols_.size(); ++s) {
        const std::size_t before_word = is_word_[s] ? 1 : 0;
        bool& matched = matches[before_word];
        if (reading[before_word].empty() && !matched) {
          reading[before_word] = closure(state, is_word_[s], false, matched);
        }
        State next{{}, is_word_[s], false};
        for (const std::uint32_t pc : reading[before_word]) {
          const RegexProgram::Instruction& in = program_.code[pc];
          if (in_class_[s][in.a]) next.waiting.push_back(in.b);
          ++steps;
        }
        std::uint32_t target;
        if (matched) {
          target = found();
        } else {
          next.waiting.push_back(program_.start);  // a match may begin anywhere
          std::sort(next.waiting.begin(), next.waiting.end());
          next.waiting.erase(std::unique(next.waiting.begin(), next.waiting.end()),
                             next.waiting.end());
          target = state_of(std::move(next));
        }
        builder_.edge(from, {symbols_[s].first, symbols_[s].last, target});
      }
      work_ += steps;
      if (work_ > kMaxWork) {
        throw Error(ErrorCode::kExhausted, "a regular expression that takes too long to compile");
      }
    }
    return std::move(builder_).finish();
  }

 private:
  static constexpr std::size_t kMaxWork = 20'000'000;

  struct State {
    std::vector<std::uint32_t> waiting;
    bool after_word = false;
    bool at_start = false;
    auto operator<=>(const State&) const = default;
  };

  // The state in which a match was found: whatever follows is fine.
  std::uint32_t found() {
    if (found_ == CharDfa::kNone) {
      found_ = builder_.state(true);
      for (const CodeRange& range : text_code_points().ranges()) {
        builder_.edge(found_, {range.first, range.last, found_});
      }
    }
    return found_;
  }

  std::uint32_t state_of(State state) {
    const auto [it, fresh] = known_.emplace(state, 0);
    if (fresh) {
      bool matched = false;
      closure(state, false, true, matched);
      it->second = builder_.state(matched);
      open_.push_back(std::move(state));
      numbers_.push_back(it->second);
    }
    return it->second;
  }

  // The class instructions that are reached when what comes next is known.
  std::vector<std::uint32_t> closure(const State& state, bool before_word, bool at_end,
                                     bool& matched) {
    std::vector<std::uint32_t> reading;
    std::vector<std::uint32_t> open = state.waiting;
    seen_.resize(program_.code.size(), 0);
    ++round_;
    while (!open.empty()) {
      const std::uint32_t pc = open.back();
      open.pop_back();
      if (seen_[pc] == round_) continue;
      seen_[pc] = round_;
      ++work_;
      const RegexProgram::Instruction& in = program_.code[pc];
      if (in.op == Op::kMatch) {
        matched = true;
      } else if (in.op == Op::kClass) {
        reading.push_back(pc);
      } else if (in.op == Op::kSplit) {
        open.push_back(in.a);
        open.push_back(in.b);
      } else {
        const bool edge = state.after_word != before_word;
        const bool holds = in.assertion == Kind::kStart      ? state.at_start
                           : in.assertion == Kind::kEnd      ? at_end
                           : in.assertion == Kind::kWordEdge ? edge
                                                             : !edge;
        if (holds) open.push_back(in.b);
      }
    }
    return reading;
  }

  const RegexProgram& program_;
  std::vector<CodeRange> symbols_;
  std::vector<bool> is_word_;
  std::vector<std::vector<bool>> in_class_;
  CharDfaBuilder builder_;
  std::map<State, std::uint32_t> known_;
  std::vector<State> open_;
  std::vector<std::uint32_t> numbers_;
  std::uint32_t found_ = CharDfa::kNone;
  std::vector<std::size_t> seen_;
  std::size_t round_ = 0;
  std::size_t work_ = 0;
};

bool has_lookahead(const RegexNode& node) {
  return node.kind == Kind::kLookahead || node.kind == Kind::kNegativeLookahead ||
         std::any_of(node.children.begin(), node.children.end(), has_lookahead);
}

CharDfa determinized(const RegexNode& node) {
  if (has_lookahead(node)) {
    throw Error(ErrorCode::kUnsupported,
                "a regular expression that looks ahead elsewhere than behind a ^ at its start");
  }
  const RegexProgram program = compile_regex(node);
  return Determinizer(program).run();
}

RegexNode anchored(std::vector<RegexNode> rest) {
  rest.insert(rest.begin(), RegexNode{.kind = Kind::kStart});
  return {.kind = Kind::kSequence, .children = std::move(rest)};
}

}  // namespace

CharDfa CharDfa::regex(const std::string& pattern) {
  const RegexNode root = parse_regex(pattern);
  // "^(?=a)(?!b)rest" is what rest matches from the start, and a does, and b doesn't.
  if (root.kind != Kind::kSequence || root.children.size() < 2 ||
      root.children[0].kind != Kind::kStart || !has_lookahead(root)) {
    return determinized(root);
  }
  CharDfa all = CharDfa::any();
  std::size_t at = 1;
  for (; at < root.children.size(); ++at) {
    const RegexNode& node = root.children[at];
    if (node.kind != Kind::kLookahead && node.kind != Kind::kNegativeLookahead) break;
    const CharDfa ahead = determinized(anchored(node.children));
    all = all.intersection(node.kind == Kind::kLookahead ? ahead : ahead.complement());
  }
  return all.intersection(determinized(
      anchored({root.children.begin() + static_cast<std::ptrdiff_t>(at), root.children.end()})));
}

}  // namespace orkestra::model
