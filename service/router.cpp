#include <orkestra/core/error.h>
#include <orkestra/service/error_response.h>
#include <orkestra/service/router.h>

#include <cstdio>
#include <exception>

namespace orkestra::service {
namespace {

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the '/'
    const std::size_t end = std::min(path.find('/'), path.size());
    segments.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path,
             std::vector<std::string>& captures) {
  if (pattern.size() != path.size()) return false;
  captures.clear();
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (pattern[i] == "{}" && !path[i].empty()) {
      captures.push_back(path[i]);
    } else if (pattern[i] != path[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

void Router::add(std::string method, std::string_view pattern, Handler handler) {
  routes_.push_back({std::move(method), segments_of(pattern), std::move(handler)});
}

void Router::route(Request request, const Responder& respond) const {
  try {
    const std::vector<std::string> path = segments_of(request.path);
    std::string methods;
    for (const Route& route : routes_) {
      if (!matches(route.segments, path, request.captures)) continue;
      if (route.method == request.method) return route.handler(request, respond);
      methods += (methods.empty() ? "" : ", ") + route.method;
    }
    if (methods.empty()) return respond(refusal(404, "there is nothing at " + request.path));
    Response response =
        refusal(405, request.path + " takes " + methods + ", not " + request.method);
    response.headers.emplace_back("Allow", methods);
    respond(std::move(response));
  } catch (const Error& error) {
    respond(error_response(error));
  } catch (const std::exception& error) {
    // Ours to know, not the client's.
    std::fprintf(stderr, "orkestra: internal error: %s %s: %s\n", request.method.c_str(),
                 request.path.c_str(), error.what());
    respond(error_response(Error(ErrorCode::kInternal, "an internal error; see the log")));
  }
}

}  // namespace orkestra::service
