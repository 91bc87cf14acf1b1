#include <orkestra/core/net_address.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace orkestra {
namespace {

struct Range4 {
  std::uint32_t network;
  int prefix;
  AddressKind kind;
};

constexpr std::uint32_t ip4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24U | b << 16U | c << 8U | d;
}

constexpr auto kRanges4 = std::to_array<Range4>({
    {ip4(0, 0, 0, 0), 8, AddressKind::kUnspecified},
    {ip4(10, 0, 0, 0), 8, AddressKind::kPrivate},
    {ip4(100, 64, 0, 0), 10, AddressKind::kCarrier},
    {ip4(127, 0, 0, 0), 8, AddressKind::kLoopback},
    // A cloud's metadata service on an otherwise public address.
    {ip4(168, 63, 129, 16), 32, AddressKind::kLinkLocal},
    {ip4(169, 254, 0, 0), 16, AddressKind::kLinkLocal},
    {ip4(172, 16, 0, 0), 12, AddressKind::kPrivate},
    {ip4(192, 0, 0, 0), 24, AddressKind::kReserved},
    {ip4(192, 0, 2, 0), 24, AddressKind::kDocumentation},
    {ip4(192, 88, 99, 0), 24, AddressKind::kTunnel},
    {ip4(192, 168, 0, 0), 16, AddressKind::kPrivate},
    {ip4(198, 18, 0, 0), 15, AddressKind::kDocumentation},
    {ip4(198, 51, 100, 0), 24, AddressKind::kDocumentation},
    {ip4(203, 0, 113, 0), 24, AddressKind::kDocumentation},
    {ip4(224, 0, 0, 0), 4, AddressKind::kMulticast},
    {ip4(240, 0, 0, 0), 4, AddressKind::kReserved},
});

AddressKind classify4(std::uint32_t address) {
  for (const Range4& range : kRanges4) {
    const std::uint32_t mask = ~std::uint32_t{0} << static_cast<unsigned>(32 - range.prefix);
    if ((address & mask) == range.network) return range.kind;
  }
  return AddressKind::kPublic;
}

std::uint32_t ip4_at(const IpAddress& address, std::size_t offset) {
  const auto& b = address.bytes;
  return ip4(b[offset], b[offset + 1], b[offset + 2], b[offset + 3]);
}

struct Range6 {
  std::array<std::uint8_t, 16> network;
  int prefix;
  AddressKind kind;
};

// The more particular range comes first.
constexpr auto kRanges6 = std::to_array<Range6>({
    {{0xFE, 0x80}, 10, AddressKind::kLinkLocal},
    {{0xFE, 0xC0}, 10, AddressKind::kPrivate},
    {{0xFC}, 7, AddressKind::kPrivate},
    {{0xFF}, 8, AddressKind::kMulticast},
    {{0x00, 0x64, 0xFF, 0x9B, 0x00, 0x01}, 48, AddressKind::kTunnel},
    {{0x20, 0x01, 0x00, 0x00}, 32, AddressKind::kTunnel},         // Teredo
    {{0x20, 0x01, 0x00, 0x02}, 48, AddressKind::kDocumentation},  // benchmarks
    {{0x20, 0x01, 0x00, 0x00}, 23, AddressKind::kReserved},       // protocol assignments
    {{0x20, 0x01, 0x0D, 0xB8}, 32, AddressKind::kDocumentation},
    {{0x3F, 0xFF}, 20, AddressKind::kDocumentation},
    {{0x20, 0x02}, 16, AddressKind::kTunnel},  // 6to4
});

bool in_range(const IpAddress& address, const Range6& range) {
  for (int bit = 0; bit < range.prefix; bit += 8) {
    const auto i = static_cast<std::size_t>(bit / 8);
    const int left = std::min(8, range.prefix - bit);
    const auto mask = static_cast<std::uint8_t>(0xFFU << static_cast<unsigned>(8 - left));
    if ((address.bytes[i] & mask) != (range.network[i] & mask)) return false;
  }
  return true;
}

bool all_zero(const IpAddress& address, std::size_t begin, std::size_t end) {
  return std::all_of(address.bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                     address.bytes.begin() + static_cast<std::ptrdiff_t>(end),
                     [](std::uint8_t byte) { return byte == 0; });
}

AddressKind classify6(const IpAddress& address) {
  const auto& b = address.bytes;
  if (all_zero(address, 0, 15)) {
    if (b[15] == 0) return AddressKind::kUnspecified;
    if (b[15] == 1) return AddressKind::kLoopback;
  }
  if (all_zero(address, 0, 10) && b[10] == 0xFF && b[11] == 0xFF) {
    return classify4(ip4_at(address, 12));  // mapped: the system connects over IPv4
  }
  constexpr std::array<std::uint8_t, 4> kNat64{0x00, 0x64, 0xFF, 0x9B};
  if (std::equal(kNat64.begin(), kNat64.end(), b.begin()) && all_zero(address, 4, 12)) {
    return classify4(ip4_at(address, 12));
  }
  for (const Range6& range : kRanges6) {
    if (in_range(address, range)) return range.kind;
  }
  if ((b[0] & 0xE0U) != 0x20U) return AddressKind::kReserved;  // not in 2000::/3
  // ISATAP: an interface identifier that carries an IPv4 address to tunnel to.
  if ((b[8] & 0xFDU) == 0 && b[9] == 0 && b[10] == 0x5E && b[11] == 0xFE) {
    return AddressKind::kTunnel;
  }
  return AddressKind::kPublic;
}

}  // namespace

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  if (text.empty() || text.size() > INET6_ADDRSTRLEN) return std::nullopt;
  const std::string copy(text);
  if (copy.size() != std::strlen(copy.c_str())) return std::nullopt;
  IpAddress address;
  address.v6 = text.find(':') != std::string_view::npos;
  const int read = ::inet_pton(address.v6 ? AF_INET6 : AF_INET, copy.c_str(), address.bytes.data());
  if (read != 1) return std::nullopt;
  return address;
}

std::string to_string(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* written =
      ::inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text.data(), text.size());
  return written == nullptr ? "" : written;
}

AddressKind classify(const IpAddress& address) {
  return address.v6 ? classify6(address) : classify4(ip4_at(address, 0));
}

std::string_view name(AddressKind kind) {
  switch (kind) {
    case AddressKind::kPublic:
      return "a public address";
    case AddressKind::kLoopback:
      return "a loopback address";
    case AddressKind::kPrivate:
      return "an address of a private network";
    case AddressKind::kLinkLocal:
      return "a link-local address";
    case AddressKind::kCarrier:
      return "an address inside a carrier's network";
    case AddressKind::kUnspecified:
      return "an unspecified address";
    case AddressKind::kMulticast:
      return "a multicast address";
    case AddressKind::kDocumentation:
      return "an address for documentation or benchmarks";
    case AddressKind::kTunnel:
      return "a tunnelled address";
    case AddressKind::kReserved:
      break;
  }
  return "a reserved address";
}

}  // namespace orkestra
