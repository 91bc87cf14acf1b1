#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <orkestra/core/error.h>
#include <orkestra/core/http_transport.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <optional>
#include <stop_token>
#include <utility>

namespace orkestra {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCodeOf = boost::system::error_code;

tcp::endpoint endpoint_of(const IpAddress& address, std::uint16_t port) {
  if (address.v6) return {asio::ip::address_v6(address.bytes), port};
  return {asio::ip::address_v4(
              {address.bytes[0], address.bytes[1], address.bytes[2], address.bytes[3]}),
          port};
}

bool closed_by_peer(const ErrorCodeOf& error) {
  return error == asio::error::broken_pipe || error == asio::error::connection_reset ||
         error == asio::error::eof || error == asio::ssl::error::stream_truncated;
}

}  // namespace

struct HttpTransport::Connection {
  Connection(std::string peer_name, const Limits& call_limits)
      : peer(std::move(peer_name)),
        limits(call_limits),
        socket(io),
        wake(limits.stop, [this] { asio::post(io, [] {}); }) {}

  // Starts an operation and runs it to its end; nullopt when `until` came first. The deadline and
  // a stop request end it with an Error.
  template <typename Start>
  std::optional<ErrorCodeOf> finish(Start start, SteadyTime until = SteadyTime::max()) {
    std::optional<ErrorCodeOf> result;
    io.restart();
    start([&](const ErrorCodeOf& error) { result = error; });
    while (!result) {
      const bool stopped = limits.stop.stop_requested();
      const SteadyTime now = std::chrono::steady_clock::now();
      if (stopped || now >= limits.deadline || now >= until) {
        ErrorCodeOf ignored;
        socket.close(ignored);
        io.restart();
        while (!result && io.run_one() > 0) {
        }
        if (stopped) throw Error(ErrorCode::kCancelled, peer + ": the request was cancelled");
        if (now < limits.deadline) return std::nullopt;
        throw Error(ErrorCode::kDeadline, peer + ": no complete reply in the time given");
      }
      const SteadyTime wait_until = std::min(limits.deadline, until);
      if (wait_until == SteadyTime::max()) {
        io.run_one();
      } else {
        io.run_one_until(wait_until);
      }
      // The wake-up of a stop request is work of its own; more may be to come.
      if (io.stopped()) io.restart();
    }
    return result;
  }

  [[noreturn]] void fail(const std::string& what, const ErrorCodeOf& error) const {
    throw Error(ErrorCode::kUnavailable, peer + ": " + what + ": " + error.message());
  }

  std::string peer;
  Limits limits;
  asio::io_context io;
  tcp::socket socket;
  std::optional<asio::ssl::context> tls_context;
  std::optional<asio::ssl::stream<tcp::socket&>> tls;
  // Last: it is gone before what it wakes.
  std::stop_callback<std::function<void()>> wake;
};

HttpTransport::HttpTransport(std::string peer, const Limits& limits)
    : connection_(std::make_unique<Connection>(std::move(peer), limits)) {}

HttpTransport::~HttpTransport() = default;

void HttpTransport::connect(const std::vector<IpAddress>& addresses, std::uint16_t port,
                            std::chrono::milliseconds timeout_per_address) {
  Connection& c = *connection_;
  std::string failures;
  for (const IpAddress& address : addresses) {
    ErrorCodeOf ignored;
    c.socket.close(ignored);
    const auto error = c.finish(
        [&](auto done) { c.socket.async_connect(endpoint_of(address, port), std::move(done)); },
        std::chrono::steady_clock::now() + timeout_per_address);
    if (error && !*error) {
      c.socket.set_option(tcp::no_delay(true), ignored);
      return;
    }
    failures += (failures.empty() ? "" : "; ") + to_string(address) + " port " +
                std::to_string(port) + ": " + (error ? error->message() : "no answer");
  }
  throw Error(ErrorCode::kUnavailable,
              c.peer + ": no connection (" + failures + "); is the server running?");
}

void HttpTransport::secure(const std::string& host, const std::filesystem::path& ca_file) {
  Connection& c = *connection_;
  c.tls_context.emplace(asio::ssl::context::tls_client);
  ErrorCodeOf error;
  ::SSL_CTX_set_min_proto_version(c.tls_context->native_handle(), TLS1_2_VERSION);
  c.tls_context->set_verify_mode(asio::ssl::verify_peer);
  if (ca_file.empty()) {
    c.tls_context->set_default_verify_paths(error);
  } else {
    c.tls_context->load_verify_file(ca_file.string(), error);
  }
  if (error) {
    throw Error(ErrorCode::kNotFound,
                (ca_file.empty() ? "the system's certificates" : ca_file.string()) +
                    ": can't be read: " + error.message());
  }
  c.tls.emplace(c.socket, *c.tls_context);
  SSL* ssl = c.tls->native_handle();
  // OpenSSL itself then holds the certificate's names against the host during the handshake.
  const bool literal = parse_ip_address(host).has_value();
  const int named = literal ? ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), host.c_str())
                            : ::SSL_set1_host(ssl, host.c_str());
  if (named != 1) throw Error(ErrorCode::kInvalid, host + ": can't be checked as a TLS host name");
  if (!literal && ::SSL_set_tlsext_host_name(ssl, host.c_str()) != 1) {
    throw Error(ErrorCode::kInvalid, host + ": can't be sent as a TLS host name");
  }
  const auto handshake = c.finish(
      [&](auto done) { c.tls->async_handshake(asio::ssl::stream_base::client, std::move(done)); });
  if (!*handshake) return;
  const long verified = ::SSL_get_verify_result(ssl);
  if (verified != X509_V_OK) {
    throw Error(ErrorCode::kDenied, c.peer + ": its certificate is not accepted: " +
                                        ::X509_verify_cert_error_string(verified));
  }
  c.fail("the TLS handshake failed", *handshake);
}

bool HttpTransport::write(std::string_view bytes) {
  Connection& c = *connection_;
  const auto error = c.finish([&](auto done) {
    auto handler = [done](const ErrorCodeOf& ec, std::size_t) { done(ec); };
    const asio::const_buffer buffer(bytes.data(), bytes.size());
    if (c.tls) {
      asio::async_write(*c.tls, buffer, handler);
    } else {
      asio::async_write(c.socket, buffer, handler);
    }
  });
  if (!*error) return true;
  if (closed_by_peer(*error)) return false;
  c.fail("the request can't be sent", *error);
}

std::size_t HttpTransport::read(char* into, std::size_t size) {
  Connection& c = *connection_;
  std::size_t count = 0;
  const auto error = c.finish([&](auto done) {
    auto handler = [done, &count](const ErrorCodeOf& ec, std::size_t n) {
      count = n;
      done(ec);
    };
    const asio::mutable_buffer buffer(into, size);
    if (c.tls) {
      c.tls->async_read_some(buffer, handler);
    } else {
      c.socket.async_read_some(buffer, handler);
    }
  });
  if (!*error) return count;
  if (*error == asio::error::eof) return 0;
  if (*error == asio::ssl::error::stream_truncated) {
    // Whoever cut the line could have cut the text: not the end the server meant.
    throw Error(ErrorCode::kUnavailable, c.peer + ": the connection was cut without a TLS goodbye");
  }
  c.fail("the reply can't be read", *error);
}

}  // namespace orkestra
