#include <orkestra/core/error.h>
#include <orkestra/service/connection.h>
#include <orkestra/service/error_response.h>
#include <orkestra/service/response_bytes.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <ctime>
#include <utility>

namespace orkestra::service {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using SystemError = boost::system::error_code;

constexpr std::size_t kReadBytes = std::size_t{16} << 10U;
constexpr std::size_t kWriteBytes = std::size_t{64} << 10U;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

Request request_of(const RequestHead& head, std::string body, std::stop_token gone) {
  const std::size_t query = std::min(head.target.find('?'), head.target.size());
  return {.method = head.method == "HEAD" ? "GET" : head.method,
          .path = head.target.substr(0, query),
          .query = head.target.substr(std::min(query + 1, head.target.size())),
          .headers = head.headers,
          .body = std::move(body),
          .gone = std::move(gone)};
}

}  // namespace

Connection::Connection(tcp::socket socket, ConnectionContext& context)
    : context_(context),
      socket_(std::move(socket)),
      deadline_(socket_.get_executor()),
      wake_timer_(socket_.get_executor()),
      reader_({.head = context.limits.head, .max_body_bytes = context.limits.max_body_bytes}),
      end_(Clock::now() + context.limits.connection_time) {}

Connection::~Connection() { context_.bodies_bytes -= held_bytes_; }

asio::awaitable<void> Connection::run() {
  SystemError ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
  bool open = true;
  while (open) {
    open = co_await read_request();
    if (open) open = co_await serve();
    gone_.request_stop();
    idle_ = true;
    if (open) reader_.next();
    hold_body_bytes();
  }
  ++allowance_;
  deadline_.cancel();
  socket_.close(ignored);
}

asio::awaitable<void> Connection::turn_away(Response response) {
  SystemError ignored;
  socket_.non_blocking(true, ignored);
  co_await send(std::move(response), true);
  deadline_.cancel();
  socket_.close(ignored);
}

void Connection::wind_down() {
  if (idle_ && reader_.untouched()) {
    abort();
  } else {
    wake();
  }
}

void Connection::abort() {
  gone_.request_stop();
  SystemError ignored;
  socket_.close(ignored);
  wake();
}

// One deadline holds at a time; it ends whatever the socket is waiting for.
void Connection::allow(std::chrono::milliseconds time) {
  timed_out_ = false;
  deadline_.expires_after(time);
  deadline_.async_wait([self = shared_from_this(), mine = ++allowance_](const SystemError& error) {
    if (error || mine != self->allowance_) return;
    self->timed_out_ = true;
    SystemError ignored;
    self->socket_.cancel(ignored);
  });
}

// True when a whole request lies in the reader. False: the connection is to be closed; what the
// client could be told, it was told.
asio::awaitable<bool> Connection::read_request() {
  const ServiceLimits& limits = context_.limits;
  if (context_.stopping) co_return false;
  bool begun = !reader_.untouched();
  allow(begun ? limits.head_time : limits.idle_time);
  while (reader_.state() == RequestReader::State::kHead) {
    const bool more = co_await read_more();
    if (!more) {
      if (timed_out_ && begun) {
        co_await send(refusal(408, "the head of the request did not come in time"), true);
      }
      co_return false;
    }
    if (!begun) allow(limits.head_time);
    begun = true;
  }
  idle_ = false;
  if (reader_.state() != RequestReader::State::kRefused) {
    if (std::optional<Response> refused = context_.access.check(reader_.head())) {
      co_await send(std::move(*refused), true);
      co_return false;
    }
  }
  if (reader_.state() == RequestReader::State::kBody) {
    if (const std::string* expect = find_header(reader_.head().headers, "expect")) {
      if (lower(*expect) != "100-continue") {
        co_await send(refusal(417, "the only expectation known is 100-continue"), true);
        co_return false;
      }
      const bool written =
          reader_.head().minor == 0 || co_await write("HTTP/1.1 100 Continue\r\n\r\n");
      if (!written) co_return false;
    }
    allow(limits.body_time);
  }
  while (reader_.state() == RequestReader::State::kBody) {
    const bool more = co_await read_more();
    if (!more) {
      if (timed_out_) {
        co_await send(refusal(408, "the body of the request did not come in time"), true);
      }
      co_return false;
    }
    if (!hold_body_bytes()) {
      reader_.abandon();
      hold_body_bytes();
      co_await send(error_response(Error(ErrorCode::kUnavailable,
                                         "too many large requests at once; try again later")),
                    true);
      co_return false;
    }
  }
  if (reader_.state() == RequestReader::State::kRefused) {
    co_await send(refusal(reader_.status(), "the request has " + reader_.problem()), true);
    co_return false;
  }
  co_return true;
}

asio::awaitable<bool> Connection::read_more() {
  std::array<char, kReadBytes> bytes;
  SystemError error;
  const std::size_t got = co_await socket_.async_read_some(
      asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return false;
  reader_.push({bytes.data(), got});
  co_return true;
}

// False when all connections together hold more than they may.
bool Connection::hold_body_bytes() {
  const std::size_t now = reader_.held_bytes();
  context_.bodies_bytes += now;
  context_.bodies_bytes -= held_bytes_;
  held_bytes_ = now;
  return context_.bodies_bytes <= context_.limits.max_bodies_bytes;
}

bool Connection::wants_close() const {
  const RequestHead& head = reader_.head();
  const std::string* connection = find_header(head.headers, "connection");
  return head.minor == 0 || context_.stopping || Clock::now() >= end_ ||
         (connection != nullptr && lower(*connection).find("close") != std::string::npos);
}

// Answers the request that lies in the reader. True when another one may follow.
asio::awaitable<bool> Connection::serve() {
  const Headers more = context_.access.cross_origin_headers(reader_.head());
  std::optional<Response> response = context_.access.preflight(reader_.head());
  if (!response) {
    gone_ = std::stop_source();
    Request request =
        request_of(reader_.head(), std::exchange(reader_.body(), {}), gone_.get_token());
    response = co_await answer_to(std::move(request));
  }
  if (!response) co_return false;
  for (const auto& header : more) response->headers.push_back(header);
  const bool close = wants_close();
  const bool sent = co_await send(std::move(*response), close);
  co_return sent && !close;
}

// Nothing when the connection broke meanwhile.
asio::awaitable<std::optional<Response>> Connection::answer_to(Request request) {
  answer_.reset();
  closed_by_client_ = false;
  const std::uint64_t mine = ++request_;
  context_.handle(std::move(request),
                  Responder([weak = weak_from_this(), executor = socket_.get_executor(),
                             mine](Response response) {
                    // A copyable holder: what is posted must be.
                    auto carried = std::make_shared<Response>(std::move(response));
                    asio::post(executor, [weak, carried, mine] {
                      const auto self = weak.lock();
                      if (!self || self->request_ != mine) return;
                      self->answer_ = std::move(*carried);
                      self->wake();
                    });
                  }));
  ++allowance_;  // the answer has a time of its own
  timed_out_ = false;
  watch_for_close();
  const Clock::time_point until = Clock::now() + context_.limits.answer_time;
  while (!answer_ && Clock::now() < until) {
    woken_ = false;
    co_await wait_for_wake(until);
    // A client that half closed still gets what is already on its way.
    if (closed_by_client_ || context_.stopping) gone_.request_stop();
    if (!socket_.is_open()) co_return std::nullopt;
  }
  if (answer_) co_return std::exchange(answer_, std::nullopt);
  ++request_;
  gone_.request_stop();
  co_return error_response(
      Error(ErrorCode::kDeadline, "no answer in the time given; a run goes on: see GET /v1/runs"));
}

// While an answer is computed or streamed, nothing is read; the end is noticed all the same.
void Connection::watch_for_close() {
  socket_.async_wait(tcp::socket::wait_read, [weak = weak_from_this()](const SystemError& failed) {
    const auto self = weak.lock();
    if (!self || failed) return;
    char byte = 0;
    SystemError error;
    const std::size_t got =
        self->socket_.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, error);
    if (error == asio::error::would_block) return self->watch_for_close();
    if (got > 0) return;  // the next request already; what comes after it is not seen
    self->closed_by_client_ = true;
    self->wake();
  });
}

void Connection::wake() {
  woken_ = true;
  wake_timer_.cancel();
}

asio::awaitable<void> Connection::wait_for_wake(Clock::time_point until) {
  if (woken_) co_return;
  wake_timer_.expires_at(until);
  SystemError ignored;
  co_await wake_timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

// True when all of it was sent.
asio::awaitable<bool> Connection::send(Response response, bool close) {
  SystemError ignored;
  const bool has_head = reader_.state() != RequestReader::State::kRefused &&
                        reader_.state() != RequestReader::State::kHead;
  const bool head_only = has_head && reader_.head().method == "HEAD";
  const bool chunked = response.stream && has_head && reader_.head().minor == 1;
  // An older client learns the end of a stream from the end of the connection.
  const bool closes = close || (response.stream && !chunked);
  const std::string head =
      response_head(response, {.close = closes, .chunked = chunked, .now = std::time(nullptr)});
  bool sent = co_await write(head);
  if (sent && !head_only) {
    if (response.stream) {
      sent = co_await send_stream(*response.stream, chunked);
    } else {
      sent = co_await write(response.body);
    }
  }
  ++allowance_;
  if (sent && closes) {
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    co_await drain();
  } else {
    socket_.cancel(ignored);  // the watch for the client's end
  }
  co_return sent;
}

asio::awaitable<bool> Connection::send_stream(Stream& stream, bool chunked) {
  const ServiceLimits& limits = context_.limits;
  stream.when_ready([weak = weak_from_this(), executor = socket_.get_executor()] {
    asio::post(executor, [weak] {
      if (const auto self = weak.lock()) self->wake();
    });
  });
  const Clock::time_point end = std::min(Clock::now() + limits.stream_time, end_);
  bool last = false;
  while (!last) {
    if (closed_by_client_ || !socket_.is_open()) co_return false;
    if (context_.stopping || Clock::now() >= end) break;
    woken_ = false;
    Stream::Piece piece = stream.next();
    last = piece.last;
    if (piece.bytes.empty() && !last) {
      const Clock::time_point until = std::min(end, Clock::now() + limits.heartbeat);
      co_await wait_for_wake(until);
      if (woken_ || Clock::now() < until) continue;
      piece.bytes = stream.heartbeat();
    }
    if (piece.bytes.empty()) continue;
    const std::string bytes = chunked ? chunk(piece.bytes) : std::move(piece.bytes);
    const bool written = co_await write(bytes);
    if (!written) co_return false;
  }
  if (!chunked) co_return true;
  const bool ended = co_await write(kLastChunk);
  co_return ended;
}

// A client that takes nothing for too long is given up.
asio::awaitable<bool> Connection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, kWriteBytes);
    allow(context_.limits.write_time);
    SystemError error;
    co_await asio::async_write(socket_, asio::buffer(part),
                               asio::redirect_error(asio::use_awaitable, error));
    ++allowance_;
    if (error) co_return false;
    bytes.remove_prefix(part.size());
  }
  co_return true;
}

// Closing with bytes unread would reset the connection before the client has read the answer.
asio::awaitable<void> Connection::drain() {
  constexpr std::chrono::milliseconds kTime{1000};
  constexpr std::size_t kMaxBytes = std::size_t{1} << 20U;
  std::array<char, kReadBytes> bytes;
  SystemError error;
  if (reader_.state() == RequestReader::State::kComplete) co_return;  // nothing is under way
  allow(kTime);
  for (std::size_t read = 0; read < kMaxBytes && !error;) {
    read += co_await socket_.async_read_some(asio::buffer(bytes),
                                             asio::redirect_error(asio::use_awaitable, error));
  }
  ++allowance_;
}

}  // namespace orkestra::service
