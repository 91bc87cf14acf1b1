#include <orkestra/core/error.h>
#include <orkestra/core/json_schema.h>
#include <orkestra/planner/report.h>
#include <orkestra/service/body_json.h>
#include <orkestra/service/error_response.h>
#include <orkestra/service/run_handlers.h>
#include <orkestra/service/stream_buffer.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace orkestra::service {
namespace {

constexpr std::size_t kMaxTaskBytes = std::size_t{64} << 10U;
constexpr std::size_t kMaxRequirements = 32;
constexpr std::int64_t kMaxListed = 1000;

std::int64_t whole_number(const std::string& text, const std::string& name, std::int64_t max) {
  std::int64_t value = -1;
  const auto end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value < 0 || value > max) {
    throw Error(ErrorCode::kInvalid,
                name + " must be a whole number from 0 to " + std::to_string(max));
  }
  return value;
}

// Enough to recognise it by; the report has the whole.
std::string shortened(const std::string& task) {
  constexpr std::size_t kBytes = 500;
  if (task.size() <= kBytes) return task;
  std::size_t end = kBytes;
  while (end > 0 && (static_cast<unsigned char>(task[end]) & 0xC0U) == 0x80U) --end;
  return task.substr(0, end) + "...";
}

Json work_json(RunPool::Work work) {
  if (work == RunPool::Work::kQueued) return "queued";
  if (work == RunPool::Work::kRunning) return "running";
  return nullptr;
}

}  // namespace

RunHandlers::RunHandlers(agent::Agent& agent, RunPool& pool, RunEvents& events,
                         const ServiceLimits& limits)
    : agent_(agent),
      pool_(pool),
      events_(events),
      limits_(limits),
      open_streams_(std::make_shared<std::atomic<std::size_t>>(0)) {}

void RunHandlers::add_routes(Router& router) {
  const auto add = [&](const char* method, const char* pattern, auto member) {
    router.add(method, pattern, [this, member](const Request& request, const Responder& respond) {
      (this->*member)(request, respond);
    });
  };
  add("POST", "/v1/runs", &RunHandlers::create);
  add("GET", "/v1/runs", &RunHandlers::list);
  add("GET", "/v1/runs/{}", &RunHandlers::show);
  add("GET", "/v1/runs/{}/events", &RunHandlers::follow);
  add("POST", "/v1/runs/{}/approve", &RunHandlers::approve);
  add("POST", "/v1/runs/{}/cancel", &RunHandlers::cancel);
  add("POST", "/v1/runs/{}/resume", &RunHandlers::resume);
}

void RunHandlers::create(const Request& request, const Responder& respond) {
  const Json body = body_object(request, limits_.max_json_depth);
  refuse_unknown(body, {"task", "requirements", "schema", "budget", "seed", "wait"});
  const std::string task = text_member(body, "task").value_or("");
  if (task.empty() || task.size() > kMaxTaskBytes) {
    throw Error(ErrorCode::kInvalid,
                "task must be a text of 1 to " + std::to_string(kMaxTaskBytes) + " bytes");
  }
  agent::TaskOptions options{.requirements = texts_member(body, "requirements", kMaxRequirements),
                             .schema = body.value("schema", Json()),
                             .budget = text_member(body, "budget").value_or("")};
  if (!options.schema.is_null()) JsonSchema::compile(options.schema);
  if (const auto seed = integer_member(body, "seed", 0, std::numeric_limits<std::int64_t>::max())) {
    options.seed = static_cast<std::uint64_t>(*seed);
  }
  if (!bool_member(body, "wait").value_or(false)) {
    const std::string run = pool_.begin(task, options);
    Response response = json_response(202, {{"id", run}, {"status", "unfinished"}});
    response.headers.emplace_back("Location", "/v1/runs/" + run);
    return respond(std::move(response));
  }
  pool_.begin(task, options, [respond](const RunPool::Outcome& outcome) {
    respond(outcome.error ? error_response(*outcome.error) : json_response(200, outcome.report));
  });
}

void RunHandlers::list(const Request& request, const Responder& respond) {
  const auto limit = static_cast<std::size_t>(
      whole_number(request.query_value("limit").value_or("100"), "limit", kMaxListed));
  std::vector<planner::RunSummary> runs = agent_.journal().list();
  std::erase_if(runs, [](const planner::RunSummary& run) { return run.events == 0; });
  std::reverse(runs.begin(), runs.end());
  const std::size_t total = runs.size();
  runs.resize(std::min(limit, total));
  Json data = Json::array();
  for (const planner::RunSummary& run : runs) {
    data.push_back({{"id", run.run},
                    {"status", run.status},
                    {"work", work_json(pool_.work_on(run.run))},
                    {"task", shortened(run.task)},
                    {"started_ms", run.started_ms},
                    {"last_ms", run.last_ms},
                    {"events", run.events}});
  }
  respond(json_response(
      200, {{"object", "list"}, {"data", std::move(data)}, {"has_more", total > runs.size()}}));
}

void RunHandlers::show(const Request& request, const Responder& respond) {
  const std::string& run = request.captures.at(0);
  // Asked before the journal is read: a run that nobody works on any more has its last event.
  const RunPool::Work work = pool_.work_on(run);
  const std::vector<planner::Event> events = agent_.journal().read(run);
  if (events.empty()) throw Error(ErrorCode::kNotFound, "run " + run + " has not begun");
  Json report = planner::make_report(planner::fold(events));
  report["events"] = events.size();
  report["work"] = work_json(work);
  const auto failure = pool_.failure(run);
  report["error"] = failure ? error_json(*failure).at("error") : Json();
  respond(json_response(200, report));
}

void RunHandlers::follow(const Request& request, const Responder& respond) {
  const std::string& run = request.captures.at(0);
  std::string after = request.query_value("after").value_or("0");
  if (const std::string* last = find_header(request.headers, "last-event-id")) after = *last;
  const std::int64_t seen =
      whole_number(after, "Last-Event-ID", std::numeric_limits<std::int32_t>::max());
  std::shared_ptr<void> place = take_stream_place();
  const std::shared_ptr<RunFeed> feed = events_.open(run);
  if (std::cmp_greater(seen, feed->size())) {
    throw Error(ErrorCode::kInvalid, "Last-Event-ID is " + after + ", but run " + run + " has " +
                                         std::to_string(feed->size()) + " events");
  }
  if (const auto failure = pool_.failure(run)) feed->interrupt(*failure);
  auto stream = std::make_unique<RunEventStream>(feed, seen, std::move(place));
  // Nothing will ever follow: 204 tells a browser's EventSource not to come back.
  if (stream->exhausted()) return respond({.status = 204});
  respond({.content_type = kEventStreamType, .stream = std::move(stream)});
}

void RunHandlers::approve(const Request& request, const Responder& respond) {
  const std::string& run = request.captures.at(0);
  const Json body = body_object(request, limits_.max_json_depth);
  refuse_unknown(body, {"approved", "note"});
  const auto approved = bool_member(body, "approved");
  if (!approved) throw Error(ErrorCode::kInvalid, "approved must be true or false");
  pool_.answer(
      run, {.approved = *approved, .by = "rest", .note = text_member(body, "note").value_or("")});
  respond(json_response(202, {{"id", run}, {"status", "unfinished"}}));
}

void RunHandlers::cancel(const Request& request, const Responder& respond) {
  const std::string& run = request.captures.at(0);
  const Json body = body_object(request, limits_.max_json_depth, true);
  refuse_unknown(body, {"note"});
  pool_.cancel(
      run, text_member(body, "note").value_or("called off"),
      [respond, run](const RunPool::Outcome& outcome) {
        respond(outcome.error
                    ? error_response(*outcome.error)
                    : json_response(200, {{"id", run}, {"status", outcome.report.at("status")}}));
      });
}

void RunHandlers::resume(const Request& request, const Responder& respond) {
  const std::string& run = request.captures.at(0);
  refuse_unknown(body_object(request, limits_.max_json_depth, true), {});
  pool_.resume(run);
  respond(json_response(202, {{"id", run}, {"status", "unfinished"}}));
}

std::shared_ptr<void> RunHandlers::take_stream_place() {
  if (open_streams_->fetch_add(1) >= limits_.max_streams) {
    open_streams_->fetch_sub(1);
    throw Error(ErrorCode::kExhausted, "too many event streams are open; read GET /v1/runs/ID");
  }
  return {nullptr, [count = open_streams_](void*) { count->fetch_sub(1); }};
}

}  // namespace orkestra::service
