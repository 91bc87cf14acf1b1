#include <orkestra/apps/run_view.h>

#include <iomanip>
#include <ostream>
#include <sstream>
#include <string>

namespace orkestra::apps {
namespace {

std::string shortened(const std::string& text, std::size_t limit = 160) {
  return text.size() <= limit ? text : text.substr(0, limit) + "...";
}

const char* mark(const std::string& verdict) {
  if (verdict == "supported" || verdict == "met") return "ok ";
  if (verdict == "contradicted" || verdict == "not_met") return "NO ";
  return "?  ";
}

void print_claims(std::ostream& out, const Json& report) {
  if (report.at("claims").empty()) return;
  out << "\nVerification\n";
  for (const Json& claim : report.at("claims")) {
    const auto verdict = claim.value("verdict", "");
    out << "  " << mark(verdict) << verdict << ": " << claim.value("text", "") << "\n";
    const auto reason = claim.value("reason", "");
    if (!reason.empty()) out << "       " << reason << "\n";
    for (const Json& evidence : claim.value("evidence", Json::array())) {
      out << "       quote: " << shortened(evidence.value("quote", "")) << "\n";
      const Json& origin = evidence.at("origin");
      out << "       from:  " << origin.value("kind", "") << " " << origin.value("locator", "");
      if (origin.at("detail").contains("sql")) {
        out << "\n              " << shortened(origin.at("detail").at("sql").get<std::string>());
        out << "  " << dump_json_spaced(origin.at("detail").value("params", Json::object()));
      }
      out << "\n";
    }
  }
}

void print_requirements(std::ostream& out, const Json& report) {
  for (const Json& result : report.at("requirements_result").at("requirements")) {
    const auto status = result.value("status", "");
    out << "  " << mark(status) << "requirement \"" << result.value("name", "") << "\": " << status;
    const auto reason = result.value("reason", "");
    out << (reason.empty() ? "" : " (" + reason + ")") << "\n";
  }
}

}  // namespace

void print_event(std::ostream& out, const planner::Event& event, const planner::RunState& state) {
  const Json& body = event.body;
  if (event.kind == "run_started") {
    out << "run " << event.run << "  model " << state.spec.model << " (" << state.spec.model_kind
        << ")\n";
  } else if (event.kind == "run_resumed") {
    out << "run " << event.run << " resumed after " << event.seq - 1 << " events\n";
  } else if (event.kind == "tool_intended") {
    out << "  " << body.at("step").get<std::string>() << " "
        << body.at("call").at("name").get<std::string>()
        << dump_json_spaced(body.at("call").at("arguments")) << "\n";
  } else if (event.kind == "tool_finished") {
    out << "     -> " << shortened(body.at("turn").at("text").get<std::string>()) << "\n";
  } else if (event.kind == "tool_refused") {
    out << "  " << body.at("step").get<std::string>() << " "
        << body.at("call").at("name").get<std::string>()
        << dump_json_spaced(body.at("call").at("arguments")) << "\n     -> "
        << shortened(body.at("turn").at("text").get<std::string>(), 400) << "\n";
  } else if (event.kind == "approval_given") {
    out << (body.at("approved").get<bool>() ? "  approved" : "  declined") << " by "
        << body.at("by").get<std::string>() << "\n";
  } else if (event.kind == "generated" && state.branch().draft) {
    out << "  draft: " << shortened(state.drafts[*state.branch().draft].answer) << "\n";
  } else if (event.kind == "draft_checked" && !body.at("verified").get<bool>()) {
    out << "  refused: " << shortened(body.at("reason").get<std::string>(), 400) << "\n";
  } else if (event.kind == "branch_opened") {
    out << "  " << event.branch << ": back to turn " << body.at("turns") << " of "
        << body.at("from").get<std::string>() << "\n";
  }
}

void print_report(std::ostream& out, const Json& report) {
  const auto status = report.value("status", "");
  const auto answer = report.value("answer", "");
  if (status == "waiting") {
    const Json& asked = report.at("approval");
    const auto id = report.value("id", "");
    out << "\nwaiting for approval: " << asked.value("tool", "")
        << dump_json_spaced(asked.at("arguments")) << "\n  " << asked.value("reason", "")
        << "\n  let it happen:  orkestra runs approve " << id
        << "\n  go on without:  orkestra runs approve " << id << " --decline\n";
    return;
  }
  out << "\n" << (answer.empty() ? "No answer." : answer) << "\n";
  print_claims(out, report);
  print_requirements(out, report);
  out << "\n" << status;
  const auto reason = report.value("reason", "");
  if (!reason.empty()) out << ": " << reason;
  const Json& usage = report.at("usage");
  out << "\n"
      << std::fixed << std::setprecision(2) << usage.at("seconds").get<double>() << " s, "
      << usage.at("tool_calls") << " tool calls, " << usage.at("prompt_tokens")
      << " prompt tokens of which " << usage.at("reused_tokens") << " reused, "
      << usage.at("generated_tokens") << " written";
  out << "\n";
}

Json event_json(const planner::Event& event) {
  return {{"run", event.run},     {"seq", event.seq},
          {"epoch", event.epoch}, {"branch", event.branch},
          {"kind", event.kind},   {"version", event.version},
          {"at_ms", event.at_ms}, {"label", to_json(event.label)},
          {"body", event.body},   {"prev_hash", event.prev_hash},
          {"hash", event.hash}};
}

}  // namespace orkestra::apps
