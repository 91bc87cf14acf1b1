// IpAddress: one IPv4 or IPv6 address as bytes, and what kind of place it leads to. Decisions about
// where a connection may go are made on these bytes, never on how somebody wrote them. Plain values
// and pure functions, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace orkestra {

struct IpAddress {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 uses the first four
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

// The usual text forms only: four decimal numbers without leading zeros, or RFC 4291 without a
// zone.
std::optional<IpAddress> parse_ip_address(std::string_view text);
std::string to_string(const IpAddress& address);

// After the registries of special-purpose addresses (RFC 6890 and its successors). Whatever is not
// known to be public is not public.
enum class AddressKind {
  kPublic,
  kLoopback,     // this machine: 127/8, ::1
  kPrivate,      // RFC 1918, unique local, site local
  kLinkLocal,    // 169.254/16 (where clouds keep their credentials), fe80::/10
  kCarrier,      // 100.64/10, shared by a carrier's customers
  kUnspecified,  // 0/8, :: (which many systems connect to themselves)
  kMulticast,
  kDocumentation,  // and benchmarks: not routed
  kTunnel,         // 6to4, Teredo, ISATAP, local NAT64: another address inside this one decides
  kReserved,       // everything else that is not global unicast
};

// IPv4 inside IPv6 (mapped, NAT64's well-known prefix) is classified as that IPv4 address.
AddressKind classify(const IpAddress& address);
std::string_view name(AddressKind kind);  // "a loopback address"

}  // namespace orkestra
