#include <orkestra/service/request_reader.h>

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <utility>

namespace orkestra::service {
namespace {

namespace http = boost::beast::http;

// What Beast may leave untaken in a body: the line of a chunk's size, the trailers.
constexpr std::size_t kMaxUntakenBytes = std::size_t{48} << 10U;

// A chunked body that has not ended has at least "0\r\n\r\n" to come. Beast counts on seeing that
// many bytes of its last chunk at once, and ends the process when it is built with assertions.
constexpr std::size_t kLeastChunkedBytes = 5;

}  // namespace

struct RequestReader::Reading {
  explicit Reading(const ReadLimits& given) : limits(given) {}

  ReadLimits limits;
  State state = State::kHead;
  std::string buffer;  // not yet taken
  RequestHead head;
  std::optional<http::request_parser<http::string_body>> parser;
  int status = 0;
  std::string problem;

  void refuse(int with, std::string why) {
    state = State::kRefused;
    status = with;
    problem = std::move(why);
    buffer.clear();
    parser.reset();
  }

  // False when it has not come whole or was refused.
  bool take_head() {
    const std::size_t size = head_size(buffer);
    if (size == 0) {
      if (buffer.size() > limits.head.max_head_bytes) refuse(431, "a head that is too large");
      return false;
    }
    const std::string_view bytes = std::string_view(buffer).substr(0, size);
    HeadCheck check = check_request_head(bytes, limits.head);
    if (!check.head) {
      refuse(check.status, std::move(check.problem));
      return false;
    }
    head = std::move(*check.head);
    if (head.content_length.value_or(0) > limits.max_body_bytes) {
      refuse(413, "a body of more than " + std::to_string(limits.max_body_bytes) + " bytes");
      return false;
    }
    parser.emplace();
    parser->eager(true);
    parser->header_limit(static_cast<std::uint32_t>(limits.head.max_head_bytes));
    parser->body_limit(limits.max_body_bytes);
    state = State::kBody;
    return true;
  }

  void take_body() {
    while (!parser->is_done() && !buffer.empty()) {
      if (head.chunked && buffer.size() < kLeastChunkedBytes) break;
      boost::beast::error_code error;
      const std::size_t taken =
          parser->put(boost::asio::const_buffer(buffer.data(), buffer.size()), error);
      buffer.erase(0, taken);
      if (error == http::error::need_more) break;
      if (error == http::error::body_limit) {
        return refuse(413,
                      "a body of more than " + std::to_string(limits.max_body_bytes) + " bytes");
      }
      if (error) return refuse(400, "a body that can't be read: " + error.message());
      if (taken == 0) break;
    }
    if (parser->is_done()) {
      state = State::kComplete;
    } else if (buffer.size() > kMaxUntakenBytes) {
      refuse(400, "a chunk's size or trailers that don't end");
    }
  }

  void advance() {
    if (state == State::kHead && !take_head()) return;
    if (state == State::kBody) take_body();
  }
};

RequestReader::RequestReader(const ReadLimits& limits)
    : reading_(std::make_unique<Reading>(limits)) {}

RequestReader::~RequestReader() = default;

RequestReader::State RequestReader::push(std::string_view bytes) {
  if (reading_->state == State::kRefused) return State::kRefused;
  reading_->buffer += bytes;
  reading_->advance();
  return reading_->state;
}

RequestReader::State RequestReader::next() {
  reading_->state = State::kHead;
  reading_->head = {};
  reading_->parser.reset();
  reading_->advance();
  return reading_->state;
}

void RequestReader::abandon() {
  reading_->refuse(503, "been abandoned");
  reading_->buffer.shrink_to_fit();
}

RequestReader::State RequestReader::state() const { return reading_->state; }

bool RequestReader::untouched() const {
  return reading_->state == State::kHead && reading_->buffer.empty();
}

std::size_t RequestReader::held_bytes() const {
  return reading_->buffer.size() + (reading_->parser ? reading_->parser->get().body().size() : 0);
}

const RequestHead& RequestReader::head() const { return reading_->head; }
std::string& RequestReader::body() { return reading_->parser->get().body(); }
int RequestReader::status() const { return reading_->status; }
const std::string& RequestReader::problem() const { return reading_->problem; }

}  // namespace orkestra::service
