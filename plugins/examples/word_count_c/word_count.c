/* word_count: counts the words, lines and characters of a text. A whole plugin in C99.
 *
 *   cc -std=c99 -shared -fPIC -I INCLUDE word_count.c -o word_count.so
 *   orkestra run "..." --plugin word_count.so
 *
 * It reads its one argument out of the JSON by itself, to show that no library is needed. The host
 * has checked the arguments against the schema below, but a plugin does not rely on that. */
#include <orkestra/plugins/orkestra_plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(literal) \
  { literal, sizeof literal - 1 }

static const char kTools[] =
    "[{\"name\": \"word_count\","
    "  \"description\": \"Count the words, lines and characters of a text.\","
    "  \"parameters\": {\"type\": \"object\","
    "    \"properties\": {\"text\": {\"type\": \"string\", \"description\": \"The text.\"}},"
    "    \"required\": [\"text\"], \"additionalProperties\": false},"
    "  \"traits\": {\"reads_private\": false, \"side_effects\": false, \"reaches_out\": false,"
    "               \"safe_to_repeat\": true}}]";

typedef struct {
  const char* at;
  const char* end;
} Reader;

static void skip_space(Reader* r) {
  while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL && *r->at != '\0') ++r->at;
}

/* Takes one byte if it is the next one after white space. */
static int take(Reader* r, char expected) {
  skip_space(r);
  if (r->at == r->end || *r->at != expected) return 0;
  ++r->at;
  return 1;
}

/* Four hexadecimal digits; -1 when there are none. */
static long take_hex(Reader* r) {
  long value = 0;
  int i;
  for (i = 0; i < 4; ++i) {
    const char* digits = "0123456789abcdefABCDEF";
    const char* found = r->at < r->end && *r->at != '\0' ? strchr(digits, *r->at) : NULL;
    if (found == NULL) return -1;
    value = value * 16 + (found - digits < 16 ? found - digits : found - digits - 6);
    ++r->at;
  }
  return value;
}

/* What is counted so far. */
typedef struct {
  long words, lines, characters;
  int in_word, in_line;
} Counts;

static void count(Counts* c, long code_point) {
  const int space = code_point == ' ' || (code_point >= '\t' && code_point <= '\r') ||
                    code_point == 0xA0 || (code_point >= 0x2000 && code_point <= 0x200A) ||
                    code_point == 0x2028 || code_point == 0x2029 || code_point == 0x3000;
  ++c->characters;
  if (!space && !c->in_word) ++c->words;
  c->in_word = !space;
  if (!c->in_line) ++c->lines;
  c->in_line = code_point != '\n';
}

/* One code point of a JSON string; -1 at its end, -2 when it is not well formed. */
static long next_code_point(Reader* r) {
  unsigned char lead;
  long value;
  int more;
  if (r->at == r->end) return -2;
  lead = (unsigned char)*r->at++;
  if (lead == '"') return -1;
  if (lead == '\\') {
    static const char kFrom[] = "\"\\/bfnrt";
    static const char kTo[] = "\"\\/\b\f\n\r\t";
    const char* found;
    if (r->at == r->end) return -2;
    if (*r->at == 'u') {
      ++r->at;
      value = take_hex(r);
      if (value < 0) return -2;
      /* A pair of surrogates is one character. */
      if (value >= 0xD800 && value < 0xDC00 && r->end - r->at >= 6 && r->at[0] == '\\' &&
          r->at[1] == 'u') {
        long low;
        r->at += 2;
        low = take_hex(r);
        if (low < 0xDC00 || low > 0xDFFF) return -2;
        value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
      }
      return value;
    }
    found = *r->at != '\0' ? strchr(kFrom, *r->at) : NULL;
    if (found == NULL) return -2;
    ++r->at;
    return kTo[found - kFrom];
  }
  if (lead < 0x80) return lead;
  more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : -1;
  if (more < 0 || r->end - r->at < more) return -2;
  value = lead & (0x3F >> more);
  for (; more > 0; --more) value = (value << 6) | ((unsigned char)*r->at++ & 0x3F);
  return value;
}

/* {"text": "..."}; 0 when it is something else. */
static int count_argument(Reader r, Counts* c) {
  static const char kName[] = "text\"";
  long code_point;
  if (!take(&r, '{') || !take(&r, '"')) return 0;
  if (r.end - r.at < (ptrdiff_t)(sizeof kName - 1)) return 0;
  if (memcmp(r.at, kName, sizeof kName - 1) != 0) return 0;
  r.at += sizeof kName - 1;
  if (!take(&r, ':') || !take(&r, '"')) return 0;
  while ((code_point = next_code_point(&r)) >= 0) count(c, code_point);
  return code_point == -1 && take(&r, '}');
}

/* The plugin answers from one buffer: the host calls one function at a time. */
typedef struct {
  char reply[160];
} State;

static orkestra_status open_plugin(const orkestra_host* host, void** state) {
  (void)host;
  *state = calloc(1, sizeof(State));
  return *state != NULL ? ORKESTRA_OK : ORKESTRA_EXHAUSTED;
}

static void set_reply(State* state, orkestra_reply* reply, int size) {
  reply->text.data = state->reply;
  reply->text.size = (size_t)size;
}

static orkestra_status call_plugin(void* opaque, const orkestra_call* call, orkestra_reply* reply) {
  State* state = (State*)opaque;
  Counts c = {0, 0, 0, 0, 0};
  Reader r;
  r.at = call->arguments.data;
  r.end = call->arguments.data + call->arguments.size;
  if (!count_argument(r, &c)) {
    set_reply(state, reply,
              snprintf(state->reply, sizeof state->reply, "the argument \"text\" is missing"));
    return ORKESTRA_INVALID;
  }
  set_reply(state, reply,
            snprintf(state->reply, sizeof state->reply,
                     "{\"words\": %ld, \"lines\": %ld, \"characters\": %ld}", c.words, c.lines,
                     c.characters));
  return ORKESTRA_OK;
}

static void close_plugin(void* state) { free(state); }

ORKESTRA_PLUGIN_EXPORT const orkestra_plugin* orkestra_plugin_entry(uint32_t host_abi) {
  static const orkestra_plugin plugin = {sizeof(orkestra_plugin),
                                         ORKESTRA_PLUGIN_ABI,
                                         TEXT("word_count"),
                                         TEXT("1.0"),
                                         {kTools, sizeof kTools - 1},
                                         open_plugin,
                                         call_plugin,
                                         NULL,
                                         close_plugin};
  return host_abi >= ORKESTRA_PLUGIN_ABI ? &plugin : NULL;
}
