#include <orkestra/core/text.h>
#include <orkestra/tools/policy.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace orkestra::tools {
namespace {

constexpr std::array<std::string_view, 3> kNames{"allow", "ask", "deny"};
constexpr std::size_t kTellingBytes = 4;  // shorter values stand in too many texts to mean much

bool listed(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool word_byte(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return value >= 0x80 || std::isalnum(value) != 0;
}

// Whether `value` stands in `text` as whole words, letter by letter.
bool stands_in(std::string_view text, std::string_view value) {
  if (value.empty()) return false;
  for (std::size_t at = text.find(value); at != std::string_view::npos;
       at = text.find(value, at + 1)) {
    const std::size_t end = at + value.size();
    const bool begins = at == 0 || !word_byte(text[at - 1]) || !word_byte(value.front());
    const bool ends = end == text.size() || !word_byte(text[end]) || !word_byte(value.back());
    if (begins && ends) return true;
  }
  return false;
}

struct Argument {
  std::string text;
  bool number = false;
  bool choice = false;  // true, false: says nothing by itself, so it is never "named"
  bool url = false;
};

void collect(const Json& value, const Json& schema, std::vector<Argument>& out) {
  if (value.is_object()) {
    const Json properties = schema.is_object() ? schema.value("properties", Json()) : Json();
    for (const auto& [name, member] : value.items()) {
      collect(member, properties.is_object() ? properties.value(name, Json()) : Json(), out);
      // A name that the schema doesn't know was chosen as freely as a value.
      const bool known = properties.is_object() && properties.contains(name);
      if (!known) out.push_back({.text = name});
    }
  } else if (value.is_array()) {
    const Json items = schema.is_object() ? schema.value("items", Json()) : Json();
    for (const Json& member : value) collect(member, items, out);
  } else if (value.is_string()) {
    const bool url = schema.is_object() && schema.value("format", Json()) == "uri";
    out.push_back({.text = value.get<std::string>(), .url = url});
  } else if (value.is_number()) {
    out.push_back({.text = dump_json(value), .number = true});
  } else if (value.is_boolean()) {
    out.push_back({.text = dump_json(value), .choice = true});
  }
}

constexpr Label kOpen{Integrity::kTrusted, Confidentiality::kPublic};

Label label_of(const Argument& argument, std::string_view task, const std::vector<Evidence>& seen) {
  if (argument.text.empty()) return kOpen;
  const bool namable = !argument.choice;
  if (namable && stands_in(task, argument.text)) return kOpen;
  Label all = kOpen;
  bool named = false;
  Label best{Integrity::kUntrusted, Confidentiality::kPrivate};
  for (const Evidence& evidence : seen) {
    all = join(all, evidence.label);
    const bool telling = namable && !argument.number && argument.text.size() >= kTellingBytes;
    if (!telling || !stands_in(evidence.quote, argument.text)) continue;
    named = true;
    if (evidence.label.integrity == Integrity::kTrusted) best.integrity = Integrity::kTrusted;
    if (evidence.label.confidentiality == Confidentiality::kPublic)
      best.confidentiality = Confidentiality::kPublic;
  }
  if (!named) return all;
  if (argument.url && best.integrity == Integrity::kTrusted)
    best.confidentiality = Confidentiality::kPublic;
  return best;
}

}  // namespace

std::string_view name(Permission permission) {
  return kNames.at(static_cast<std::size_t>(permission));
}

Ruling rule(const Policy& policy, const ToolSpec& tool, const ToolCall& call, std::string_view task,
            const std::vector<Evidence>& seen) {
  std::vector<Argument> arguments;
  collect(call.arguments, tool.parameters, arguments);
  Ruling ruling{.arguments = kOpen};
  std::string untrusted;
  std::string secret;
  for (const Argument& argument : arguments) {
    const Label label = label_of(argument, task, seen);
    ruling.arguments = join(ruling.arguments, label);
    if (label.integrity == Integrity::kUntrusted && untrusted.empty()) untrusted = argument.text;
    if (label.confidentiality == Confidentiality::kPrivate && secret.empty())
      secret = argument.text;
  }
  const auto decide = [&](Permission permission, std::string reason) {
    ruling.permission = permission;
    ruling.reason = std::move(reason);
    return ruling;
  };
  const ToolTraits& traits = tool.traits;
  if (traits.side_effects || traits.reaches_out) {
    if (ruling.arguments.integrity == Integrity::kUntrusted) {
      return decide(policy.tainted, tool.name + " acts on the world, and its argument \"" +
                                        untrusted + "\" may come from untrusted text");
    }
    if (traits.reaches_out && ruling.arguments.confidentiality == Confidentiality::kPrivate) {
      return decide(policy.tainted, tool.name + " sends its arguments out, and \"" + secret +
                                        "\" may come from private data");
    }
  }
  if (listed(policy.ask, tool.name)) {
    return decide(Permission::kAsk, tool.name + " needs approval");
  }
  if (traits.side_effects && !listed(policy.consent, tool.name)) {
    return decide(Permission::kAsk, tool.name + " has side effects");
  }
  return ruling;
}

Json to_json(const Policy& policy) {
  return {{"consent", policy.consent}, {"ask", policy.ask}, {"tainted", name(policy.tainted)}};
}

Policy policy_from_json(const Json& json) {
  return reading_json("policy", [&] {
    const auto tainted = json.at("tainted").get<std::string>();
    if (tainted != "deny" && tainted != "ask") {
      throw Error(ErrorCode::kCorrupt, "policy: \"tainted\" is deny or ask, not " + tainted);
    }
    return Policy{.consent = json.at("consent").get<std::vector<std::string>>(),
                  .ask = json.at("ask").get<std::vector<std::string>>(),
                  .tainted = tainted == "ask" ? Permission::kAsk : Permission::kDeny};
  });
}

}  // namespace orkestra::tools
