// Connection: one client's socket, from its first byte to its last: reads requests within limits,
// hands each whole one on, writes the answer or the stream, again until either side ends it.
//
// Everything of it happens on the one thread that runs the io_context; no client, however slow,
// holds any thread. Owned by its own coroutine while that runs.
#pragma once

#include <orkestra/service/access.h>
#include <orkestra/service/http_message.h>
#include <orkestra/service/limits.h>
#include <orkestra/service/request_reader.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>

namespace orkestra::service {

// What all connections of a server share; the server's, used on its one thread.
struct ConnectionContext {
  const ServiceLimits& limits;
  const Access& access;
  // Takes a whole request to a thread that may block. Must not block itself.
  std::function<void(Request, Responder)> handle;
  std::size_t bodies_bytes = 0;  // held by all connections together
  bool stopping = false;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, ConnectionContext& context);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The whole life. Throws nothing that a client can cause.
  boost::asio::awaitable<void> run();
  // Instead of run(): one answer to whatever the client asks, and the end.
  boost::asio::awaitable<void> turn_away(Response response);
  // The service stops: streams end, an idle connection closes, an answer under way is sent.
  void wind_down();
  // At once.
  void abort();

 private:
  using Clock = std::chrono::steady_clock;

  boost::asio::awaitable<bool> read_request();
  boost::asio::awaitable<bool> read_more();
  boost::asio::awaitable<bool> serve();
  boost::asio::awaitable<std::optional<Response>> answer_to(Request request);
  boost::asio::awaitable<bool> send(Response response, bool close);
  boost::asio::awaitable<bool> send_stream(Stream& stream, bool chunked);
  boost::asio::awaitable<bool> write(std::string_view bytes);
  boost::asio::awaitable<void> wait_for_wake(Clock::time_point until);
  boost::asio::awaitable<void> drain();

  void allow(std::chrono::milliseconds time);  // for what is waited for next
  void watch_for_close();
  void wake();
  bool hold_body_bytes();
  bool wants_close() const;

  ConnectionContext& context_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer deadline_;
  boost::asio::steady_timer wake_timer_;
  RequestReader reader_;
  Clock::time_point end_;           // of the connection's time
  std::stop_source gone_;           // of the request under way
  std::optional<Response> answer_;  // came, not yet sent
  std::uint64_t allowance_ = 0;     // tells a deadline that was replaced from the one that holds
  std::uint64_t request_ = 0;       // tells a late answer from the one waited for
  std::size_t held_bytes_ = 0;      // this connection's part of bodies_bytes
  bool idle_ = true;                // between requests
  bool timed_out_ = false;
  bool closed_by_client_ = false;
  bool woken_ = false;
};

}  // namespace orkestra::service
