#include <orkestra/model/format/gguf_value_reader.h>

#include <limits>
#include <type_traits>

namespace orkestra::model {

namespace {

// The specification's numbering of metadata value types.
enum class ValueType : std::uint32_t {
  kUint8 = 0,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64,
};

template <typename T>
std::int64_t read_integer(ByteReader& in) {
  const T value = in.read<T>("an integer value");
  if constexpr (std::is_same_v<T, std::uint64_t>) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      in.fail(ErrorCode::kUnsupported,
              "the integer " + std::to_string(value) + " exceeds 2^63 - 1");
    }
  }
  return static_cast<std::int64_t>(value);
}

bool read_boolean(ByteReader& in) {
  const auto value = in.read<std::uint8_t>("a boolean value");
  if (value > 1) {
    in.fail(ErrorCode::kCorrupt, "a boolean must be 0 or 1, it is " + std::to_string(value));
  }
  return value == 1;
}

// `count` elements of at least `element_bytes` each, held against the bytes left before anything
// is reserved.
template <typename Element, typename Read>
GgufArray read_elements(ByteReader& in, std::uint64_t count, std::uint64_t element_bytes,
                        Read read) {
  if (count > in.left() / element_bytes) {
    in.fail(ErrorCode::kCorrupt, "an array of " + std::to_string(count) +
                                     " elements can't fit into the " + std::to_string(in.left()) +
                                     " bytes left");
  }
  std::vector<Element> elements;
  elements.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) elements.push_back(read());
  return elements;
}

template <typename T>
GgufArray read_integers(ByteReader& in, std::uint64_t count) {
  return read_elements<std::int64_t>(in, count, sizeof(T), [&] { return read_integer<T>(in); });
}

GgufArray read_array(ByteReader& in) {
  const auto type = in.read<std::uint32_t>("an array's element type");
  const auto count = in.read<std::uint64_t>("an array's length");
  switch (static_cast<ValueType>(type)) {
    case ValueType::kUint8:
      return read_integers<std::uint8_t>(in, count);
    case ValueType::kInt8:
      return read_integers<std::int8_t>(in, count);
    case ValueType::kUint16:
      return read_integers<std::uint16_t>(in, count);
    case ValueType::kInt16:
      return read_integers<std::int16_t>(in, count);
    case ValueType::kUint32:
      return read_integers<std::uint32_t>(in, count);
    case ValueType::kInt32:
      return read_integers<std::int32_t>(in, count);
    case ValueType::kUint64:
      return read_integers<std::uint64_t>(in, count);
    case ValueType::kInt64:
      return read_integers<std::int64_t>(in, count);
    case ValueType::kFloat32:
      return read_elements<double>(
          in, count, 4, [&] { return static_cast<double>(in.read<float>("an array element")); });
    case ValueType::kFloat64:
      return read_elements<double>(in, count, 8,
                                   [&] { return in.read<double>("an array element"); });
    case ValueType::kBool:
      return read_elements<bool>(in, count, 1, [&] { return read_boolean(in); });
    case ValueType::kString:
      return read_elements<std::string_view>(in, count, 8,
                                             [&] { return in.string("an array's string"); });
    case ValueType::kArray:
      in.fail(ErrorCode::kUnsupported, "arrays of arrays are not supported");
  }
  in.fail(ErrorCode::kCorrupt, "unknown array element type " + std::to_string(type));
}

}  // namespace

GgufValue read_gguf_value(ByteReader& in) {
  const auto type = in.read<std::uint32_t>("a value's type");
  switch (static_cast<ValueType>(type)) {
    case ValueType::kUint8:
      return read_integer<std::uint8_t>(in);
    case ValueType::kInt8:
      return read_integer<std::int8_t>(in);
    case ValueType::kUint16:
      return read_integer<std::uint16_t>(in);
    case ValueType::kInt16:
      return read_integer<std::int16_t>(in);
    case ValueType::kUint32:
      return read_integer<std::uint32_t>(in);
    case ValueType::kInt32:
      return read_integer<std::int32_t>(in);
    case ValueType::kUint64:
      return read_integer<std::uint64_t>(in);
    case ValueType::kInt64:
      return read_integer<std::int64_t>(in);
    case ValueType::kFloat32:
      return static_cast<double>(in.read<float>("a number"));
    case ValueType::kFloat64:
      return in.read<double>("a number");
    case ValueType::kBool:
      return read_boolean(in);
    case ValueType::kString:
      return in.string("a string value");
    case ValueType::kArray:
      return read_array(in);
  }
  in.fail(ErrorCode::kCorrupt, "unknown value type " + std::to_string(type));
}

}  // namespace orkestra::model
