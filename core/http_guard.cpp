#include <orkestra/core/error.h>
#include <orkestra/core/http_guard.h>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

namespace orkestra {
namespace {

constexpr std::size_t kMaxAddresses = 16;

struct Lookup {
  std::string host;
  std::mutex mutex;
  std::condition_variable_any changed;
  bool done = false;  // the rest is guarded by mutex until then
  int status = 0;
  std::vector<IpAddress> addresses;
};

IpAddress from_socket_address(const sockaddr* address) {
  IpAddress out;
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    out.v6 = true;
    std::memcpy(out.bytes.data(), &v6.sin6_addr, 16);
  } else {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    std::memcpy(out.bytes.data(), &v4.sin_addr, 4);
  }
  return out;
}

void look_up(Lookup& lookup) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(lookup.host.c_str(), nullptr, &hints, &found);
  std::vector<IpAddress> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    const IpAddress address = from_socket_address(each->ai_addr);
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(address);
    }
  }
  if (found != nullptr) ::freeaddrinfo(found);
  const std::lock_guard lock(lookup.mutex);
  lookup.done = true;
  lookup.status = status;
  lookup.addresses = std::move(addresses);
  lookup.changed.notify_all();
}

const HttpAllowance* allowance_for(const HttpUrl& url, const HttpPolicy& policy) {
  for (const HttpAllowance& allowance : policy.allowances) {
    const std::optional<IpAddress> literal = parse_ip_address(allowance.host);
    const std::string host = literal ? to_string(*literal) : allowance.host;
    if (host == url.host && allowance.port == url.port) return &allowance;
  }
  return nullptr;
}

bool permitted(AddressKind kind, const HttpAllowance* allowance) {
  if (kind == AddressKind::kPublic) return true;
  if (allowance == nullptr) return false;
  if (kind == AddressKind::kLoopback) return true;
  return allowance->reach == HttpAllowance::Reach::kLocalNetwork &&
         (kind == AddressKind::kPrivate || kind == AddressKind::kCarrier);
}

}  // namespace

std::vector<IpAddress> resolve_by_system(const std::string& host, const Limits& limits) {
  // RFC 6761, section 6.3: these are loopback whatever a resolver says, and whether or not it does.
  if (host == "localhost" || host.ends_with(".localhost")) {
    return {*parse_ip_address("127.0.0.1"), *parse_ip_address("::1")};
  }
  const auto lookup = std::make_shared<Lookup>();
  lookup->host = host;
  try {
    std::thread([lookup] { look_up(*lookup); }).detach();
  } catch (const std::system_error& e) {
    throw Error(ErrorCode::kExhausted, host + ": its address was not looked up: " + e.what());
  }
  std::unique_lock lock(lookup->mutex);
  const auto done = [&] { return lookup->done; };
  if (limits.deadline == SteadyTime::max()) {
    lookup->changed.wait(lock, limits.stop, done);
  } else {
    lookup->changed.wait_until(lock, limits.stop, limits.deadline, done);
  }
  if (!lookup->done) {
    const bool stopped = limits.stop.stop_requested();
    throw Error(stopped ? ErrorCode::kCancelled : ErrorCode::kDeadline,
                host + ": looking up its address " +
                    (stopped ? "was cancelled" : "took longer than the time left"));
  }
  if (lookup->status != 0) {
    throw Error(ErrorCode::kUnavailable,
                host + ": its address can't be looked up: " + ::gai_strerror(lookup->status));
  }
  return lookup->addresses;
}

std::vector<IpAddress> permitted_addresses(const HttpUrl& url, const HttpPolicy& policy,
                                           const Limits& limits) {
  const HttpAllowance* allowance = allowance_for(url, policy);
  if (allowance == nullptr &&
      std::find(policy.ports.begin(), policy.ports.end(), url.port) == policy.ports.end()) {
    throw Error(ErrorCode::kDenied, url.text() + ": port " + std::to_string(url.port) +
                                        " is not one that pages are fetched from");
  }
  std::vector<IpAddress> addresses;
  if (url.address) {
    addresses.push_back(*url.address);
  } else {
    addresses =
        policy.resolve ? policy.resolve(url.host, limits) : resolve_by_system(url.host, limits);
  }
  if (addresses.empty()) {
    throw Error(ErrorCode::kUnavailable, url.host + ": this host has no address");
  }
  // All are checked before the list is cut.
  for (const IpAddress& address : addresses) {
    const AddressKind kind = classify(address);
    if (permitted(kind, allowance)) continue;
    const std::string where = url.address ? "" : " leads to " + to_string(address) + ", which";
    throw Error(ErrorCode::kDenied, url.text() + where + " is " + std::string(name(kind)) +
                                        "; only public addresses are fetched from");
  }
  if (addresses.size() > kMaxAddresses) addresses.resize(kMaxAddresses);
  return addresses;
}

}  // namespace orkestra
