#include <orkestra/core/error.h>
#include <orkestra/core/net_address.h>
#include <orkestra/service/access.h>
#include <orkestra/service/chat_handlers.h>
#include <orkestra/service/connection.h>
#include <orkestra/service/error_response.h>
#include <orkestra/service/router.h>
#include <orkestra/service/run_events.h>
#include <orkestra/service/run_handlers.h>
#include <orkestra/service/run_pool.h>
#include <orkestra/service/server.h>
#include <orkestra/service/worker_pool.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <exception>
#include <set>
#include <utility>

namespace orkestra::service {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using SystemError = boost::system::error_code;

tcp::endpoint endpoint_of(const ServerOptions& options) {
  const std::string host = options.host == "localhost" ? "127.0.0.1" : options.host;
  SystemError error;
  const asio::ip::address address = asio::ip::make_address(host, error);
  if (error) {
    throw Error(ErrorCode::kInvalid,
                "host \"" + options.host + "\" is no address: give one, such as 127.0.0.1 or ::1");
  }
  return {address, options.port};
}

bool is_loopback(const tcp::endpoint& endpoint) {
  const auto address = parse_ip_address(endpoint.address().to_string());
  return address && classify(*address) == AddressKind::kLoopback;
}

}  // namespace

// Everything there is, in the order in which it is needed: the last is destroyed first.
struct Server::Listening {
  Listening(agent::Agent& agent, ServerOptions given)
      : options(std::move(given)),
        endpoint(endpoint_of(options)),
        access({.api_key = options.api_key,
                .hosts = options.hosts,
                .origins = options.origins,
                .any_address = !is_loopback(endpoint)}),
        acceptor(io),
        pause(io),
        housekeeping(io),
        grace(io),
        context{.limits = options.limits, .access = access, .handle = {}},
        events(agent.journal()),
        runs(agent, events, options.limits.run_workers, options.limits.max_queued_runs),
        run_handlers(agent, runs, events, options.limits),
        chats(agent, runs, options.model_name, options.limits),
        handlers(options.limits.handler_workers, options.limits.max_connections) {
    if (!is_loopback(endpoint) && options.api_key.empty()) {
      throw Error(ErrorCode::kDenied,
                  "listening on " + options.host +
                      " lets other machines in: that needs an API key (--api-key-file FILE or "
                      "ORKESTRA_API_KEY)");
    }
    options.api_key.clear();
    listen();
    router.add("GET", "/healthz", [](const Request&, const Responder& respond) {
      respond(json_response(200, {{"status", "ok"}}));
    });
    run_handlers.add_routes(router);
    chats.add_routes(router);
    context.handle = [this](Request request, Responder respond) {
      const bool accepted =
          handlers.submit([this, request, respond] { router.route(request, respond); });
      if (!accepted) {
        respond(error_response(Error(ErrorCode::kUnavailable, "too much to do; try again later")));
      }
    };
  }

  void listen() {
    const auto check = [&](const SystemError& error) {
      if (!error) return;
      throw Error(ErrorCode::kUnavailable, "can't listen on " + options.host + ", port " +
                                               std::to_string(options.port) + ": " +
                                               error.message());
    };
    SystemError error;
    acceptor.open(endpoint.protocol(), error);
    check(error);
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    check(error);
    acceptor.bind(endpoint, error);
    check(error);
    acceptor.listen(asio::socket_base::max_listen_connections, error);
    check(error);
    endpoint = acceptor.local_endpoint(error);
    check(error);
  }

  asio::awaitable<void> accept_all() {
    while (!context.stopping) {
      SystemError error;
      tcp::socket socket =
          co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (context.stopping) break;
      if (error) {
        // Out of descriptors, most likely: the connections there are must end first.
        pause.expires_after(std::chrono::milliseconds(50));
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
        continue;
      }
      take(std::move(socket));
    }
  }

  // Too many connections: some more are told so, further ones are just closed.
  void take(tcp::socket socket) {
    constexpr std::size_t kMaxTurnedAway = 64;
    const std::size_t max = options.limits.max_connections;
    if (connections.size() >= max + kMaxTurnedAway) return;
    const bool welcome = welcomed < max;
    if (welcome) ++welcomed;
    auto connection = std::make_shared<Connection>(std::move(socket), context);
    connections.insert(connection);
    asio::co_spawn(
        io,
        [connection, welcome] {
          if (welcome) return connection->run();
          return connection->turn_away(error_response(
              Error(ErrorCode::kUnavailable, "too many connections are open; try again later")));
        },
        [this, connection, welcome](const std::exception_ptr& failed) {
          connections.erase(connection);
          if (welcome) --welcomed;
          if (!failed) return;
          try {
            std::rethrow_exception(failed);
          } catch (const std::exception& error) {
            std::fprintf(stderr, "orkestra: internal error: a connection: %s\n", error.what());
          }
        });
  }

  // Another process may work on, answer or end a run of the same store.
  void keep_house() {
    housekeeping.expires_after(options.limits.heartbeat);
    housekeeping.async_wait([this](const SystemError& error) {
      if (error || context.stopping) return;
      handlers.submit([this] {
        for (const std::string& run : events.watched()) {
          try {
            if (runs.work_on(run) == RunPool::Work::kNone) events.refresh(run);
          } catch (const Error& failed) {
            events.interrupt(run, failed);
          }
        }
      });
      keep_house();
    });
  }

  void wind_down() {
    if (std::exchange(context.stopping, true)) return;
    SystemError ignored;
    acceptor.close(ignored);
    pause.cancel();
    housekeeping.cancel();
    // Their answers still reach the connections that wait for them.
    runs.stop();
    chats.stop();
    for (const auto& connection : std::set(connections)) connection->wind_down();
    grace.expires_after(options.limits.stop_grace);
    grace.async_wait([this](const SystemError& error) {
      if (error) return;
      for (const auto& connection : std::set(connections)) connection->abort();
    });
    watch_for_end();
  }

  // The timer of the grace must not keep the loop running once everybody has gone.
  void watch_for_end() {
    if (connections.empty()) {
      grace.cancel();
      return;
    }
    pause.expires_after(std::chrono::milliseconds(5));
    pause.async_wait([this](const SystemError&) { watch_for_end(); });
  }

  ServerOptions options;
  tcp::endpoint endpoint;
  Access access;
  asio::io_context io{1};
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  asio::steady_timer housekeeping;
  asio::steady_timer grace;
  std::set<std::shared_ptr<Connection>> connections;
  std::size_t welcomed = 0;  // of these; the others are being turned away
  ConnectionContext context;
  RunEvents events;
  RunPool runs;
  RunHandlers run_handlers;
  Router router;
  ChatHandlers chats;
  WorkerPool handlers;
};

Server::Server(agent::Agent& agent, ServerOptions options)
    : listening_(std::make_unique<Listening>(agent, std::move(options))) {}

Server::~Server() = default;

std::uint16_t Server::port() const { return listening_->endpoint.port(); }

void Server::run() {
  Listening& all = *listening_;
  all.runs.take_up_unfinished();
  asio::co_spawn(all.io, all.accept_all(), asio::detached);
  all.keep_house();
  all.io.run();
  // Nobody is connected any more; what they had begun ends here.
  all.handlers.join();
  all.chats.join();
  all.runs.join();
}

void Server::stop() {
  asio::post(listening_->io, [all = listening_.get()] { all->wind_down(); });
}

}  // namespace orkestra::service
