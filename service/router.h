// Router: method and path -> handler. Filled by one thread, then read by any number. What a
// handler throws becomes the answer.
#pragma once

#include <orkestra/service/http_message.h>

#include <string>
#include <string_view>
#include <vector>

namespace orkestra::service {

class Router {
 public:
  // `pattern`: "/v1/runs/{}/events"; a {} stands for one segment and becomes a capture.
  void add(std::string method, std::string_view pattern, Handler handler);

  // Calls the handler on this thread. Answers 404 for an unknown path, 405 with the methods that
  // there are for a known one.
  void route(Request request, const Responder& respond) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    Handler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace orkestra::service
