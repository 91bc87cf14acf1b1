#include <orkestra/model/format/byte_reader.h>

#include <bit>
#include <utility>

namespace orkestra::model {

static_assert(std::endian::native == std::endian::little, "ByteReader copies little-endian bytes");

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  std::string result;
  for (const char c : text.substr(0, kLongest)) {
    result.push_back(c >= ' ' && c <= '~' ? c : '?');
  }
  if (text.size() > kLongest) result += "...";
  return result;
}

void ByteReader::fail(ErrorCode code, const std::string& message) const {
  std::string place(file_);
  place.append(": ");
  if (!section_.empty()) {
    place.append(section_).append(" ").append(std::to_string(index_)).append(" ");
    if (!detail_.empty()) place.append("(").append(printable(detail_)).append(") ");
  }
  place.append("at byte ").append(std::to_string(position_)).append(": ").append(message);
  throw Error(code, std::move(place));
}

}  // namespace orkestra::model
