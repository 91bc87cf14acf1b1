#include <orkestra/core/error.h>
#include <orkestra/core/regex.h>
#include <orkestra/core/text.h>

#include <algorithm>
#include <map>
#include <utility>

namespace orkestra {
namespace {

constexpr std::size_t kMaxInstructions = 50'000;
constexpr std::size_t kMaxSteps = 200'000'000;

using Kind = RegexNode::Kind;
using Op = RegexProgram::Instruction::Op;

// Emits from the end backwards: each part knows the instruction behind it.
class Emitter {
 public:
  RegexProgram run(const RegexNode& node) {
    const std::uint32_t match = push({.op = Op::kMatch});
    out_.start = emit(node, match);
    return std::move(out_);
  }

 private:
  std::uint32_t push(RegexProgram::Instruction instruction) {
    if (out_.code.size() >= kMaxInstructions) {
      throw Error(ErrorCode::kExhausted,
                  "a regular expression of more than 50000 steps; use fewer repetitions");
    }
    out_.code.push_back(instruction);
    return static_cast<std::uint32_t>(out_.code.size() - 1);
  }

  std::uint32_t class_of(const CodePoints& points) {
    const auto it = std::find(out_.classes.begin(), out_.classes.end(), points);
    if (it != out_.classes.end()) return static_cast<std::uint32_t>(it - out_.classes.begin());
    out_.classes.push_back(points);
    return static_cast<std::uint32_t>(out_.classes.size() - 1);
  }

  std::uint32_t emit(const RegexNode& node, std::uint32_t next) {
    switch (node.kind) {
      case Kind::kEmpty:
        return next;
      case Kind::kClass:
        return push({.op = Op::kClass, .a = class_of(node.points), .b = next});
      case Kind::kSequence:
        for (auto it = node.children.rbegin(); it != node.children.rend(); ++it) {
          next = emit(*it, next);
        }
        return next;
      case Kind::kAlternatives: {
        std::uint32_t all = emit(node.children.back(), next);
        for (std::size_t i = node.children.size() - 1; i-- > 0;) {
          all = push({.op = Op::kSplit, .a = emit(node.children[i], next), .b = all});
        }
        return all;
      }
      case Kind::kRepeat:
        return emit_repeat(node, next);
      case Kind::kLookahead:
      case Kind::kNegativeLookahead: {
        out_.looks = true;
        const std::uint32_t match = push({.op = Op::kMatch});
        const std::uint32_t inner = emit(node.children.front(), match);
        const bool negative = node.kind == Kind::kNegativeLookahead;
        return push({.op = negative ? Op::kNotLook : Op::kLook, .a = inner, .b = next});
      }
      default:
        return push({.op = Op::kAssert, .b = next, .assertion = node.kind});
    }
  }

  std::uint32_t emit_repeat(const RegexNode& node, std::uint32_t next) {
    const RegexNode& child = node.children.front();
    if (node.max == RegexNode::kUnlimited) {
      const std::uint32_t loop = push({.op = Op::kSplit, .b = next});
      const std::uint32_t body = emit(child, loop);
      out_.code[loop].a = body;
      next = loop;
    } else {
      const std::uint32_t end = next;
      for (std::uint32_t i = node.min; i < node.max; ++i) {
        const std::uint32_t body = emit(child, next);
        next = push({.op = Op::kSplit, .a = body, .b = end});
      }
    }
    for (std::uint32_t i = 0; i < node.min; ++i) next = emit(child, next);
    return next;
  }

  RegexProgram out_;
};

bool is_word(std::int32_t c) {
  return c >= 0 && word_code_points().contains(static_cast<std::uint32_t>(c));
}

// One text against one program: a set of threads walks over the code points.
class Search {
 public:
  Search(const RegexProgram& program, const std::vector<std::int32_t>& text)
      : program_(program), text_(text) {}

  // Whether the program from `start` on matches: somewhere, or (anchored) from `from` on.
  bool run(std::uint32_t start, std::size_t from, bool anchored, int depth) {
    std::vector<std::uint32_t> now, next;
    std::vector<std::size_t> seen(program_.code.size(), SIZE_MAX);
    for (std::size_t at = from;; ++at) {
      // The threads that wait before text_[at].
      std::vector<std::uint32_t> open = std::exchange(now, {});
      if (!anchored || at == from) open.push_back(start);
      while (!open.empty()) {
        const std::uint32_t pc = open.back();
        open.pop_back();
        if (seen[pc] == at) continue;
        seen[pc] = at;
        if (++steps > kMaxSteps) return false;
        const RegexProgram::Instruction& in = program_.code[pc];
        if (in.op == Op::kMatch) return true;
        if (in.op == Op::kClass) {
          now.push_back(pc);
        } else if (in.op == Op::kSplit) {
          open.push_back(in.b);
          open.push_back(in.a);
        } else if (in.op == Op::kAssert ? holds(in.assertion, at) : looks(in, at, depth)) {
          open.push_back(in.b);
        }
      }
      if (at == text_.size() || (now.empty() && anchored)) return false;
      next.clear();
      for (const std::uint32_t pc : now) {
        const RegexProgram::Instruction& in = program_.code[pc];
        const std::int32_t c = text_[at] < 0 ? 0xFFFD : text_[at];
        if (program_.classes[in.a].contains(static_cast<std::uint32_t>(c))) next.push_back(in.b);
      }
      now.swap(next);
    }
  }

  std::size_t steps = 0;

 private:
  bool holds(Kind assertion, std::size_t at) const {
    if (assertion == Kind::kStart) return at == 0;
    if (assertion == Kind::kEnd) return at == text_.size();
    const bool before = at > 0 && is_word(text_[at - 1]);
    const bool after = at < text_.size() && is_word(text_[at]);
    return (before != after) == (assertion == Kind::kWordEdge);
  }

  bool looks(const RegexProgram::Instruction& in, std::size_t at, int depth) {
    if (depth > 100) {
      steps = kMaxSteps + 1;
      return false;
    }
    const auto key = std::make_pair(in.a, at);
    auto known = known_.find(key);
    if (known == known_.end()) {
      const bool found = run(in.a, at, true, depth + 1);
      known = known_.emplace(key, found).first;
    }
    return known->second == (in.op == Op::kLook);
  }

  const RegexProgram& program_;
  const std::vector<std::int32_t>& text_;
  std::map<std::pair<std::uint32_t, std::size_t>, bool> known_;
};

}  // namespace

RegexProgram compile_regex(const RegexNode& node) { return Emitter().run(node); }

Regex::Regex(std::string pattern)
    : pattern_(std::move(pattern)), program_(compile_regex(parse_regex(pattern_))) {}

std::optional<bool> Regex::found_in(std::string_view text) const {
  std::vector<std::int32_t> points;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    points.push_back(point.value);
    at += point.size;
  }
  Search search(program_, points);
  const bool found = search.run(program_.start, 0, false, 0);
  if (search.steps > kMaxSteps) return std::nullopt;
  return found;
}

}  // namespace orkestra
