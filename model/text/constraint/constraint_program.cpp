#include <orkestra/core/error.h>
#include <orkestra/model/text/constraint/constraint_program.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace orkestra::model {
namespace {

constexpr std::size_t kMaxInstructions = 2'000'000;
constexpr int kMaxDepth = 6000;

// Emits nodes from their end backwards: each knows the instruction that follows it. Nodes that
// several others lead to are emitted once per continuation.
class Emitter {
 public:
  Emitter(Grammar grammar, ConstraintProgram& program)
      : grammar_(std::move(grammar)), program_(program), cost_(grammar_.cost()) {}

  void run(NodeId root, bool allow_nothing) {
    grammar_.refuse_left_recursion();
    if (!productive(root) && !allow_nothing) {
      throw Error(ErrorCode::kInvalid,
                  "constraint: nothing can be written: a value must be copied that no source has");
    }
    if (productive(root) && cost_.nesting[root] > kMaxStackDepth) {
      throw Error(ErrorCode::kExhausted, "constraint: its simplest text is nested deeper than " +
                                             std::to_string(kMaxStackDepth));
    }
    fail_ = push({.op = Instruction::Op::kFail, .distance = GrammarCost::kMost});
    return_ = push({.op = Instruction::Op::kReturn});
    const std::uint32_t accept = push({.op = Instruction::Op::kAccept});
    rules_.resize(grammar_.rule_count());
    program_.entry = emit(root, accept);
    while (!open_rules_.empty()) {  // bodies are emitted outside of any recursion
      const RuleId rule = open_rules_.back();
      open_rules_.pop_back();
      const std::uint32_t body = emit(grammar_.body(rule), return_);
      // The rule's entry is an instruction of its own: calls were emitted before the body was.
      set(*rules_[rule], split({body}));
    }
    program_.dfas = std::move(grammar_.dfas());
    program_.spans = std::move(grammar_.spans());
    program_.strings = std::move(grammar_.strings());
    program_.numbers = std::move(grammar_.numbers());
    program_.number_tests = std::move(grammar_.number_tests());
  }

 private:
  bool productive(NodeId id) const { return cost_.bytes[id] != GrammarCost::kNone; }
  const Instruction& at(std::uint32_t pc) const { return program_.code[pc]; }
  std::uint32_t distance(std::uint32_t bytes, std::uint32_t next) const {
    return std::min(GrammarCost::kMost, bytes + at(next).distance);
  }

  std::uint32_t push(Instruction instruction) {
    if (program_.code.size() >= kMaxInstructions) {
      throw Error(ErrorCode::kExhausted, "constraint: a program of more than " +
                                             std::to_string(kMaxInstructions) + " instructions");
    }
    program_.code.push_back(instruction);
    return static_cast<std::uint32_t>(program_.code.size() - 1);
  }

  // Fills in what push() kept a place for; its distance was known then.
  void set(std::uint32_t pc, Instruction instruction) {
    instruction.distance = at(pc).distance;
    instruction.nesting = at(pc).nesting;
    program_.code[pc] = instruction;
  }

  Instruction split(const std::vector<std::uint32_t>& targets) {
    const auto first = static_cast<std::uint32_t>(program_.targets.size());
    program_.targets.insert(program_.targets.end(), targets.begin(), targets.end());
    Instruction out{.op = Instruction::Op::kSplit,
                    .a = first,
                    .b = static_cast<std::uint32_t>(targets.size()),
                    .distance = GrammarCost::kMost};
    for (const std::uint32_t target : targets) {
      if (at(target).distance >= out.distance) continue;
      out.distance = at(target).distance;
      out.nesting = at(target).nesting;
    }
    return out;
  }

  // An instruction that reads at least `bytes`.
  std::uint32_t push_reading(Instruction instruction, std::uint32_t bytes) {
    instruction.distance = distance(bytes, instruction.next);
    instruction.nesting = at(instruction.next).nesting;
    return push(instruction);
  }

  std::uint32_t emit(NodeId id, std::uint32_t next) {
    if (!productive(id)) return fail_;
    const auto key = std::make_pair(id, next);
    if (const auto it = done_.find(key); it != done_.end()) return it->second;
    if (++depth_ > kMaxDepth) {
      throw Error(ErrorCode::kExhausted, "constraint: nested too deeply");
    }
    const std::uint32_t pc = emit_new(id, next);
    --depth_;
    done_.emplace(key, pc);
    return pc;
  }

  std::uint32_t emit_new(NodeId id, std::uint32_t next) {
    using Kind = GrammarNode::Kind;
    using Op = Instruction::Op;
    const GrammarNode& node = grammar_.node(id);
    const std::uint32_t bytes = cost_.bytes[id];
    switch (node.kind) {
      case Kind::kEmpty:
        return next;
      case Kind::kNothing:
        return fail_;
      case Kind::kBytes:
        for (auto it = node.bytes.rbegin(); it != node.bytes.rend(); ++it) {
          const auto byte = static_cast<std::uint8_t>(*it);
          next = push_reading({.op = Op::kRange, .a = byte, .b = byte, .next = next}, 1);
        }
        return next;
      case Kind::kRange:
        return push_reading({.op = Op::kRange, .a = node.first, .b = node.last, .next = next}, 1);
      case Kind::kText:
        return push_reading({.op = Op::kText, .next = next}, 0);
      case Kind::kDfa:
        return push_reading({.op = Op::kDfa, .a = node.index, .next = next}, bytes);
      case Kind::kSpan:
        return push_reading({.op = Op::kSpan, .a = node.index, .next = next}, bytes);
      case Kind::kString:
        return push_reading({.op = Op::kString, .a = node.index, .next = next}, bytes);
      case Kind::kNumber:
        return push_reading({.op = Op::kNumber, .a = node.index, .next = next}, bytes);
      case Kind::kNumberText:
        return push_reading({.op = Op::kNumberText, .a = node.index, .next = next}, bytes);
      case Kind::kSpace:
        if (node.last == 0) return next;
        return push_reading({.op = Op::kSpace, .a = node.last, .next = next}, 0);
      case Kind::kObject:
        return emit_object(id, next);
      case Kind::kSequence:
        for (auto it = node.children.rbegin(); it != node.children.rend(); ++it) {
          next = emit(*it, next);
        }
        return next;
      case Kind::kAnyOf: {
        std::vector<std::uint32_t> targets;
        for (const NodeId child : node.children) {
          if (productive(child)) targets.push_back(emit(child, next));
        }
        return targets.size() == 1 ? targets.front() : push(split(targets));
      }
      case Kind::kRepeat:
        return emit_repeat(id, next);
      case Kind::kRule: {
        std::optional<std::uint32_t>& entry = rules_[node.index];
        if (!entry) {
          entry = push({.distance = bytes, .nesting = cost_.nesting[id]});
          open_rules_.push_back(node.index);
        }
        if (next == return_) return *entry;  // a tail call needs no frame
        return push({.op = Op::kCall,
                     .a = *entry,
                     .next = next,
                     .distance = distance(bytes, next),
                     .nesting = std::max(cost_.nesting[id], at(next).nesting)});
      }
    }
    return fail_;
  }

  std::uint32_t emit_repeat(NodeId id, std::uint32_t next) {
    const GrammarNode& node = grammar_.node(id);
    const NodeId child = node.children.front();
    if (node.last == 0 || !productive(child)) return next;
    if (node.first == 0 && node.last == kUnlimited) {
      const std::uint32_t loop = push({.distance = at(next).distance, .nesting = at(next).nesting});
      const std::uint32_t body = emit(child, loop);
      set(loop, split({body, next}));
      return loop;
    }
    const std::uint32_t loop = push({});
    const std::uint32_t body = emit(child, loop);
    set(loop, {.op = Instruction::Op::kLoop,
               .a = node.first,
               .b = node.last,
               .next = next,
               .body = body});
    return push({.op = Instruction::Op::kCount,
                 .next = loop,
                 .distance = distance(cost_.bytes[id], next),
                 .nesting = std::max(cost_.nesting[id], at(next).nesting)});
  }

  std::uint32_t emit_object(NodeId id, std::uint32_t next) {
    const GrammarObject& object = grammar_.object_at(grammar_.node(id).index);
    const auto index = static_cast<std::uint32_t>(program_.objects.size());
    program_.objects.emplace_back();
    ObjectCode code{.min = object.min, .max = object.max, .ordered = object.ordered};
    code.close = emit(object.close, next);
    code.comma_bytes = cost_.bytes[object.comma];
    const std::uint32_t again = push({.op = Instruction::Op::kMembers, .a = index, .b = 1});
    const auto add = [&](NodeId node, bool required, std::vector<ObjectCode::Member>& to) {
      if (!productive(node)) return;
      const std::uint32_t first = emit(node, again);
      to.push_back({.first = first,
                    .later = emit(object.comma, first),
                    .required = required,
                    .bytes = cost_.bytes[node]});
    };
    for (const GrammarObject::Member& member : object.members) {
      add(member.node, member.required, code.members);
    }
    for (const NodeId other : object.others) add(other, false, code.others);
    program_.objects[index] = std::move(code);
    const std::uint32_t members = push({.op = Instruction::Op::kMembers, .a = index, .b = 0});
    const std::uint32_t all = cost_.bytes[id] - cost_.bytes[object.open];
    const std::uint32_t start = push({.op = Instruction::Op::kObject,
                                      .a = index,
                                      .next = members,
                                      .distance = distance(all, next),
                                      .nesting = std::max(cost_.nesting[id], at(next).nesting)});
    return emit(object.open, start);
  }

  Grammar grammar_;
  ConstraintProgram& program_;
  GrammarCost cost_;
  std::map<std::pair<NodeId, std::uint32_t>, std::uint32_t> done_;
  std::vector<std::optional<std::uint32_t>> rules_;
  std::vector<RuleId> open_rules_;
  std::uint32_t fail_ = 0;
  std::uint32_t return_ = 0;
  int depth_ = 0;
};

}  // namespace

std::shared_ptr<const ConstraintProgram> compile_grammar(Grammar grammar, NodeId root,
                                                         bool allow_nothing) {
  auto program = std::make_shared<ConstraintProgram>();
  Emitter(std::move(grammar), *program).run(root, allow_nothing);
  return program;
}

}  // namespace orkestra::model
