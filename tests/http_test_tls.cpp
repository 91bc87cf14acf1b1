#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <orkestra/core/net_address.h>
#include <orkestra/tests/http_test_tls.h>

#include <cstdio>
#include <stdexcept>

namespace orkestra::test {
namespace {

class Session final : public TlsSession {
 public:
  explicit Session(SSL* ssl) : ssl_(ssl) {}
  ~Session() override {
    ::SSL_shutdown(ssl_);
    ::SSL_free(ssl_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::size_t read(char* into, std::size_t size) override {
    std::size_t n = 0;
    return ::SSL_read_ex(ssl_, into, size, &n) == 1 ? n : 0;
  }
  bool write(std::string_view bytes) override {
    std::size_t n = 0;
    return ::SSL_write_ex(ssl_, bytes.data(), bytes.size(), &n) == 1;
  }

 private:
  SSL* ssl_;
};

}  // namespace

struct TlsIdentity::Parts {
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  SSL_CTX* context = nullptr;
  ~Parts() {
    ::SSL_CTX_free(context);
    ::X509_free(certificate);
    ::EVP_PKEY_free(key);
  }
};

TlsIdentity::TlsIdentity(const std::string& host, int days) : parts_(std::make_unique<Parts>()) {
  Parts& p = *parts_;
  p.key = ::EVP_EC_gen("P-256");
  p.certificate = ::X509_new();
  X509* x = p.certificate;
  ::X509_set_version(x, 2);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(x), 1);
  constexpr long kDay = 24L * 60 * 60;
  ::X509_gmtime_adj(::X509_getm_notBefore(x), -30 * kDay);
  ::X509_gmtime_adj(::X509_getm_notAfter(x), days * kDay);
  ::X509_set_pubkey(x, p.key);
  ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("orkestra test"), -1, -1, 0);
  ::X509_set_issuer_name(x, ::X509_get_subject_name(x));
  const std::string names = (parse_ip_address(host) ? "IP:" : "DNS:") + host;
  for (const auto& [kind, value] : {std::pair<int, std::string>{NID_subject_alt_name, names},
                                    {NID_basic_constraints, "CA:TRUE"}}) {
    X509_EXTENSION* extension = ::X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    ::X509_add_ext(x, extension, -1);
    ::X509_EXTENSION_free(extension);
  }
  p.context = ::SSL_CTX_new(::TLS_server_method());
  if (::X509_sign(x, p.key, ::EVP_sha256()) == 0 || ::SSL_CTX_use_certificate(p.context, x) != 1 ||
      ::SSL_CTX_use_PrivateKey(p.context, p.key) != 1) {
    throw std::runtime_error("no test certificate for " + host);
  }
}

TlsIdentity::~TlsIdentity() = default;

void TlsIdentity::write_certificate(const std::filesystem::path& file) const {
  FILE* out = std::fopen(file.c_str(), "wb");
  if (out == nullptr || ::PEM_write_X509(out, parts_->certificate) != 1) {
    throw std::runtime_error(file.string() + " can't be written");
  }
  std::fclose(out);
}

std::unique_ptr<TlsSession> TlsIdentity::accept(int socket) const {
  SSL* ssl = ::SSL_new(parts_->context);
  ::SSL_set_fd(ssl, socket);
  if (::SSL_accept(ssl) != 1) {
    ::SSL_free(ssl);
    return nullptr;
  }
  return std::make_unique<Session>(ssl);
}

}  // namespace orkestra::test
