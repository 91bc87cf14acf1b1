// unit_convert: converts quantities between units. A whole plugin in C++: exceptions stay inside,
// replies are owned by the plugin until the host releases them.
#include <orkestra/plugins/orkestra_plugin.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using Json = nlohmann::json;

// value in the dimension's own unit = (value + offset) * factor
struct Unit {
  std::string_view name;
  std::string_view dimension;
  double factor;
  double offset = 0;
};

constexpr std::array kUnits{Unit{"m", "length", 1},
                            Unit{"km", "length", 1000},
                            Unit{"cm", "length", 0.01},
                            Unit{"mm", "length", 0.001},
                            Unit{"in", "length", 0.0254},
                            Unit{"ft", "length", 0.3048},
                            Unit{"yd", "length", 0.9144},
                            Unit{"mi", "length", 1609.344},
                            Unit{"nmi", "length", 1852},
                            Unit{"kg", "mass", 1},
                            Unit{"g", "mass", 0.001},
                            Unit{"t", "mass", 1000},
                            Unit{"lb", "mass", 0.45359237},
                            Unit{"oz", "mass", 0.028349523125},
                            Unit{"s", "time", 1},
                            Unit{"min", "time", 60},
                            Unit{"h", "time", 3600},
                            Unit{"d", "time", 86400},
                            Unit{"l", "volume", 0.001},
                            Unit{"ml", "volume", 0.000001},
                            Unit{"m3", "volume", 1},
                            Unit{"gal", "volume", 0.003785411784},
                            Unit{"K", "temperature", 1},
                            Unit{"C", "temperature", 1, 273.15},
                            Unit{"F", "temperature", 5.0 / 9, 459.67},
                            Unit{"J", "energy", 1},
                            Unit{"kWh", "energy", 3.6e6},
                            Unit{"kcal", "energy", 4184}};

const Unit& unit(const std::string& name) {
  std::string known;
  for (const Unit& each : kUnits) {
    if (each.name == name) return each;
    known += (known.empty() ? "" : ", ") + std::string(each.name);
  }
  throw std::invalid_argument("there is no unit \"" + name + "\"; the units are " + known);
}

Json convert(const Json& arguments) {
  const Unit& from = unit(arguments.at("from").get<std::string>());
  const Unit& to = unit(arguments.at("to").get<std::string>());
  if (from.dimension != to.dimension) {
    throw std::invalid_argument(std::string(from.name) + " is a unit of " +
                                std::string(from.dimension) + ", " + std::string(to.name) + " of " +
                                std::string(to.dimension) + ": one is not the other");
  }
  const double value = arguments.at("value").get<double>();
  const double converted = (value + from.offset) * from.factor / to.factor - to.offset;
  if (!std::isfinite(converted)) throw std::invalid_argument("the value is too large");
  // Fifteen digits are what a double holds; more would show how it was computed.
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.15g", converted);
  return {{"value", std::stod(text.data())}, {"unit", to.name}};
}

const std::string& tools() {
  static const std::string text =
      Json::array(
          {{{"name", "convert_units"},
            {"description", "Convert a quantity from one unit to another."},
            {"parameters",
             {{"type", "object"},
              {"properties",
               {{"value", {{"type", "number"}}},
                {"from", {{"type", "string"}, {"description", "Its unit: km, lb, F, kWh, ..."}}},
                {"to", {{"type", "string"}, {"description", "The unit wanted."}}}}},
              {"required", {"value", "from", "to"}},
              {"additionalProperties", false}}},
            {"traits",
             {{"reads_private", false},
              {"side_effects", false},
              {"reaches_out", false},
              {"safe_to_repeat", true}}}}})
          .dump();
  return text;
}

orkestra_status answer(orkestra_reply* reply, orkestra_status status, std::string text) {
  auto owned = std::make_unique<std::string>(std::move(text));
  reply->text = {owned->data(), owned->size()};
  reply->owner = owned.release();
  return status;
}

orkestra_status call(void*, const orkestra_call* request, orkestra_reply* reply) {
  try {
    const std::string_view arguments(request->arguments.data, request->arguments.size);
    return answer(reply, ORKESTRA_OK, convert(Json::parse(arguments)).dump());
  } catch (const std::invalid_argument& e) {
    return answer(reply, ORKESTRA_INVALID, e.what());
  } catch (const Json::exception& e) {
    return answer(reply, ORKESTRA_INVALID, e.what());
  } catch (const std::exception& e) {
    return answer(reply, ORKESTRA_INTERNAL, e.what());
  }
}

void release(void*, orkestra_reply* reply) {
  const std::unique_ptr<std::string> owned(static_cast<std::string*>(reply->owner));
}

}  // namespace

const orkestra_plugin* orkestra_plugin_entry(std::uint32_t host_abi) {
  static const orkestra_plugin plugin{.size = sizeof(orkestra_plugin),
                                      .abi = ORKESTRA_PLUGIN_ABI,
                                      .name = {"unit_convert", 12},
                                      .version = {"1.0", 3},
                                      .tools = {tools().data(), tools().size()},
                                      .open = nullptr,
                                      .call = call,
                                      .release = release,
                                      .close = nullptr};
  return host_abi >= ORKESTRA_PLUGIN_ABI ? &plugin : nullptr;
}
