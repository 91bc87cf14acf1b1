// TlsIdentity: a certificate made on the spot, signed by itself, for tests of TLS on loopback.
// Immutable after construction; a TlsSession belongs to one thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace orkestra::test {

// The server's side of one TLS connection; says goodbye when destroyed.
class TlsSession {
 public:
  virtual ~TlsSession() = default;
  virtual std::size_t read(char* into, std::size_t size) = 0;  // 0 at the end
  virtual bool write(std::string_view bytes) = 0;
};

class TlsIdentity {
 public:
  // For the DNS name or address `host`. `days` may be negative: expired.
  explicit TlsIdentity(const std::string& host, int days = 1);
  ~TlsIdentity();
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  // Writes the certificate as PEM: the client's file of roots.
  void write_certificate(const std::filesystem::path& file) const;
  // Nothing when the handshake fails.
  std::unique_ptr<TlsSession> accept(int socket) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace orkestra::test
