// What the evaluator's own files share: guards, and the objects it hands to templates.
#pragma once

#include <orkestra/model/text/jinja/jinja_evaluator.h>

#include <algorithm>
#include <cstddef>

namespace orkestra::model::jinja {

// One level of nesting of the evaluation while it lives.
class Nesting {
 public:
  explicit Nesting(Budget& budget) : budget_(budget) { budget_.enter(); }
  ~Nesting() { budget_.leave(); }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  Budget& budget_;
};

// While it lives, output is collected apart.
class Capture {
 public:
  explicit Capture(Text& output) : output_(output), outer_(std::exchange(output, Text())) {}
  ~Capture() { output_ = std::move(outer_); }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

 private:
  Text& output_;
  Text outer_;
};

class Evaluator::Enter {
 public:
  Enter(Evaluator& evaluator, std::shared_ptr<Scope> around)
      : evaluator_(evaluator), outer_(evaluator.scope_) {
    evaluator_.scope_ = std::make_shared<Scope>(Scope{{}, std::move(around)});
  }
  ~Enter() { evaluator_.scope_ = std::move(outer_); }
  Enter(const Enter&) = delete;
  Enter& operator=(const Enter&) = delete;

 private:
  Evaluator& evaluator_;
  std::shared_ptr<Scope> outer_;
};

// A macro, or the body of a {% call %}, with the scope it was written in.
class Evaluator::MacroObject final : public Object {
 public:
  MacroObject(Evaluator& evaluator, std::shared_ptr<const Macro> macro,
              const std::shared_ptr<Scope>& scope)
      : evaluator_(evaluator), macro_(std::move(macro)), scope_(scope) {}
  std::string_view kind() const override { return "macro"; }
  Value member(TextView name) const override;
  Value call(std::string_view method, const CallArguments& arguments) override;
  int depth() const override { return 0; }

 private:
  Evaluator& evaluator_;
  std::shared_ptr<const Macro> macro_;
  std::weak_ptr<Scope> scope_;  // the scope holds the macro
};

// The variable `loop`.
class Evaluator::LoopObject final : public Object {
 public:
  LoopObject(Evaluator& evaluator, const Node& node, const std::shared_ptr<Scope>& around,
             List items, int depth)
      : evaluator_(evaluator),
        node_(node),
        around_(around),
        items_(std::move(items)),
        depth_(depth) {
    for (const Value& item : items_) held_ = std::max(held_, item.depth());
  }
  std::string_view kind() const override { return "loop"; }
  Value member(TextView name) const override;
  Value call(std::string_view method, const CallArguments& arguments) override;
  int depth() const override { return held_; }

  // What `changed` saw may be the loop itself; it goes when the loop ends.
  class Forgets {
   public:
    explicit Forgets(LoopObject& loop) : loop_(loop) {}
    ~Forgets() { loop_.seen_ = Value(); }
    Forgets(const Forgets&) = delete;
    Forgets& operator=(const Forgets&) = delete;

   private:
    LoopObject& loop_;
  };

  const List& items() const { return items_; }
  std::size_t at() const { return at_; }
  void advance() { ++at_; }

 private:
  Evaluator& evaluator_;
  const Node& node_;
  std::weak_ptr<Scope> around_;
  List items_;
  int depth_;     // of recursion, from 1
  int held_ = 0;  // of the elements
  std::size_t at_ = 0;
  Value seen_;  // by loop.changed
};

// Namespaces can change, so one inside another value could come to hold itself.
void refuse_namespace(const Value& value, int line);

}  // namespace orkestra::model::jinja
