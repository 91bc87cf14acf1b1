// RequestReader: one connection's bytes -> requests, one after another. The head is checked by
// core/http_framing before Beast sees a byte of it; Beast then decodes the body. Pure: fed by the
// connection and by whoever mutates bytes. Owned by one thread. Beast stays in the .cpp.
#pragma once

#include <orkestra/core/http_framing.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace orkestra::service {

struct ReadLimits {
  FramingLimits head{};
  std::size_t max_body_bytes = 0;
};

class RequestReader {
 public:
  enum class State {
    kHead,      // the head has not come whole
    kBody,      // head() holds; the body has not come whole
    kComplete,  // head() and body() hold
    kRefused,   // status() and problem() hold; nothing further on this connection can be trusted
  };

  explicit RequestReader(const ReadLimits& limits);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  // Takes bytes as they come; more than one request may be in them. Stops at kComplete: what
  // follows is kept for next().
  State push(std::string_view bytes);
  // Forgets the complete request and goes on with what came after it.
  State next();

  // Gives back what it holds: nothing further on this connection is of interest.
  void abandon();

  State state() const;
  bool untouched() const;  // not a byte of a request has come
  std::size_t held_bytes() const;
  const RequestHead& head() const;
  std::string& body();
  int status() const;  // 400, 413, 414, 431, 501, 505
  const std::string& problem() const;

 private:
  struct Reading;
  std::unique_ptr<Reading> reading_;
};

}  // namespace orkestra::service
