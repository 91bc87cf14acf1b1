// ServiceLimits: everything a client could take too much of, and how much of it there is.
#pragma once

#include <orkestra/core/http_framing.h>

#include <chrono>
#include <cstddef>

namespace orkestra::service {

struct ServiceLimits {
  // Sizes.
  FramingLimits head{};
  std::size_t max_body_bytes = std::size_t{4} << 20U;
  std::size_t max_bodies_bytes = std::size_t{64} << 20U;  // of all connections together
  int max_json_depth = 32;

  // Counts.
  std::size_t max_connections = 256;
  std::size_t max_streams = 64;       // of events, open at once
  std::size_t max_queued_runs = 256;  // accepted, not yet worked on
  std::size_t run_workers = 16;       // runs worked on at once; the engine batches them
  std::size_t max_queued_chats = 64;  // raw chat completions, likewise
  std::size_t chat_workers = 16;
  std::size_t handler_workers = 8;  // short work: reading and appending to the journal

  // Times.
  std::chrono::milliseconds idle_time{30'000};       // between requests
  std::chrono::milliseconds head_time{10'000};       // from a head's first byte to its last
  std::chrono::milliseconds body_time{60'000};       // of a body
  std::chrono::milliseconds write_time{30'000};      // of 64 KiB
  std::chrono::milliseconds answer_time{900'000};    // from a whole request to its answer
  std::chrono::milliseconds stream_time{3'600'000};  // then a client may connect again
  std::chrono::milliseconds connection_time{3'600'000};
  std::chrono::milliseconds heartbeat{15'000};  // of a stream with nothing to say
  std::chrono::milliseconds stop_grace{5'000};  // for answers under way when it stops
};

}  // namespace orkestra::service
