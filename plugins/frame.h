// Frames between a program and its plugin host: four bytes of length, least first, then that many
// bytes of JSON. Plain functions over a stream socket; both ends use them.
#pragma once

#include <orkestra/core/limits.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace orkestra::plugins {

inline constexpr int kHostSocket = 3;  // the socket's number in the host

// Throw Error{kDeadline}, {kCancelled}, {kUnavailable} when the other end is gone; receiving also
// {kCorrupt} for a length above `max_bytes`.
void send_frame(int socket, std::string_view text, const Limits& limits);
std::string receive_frame(int socket, std::size_t max_bytes, const Limits& limits);

}  // namespace orkestra::plugins
