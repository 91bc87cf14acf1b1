#include <orkestra/core/error.h>
#include <orkestra/core/evidence.h>

#include <array>
#include <string_view>

namespace orkestra {
namespace {

constexpr std::array<std::string_view, 5> kOriginNames{"document", "url", "sql", "tool", "user"};

}  // namespace

Label join(const Label& a, const Label& b) {
  Label joined;
  const bool untrusted =
      a.integrity == Integrity::kUntrusted || b.integrity == Integrity::kUntrusted;
  const bool is_private = a.confidentiality == Confidentiality::kPrivate ||
                          b.confidentiality == Confidentiality::kPrivate;
  joined.integrity = untrusted ? Integrity::kUntrusted : Integrity::kTrusted;
  joined.confidentiality = is_private ? Confidentiality::kPrivate : Confidentiality::kPublic;
  return joined;
}

Json to_json(const Label& label) {
  return {{"integrity", label.integrity == Integrity::kTrusted ? "trusted" : "untrusted"},
          {"confidentiality",
           label.confidentiality == Confidentiality::kPublic ? "public" : "private"}};
}

Label label_from_json(const Json& json) {
  return reading_json("label", [&] {
    Label label;
    label.integrity =
        json.at("integrity") == "trusted" ? Integrity::kTrusted : Integrity::kUntrusted;
    label.confidentiality = json.at("confidentiality") == "public" ? Confidentiality::kPublic
                                                                   : Confidentiality::kPrivate;
    return label;
  });
}

Json to_json(const Origin& origin) {
  return {{"kind", kOriginNames.at(static_cast<std::size_t>(origin.kind))},
          {"locator", origin.locator},
          {"detail", origin.detail}};
}

Origin origin_from_json(const Json& json) {
  return reading_json("origin", [&] {
    Origin origin;
    const auto kind = json.at("kind").get<std::string>();
    std::size_t index = 0;
    while (index < kOriginNames.size() && kOriginNames.at(index) != kind) ++index;
    if (index == kOriginNames.size()) {
      throw Error(ErrorCode::kCorrupt, "origin: unknown kind \"" + kind + "\"");
    }
    origin.kind = static_cast<Origin::Kind>(index);
    origin.locator = json.at("locator").get<std::string>();
    origin.detail = json.at("detail");
    return origin;
  });
}

Json to_json(const Evidence& evidence) {
  return {{"id", evidence.id},
          {"quote", evidence.quote},
          {"value", evidence.value},
          {"description", evidence.description},
          {"origin", to_json(evidence.origin)},
          {"hash", evidence.hash},
          {"label", to_json(evidence.label)}};
}

Evidence evidence_from_json(const Json& json) {
  return reading_json("evidence", [&] {
    Evidence evidence;
    evidence.id = json.at("id").get<std::string>();
    evidence.quote = json.at("quote").get<std::string>();
    evidence.value = json.at("value");
    evidence.description = json.at("description").get<std::string>();
    evidence.origin = origin_from_json(json.at("origin"));
    evidence.hash = json.at("hash").get<std::string>();
    evidence.label = label_from_json(json.at("label"));
    return evidence;
  });
}

}  // namespace orkestra
