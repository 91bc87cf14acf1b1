// The C interface of Orkestra's plugins: a shared library that adds tools. C99 and up, C++ too.
//
// A plugin runs in a process of its own (orkestra-plugin-host): if it crashes, hangs or answers
// nonsense, the one call fails and the next one finds it started again. What it returns is labelled
// untrusted. It has the rights of the user, so install only what you trust.
//
// Rules
// - The library exports one function, orkestra_plugin_entry. All else is reached through it.
// - Every struct begins with `size`, the sizeof its writer was compiled with. New members are only
//   ever added at the end; a reader looks at no member past `size`. Nothing is reordered or
//   removed.
// - Text is UTF-8 with a length, not terminated by NUL. {NULL, 0} is the empty text.
// - Ownership: what the host passes is valid until the function returns; copy what you keep. What
//   the plugin passes stays the plugin's: the description until `close` has returned, a reply until
//   `release` was called for it.
// - Threads: the host calls every function from one thread, one at a time.
// - No exception may leave a function (the host reports one that does as a failure).
// - stdout and stderr go to the host's messages; the descriptors 3 and up are not the plugin's.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The version of these rules. It changes only if a rule must be broken.
#define ORKESTRA_PLUGIN_ABI 1u

#if defined(__GNUC__)
#define ORKESTRA_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define ORKESTRA_PLUGIN_EXPORT
#endif

// How a call ended. The model is shown the code's name and the plugin's message.
enum {
  ORKESTRA_OK = 0,
  ORKESTRA_INVALID = 1,           // the arguments make no sense
  ORKESTRA_NOT_FOUND = 2,         // the named thing does not exist
  ORKESTRA_CORRUPT = 3,           // stored data fails its checks
  ORKESTRA_UNSUPPORTED = 4,       // understood, but not something this plugin can do
  ORKESTRA_DENIED = 5,            // not permitted
  ORKESTRA_CONFLICT = 6,          // somebody else was first
  ORKESTRA_EXHAUSTED = 7,         // a limit of size or memory was reached
  ORKESTRA_DEADLINE = 8,          // time ran out
  ORKESTRA_CANCELLED = 9,         // the caller asked to stop
  ORKESTRA_UNAVAILABLE = 10,      // a needed service does not answer
  ORKESTRA_OUTCOME_UNKNOWN = 11,  // an effect was started and nobody knows whether it happened
  ORKESTRA_INTERNAL = 12          // a fault of the plugin
};
typedef int32_t orkestra_status;

typedef struct orkestra_text {
  const char* data;
  size_t size;
} orkestra_text;

// What the host offers. Valid until `close` has returned.
typedef struct orkestra_host {
  size_t size;
  uint32_t abi;
  // A line for people who look for the cause of something. Returns at once.
  void (*log)(orkestra_text line);
} orkestra_host;

typedef struct orkestra_call {
  size_t size;
  orkestra_text tool;       // its name
  orkestra_text arguments;  // a JSON object, valid for the tool's parameters
  orkestra_text id;         // the same for a call that is tried again: an idempotency key
  int64_t deadline_ms;      // how long the caller waits from now on; then the process is ended
} orkestra_call;

typedef struct orkestra_reply {
  size_t size;
  orkestra_text text;  // ORKESTRA_OK: one JSON value; else a message: what is wrong, what to do
  void* owner;         // the plugin's own, for `release`
} orkestra_reply;

typedef struct orkestra_plugin {
  size_t size;
  uint32_t abi;        // ORKESTRA_PLUGIN_ABI
  orkestra_text name;  // for messages
  orkestra_text version;
  // A JSON array of tools:
  //   {"name": [A-Za-z0-9_.-]{1,64}, "description": text for the model,
  //    "parameters": JSON Schema with "type": "object",
  //    "traits": {"reads_private": bool, "side_effects": bool, "reaches_out": bool,
  //               "safe_to_repeat": bool},
  //    "answer_form": optional text}
  // A trait that is left out is taken to be the dangerous one.
  orkestra_text tools;
  // Once, before the first call. `state` is handed to all others. May be NULL.
  orkestra_status (*open)(const orkestra_host* host, void** state);
  // Required. `reply` comes zeroed, with its size set.
  orkestra_status (*call)(void* state, const orkestra_call* call, orkestra_reply* reply);
  // After each call, whatever it returned. May be NULL.
  void (*release)(void* state, orkestra_reply* reply);
  // Before the process ends in good order. May be NULL.
  void (*close)(void* state);
} orkestra_plugin;

// `host_abi`: the newest version the host speaks. Returns NULL when the plugin can't serve it.
ORKESTRA_PLUGIN_EXPORT const orkestra_plugin* orkestra_plugin_entry(uint32_t host_abi);

#ifdef __cplusplus
}  // extern "C"
#endif
