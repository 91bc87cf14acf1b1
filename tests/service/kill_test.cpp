// The real `orkestra serve`, killed with kill -9 in the middle of fifty runs and started again:
// every run that was accepted is finished. And stopped by SIGTERM, as an init system would.
#include <orkestra/tests/catch.h>
#include <orkestra/tests/service/service_fixture.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <csignal>
#include <fstream>
#include <set>
#include <sstream>

namespace orkestra::service {
namespace {

// The program as a child process; killed when it goes out of scope.
class ServeProcess {
 public:
  explicit ServeProcess(const planner::RunFixture& files, std::vector<std::string> more = {})
      : log_(files.file("serve.log")) {
    std::vector<std::string> arguments{ORKESTRA_BINARY_DIR "/bin/orkestra",
                                       "serve",
                                       "--port",
                                       "0",
                                       "--model",
                                       "script:" + files.file("script.jsonl").string(),
                                       "--db",
                                       files.file("sales.db").string(),
                                       "--queries",
                                       files.file("queries.sql").string(),
                                       "--store",
                                       files.file("store.db").string()};
    for (std::string& each : more) arguments.push_back(std::move(each));
    std::filesystem::remove(log_);
    std::vector<char*> argv;
    for (std::string& each : arguments) argv.push_back(each.data());
    argv.push_back(nullptr);
    const std::string log = log_.string();
    child_ = fork();
    if (child_ == 0) {
      const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      dup2(out, STDOUT_FILENO);
      dup2(out, STDERR_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    const std::string mark = "127.0.0.1:";
    while (port_ == 0 && !ended()) {
      const std::string text = output();
      const std::size_t at = text.find(mark);
      if (at != std::string::npos && text.find('\n', at) != std::string::npos) {
        port_ = static_cast<std::uint16_t>(std::stoi(text.substr(at + mark.size())));
      }
    }
  }
  ~ServeProcess() { end(SIGKILL); }
  ServeProcess(const ServeProcess&) = delete;
  ServeProcess& operator=(const ServeProcess&) = delete;

  // The wait status.
  int end(int signal) {
    if (child_ <= 0) return status_;
    kill(child_, signal);
    waitpid(child_, &status_, 0);
    child_ = -1;
    return status_;
  }
  // For a program that ends by itself.
  int wait() { return end(0); }
  std::uint16_t port() const { return port_; }
  std::string output() const {
    std::ifstream file(log_);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

 private:
  bool ended() {
    if (child_ > 0 && waitpid(child_, &status_, WNOHANG) == child_) child_ = -1;
    return child_ <= 0;
  }

  std::filesystem::path log_;
  pid_t child_ = -1;
  int status_ = 0;
  std::uint16_t port_ = 0;
};

Json ask(std::uint16_t port, const std::string& method, const std::string& target,
         const Json& body = nullptr) {
  Client client(port);
  const Reply reply = client.ask(method, target, body.is_null() ? "" : dump_json(body));
  return reply.status == 0 ? Json() : reply.json();
}

}  // namespace

TEST_CASE("kill -9 in the middle of fifty runs: all of them finish after the next start") {
  const planner::RunFixture files;
  files.write("script.jsonl", kScript);
  constexpr std::size_t kRuns = 50;
  std::set<std::string> accepted;
  std::size_t finished = 0;
  {
    ServeProcess serve(files, {"--runs", "2"});
    CAPTURE(serve.output());
    REQUIRE(serve.port() != 0);
    Client client(serve.port());
    for (std::size_t i = 0; i < kRuns; ++i) {
      const Reply reply = client.ask("POST", "/v1/runs", dump_json({{"task", kTask}}));
      REQUIRE(reply.status == 202);
      accepted.insert(reply.json().at("id"));
    }
    serve.end(SIGKILL);
  }
  {
    const auto journal = planner::Journal::open(files.file("store.db"));
    for (const planner::RunSummary& run : journal->list()) {
      finished += run.status == "verified" ? 1 : 0;
    }
  }
  CHECK(accepted.size() == kRuns);
  CHECK(finished < kRuns);  // it was in the middle
  ServeProcess serve(files);
  REQUIRE(serve.port() != 0);
  for (const std::string& run : accepted) {
    Client client(serve.port());
    client.send(client.request("GET", "/v1/runs/" + run + "/events"));
    REQUIRE(client.read_head().status == 200);
    std::string last;
    client.read_events([&](const ServerEvent& event) {
      last = Json::parse(event.data).value("kind", "");
      return true;
    });
    CAPTURE(run);
    REQUIRE(last == "run_finished");
    const Json report = ask(serve.port(), "GET", "/v1/runs/" + run);
    REQUIRE(report.at("status") == "verified");
    REQUIRE(report.at("answer") == kAnswer);
  }
}

TEST_CASE("SIGTERM and SIGINT end the service in order, with exit 0") {
  const planner::RunFixture files;
  files.write("script.jsonl", kScript);
  for (const int signal : {SIGTERM, SIGINT}) {
    ServeProcess serve(files);
    REQUIRE(serve.port() != 0);
    Client idle(serve.port());
    REQUIRE(ask(serve.port(), "GET", "/healthz").at("status") == "ok");
    const int status = serve.end(signal);
    CAPTURE(serve.output());
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(serve.output().find("stopped") != std::string::npos);
    CHECK(idle.read_to_end().empty());
  }
}

TEST_CASE("a start that can't be is explained, with exit 2 for what was asked wrongly") {
  const planner::RunFixture files;
  files.write("script.jsonl", kScript);
  files.write("key", "too-short\n");
  const auto fails = [&](std::vector<std::string> more, int exit_status,
                         const std::string& mention) {
    ServeProcess serve(files, std::move(more));
    const int status = serve.wait();
    CAPTURE(serve.output());
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == exit_status);
    CHECK(serve.output().find(mention) != std::string::npos);
  };
  fails({"--host", "0.0.0.0"}, 1, "--api-key-file");
  fails({"--host", "example.org"}, 2, "example.org");
  fails({"--api-key-file", files.file("key").string()}, 2, "16");
  fails({"--api-key-file", files.file("none").string()}, 1, "none");
  fails({"--allow-origin", "*"}, 2, "*");
  fails({"--port", "99999"}, 2, "--port");
}

}  // namespace orkestra::service
