// The journal's hash chain: the bytes that an event's hash is taken over. Pure functions.
//
// Form 1. The text "orkestra event 1\n", then for each field, in the order of ChainFields below:
// its length in bytes in decimal, ':', its bytes, '\n'. Integers are decimal text. The hash is
// SHA-256 of that, in lower-case hexadecimal. Lengths make the form unambiguous whatever bytes a
// field holds. The body is covered by its hash, so that it can be forgotten and the chain holds.
// A later form gets another first line; events keep the form they were written in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace orkestra::planner {

struct ChainFields {
  std::string_view run;
  std::int64_t seq = 0;
  std::int64_t epoch = 0;
  std::string_view branch;
  std::string_view kind;
  std::int64_t version = 0;
  std::int64_t at_ms = 0;
  std::string_view label;      // as stored: JSON text
  std::string_view body_hash;  // sha256_hex of the body's stored JSON text
  std::string_view prev_hash;  // "" for the first event of a run
};

// The bytes above, for audits by other programs.
std::string chain_form(const ChainFields& fields);
std::string chain_hash(const ChainFields& fields);

}  // namespace orkestra::planner
