/* SPDX-License-Identifier: 0BSD */
/* A byte at a time into a frame, a frame into an answer. Frames that are not whole and sound change nothing. */
#include "tg_tester.h"

#include <string.h>

#include "tg_stack.h"
#ifdef TG_TESTER_LAYERS
#include "tg_layers.h"
#endif
#ifdef __AVR__
#define TG_ROM_U32(p) pgm_read_dword(p)
#else
#define TG_ROM_U32(p) (*(p))
#endif

enum { SYNC_1 = 0xA5, SYNC_2 = 0x5A, PROTOCOL_VERSION = 2, BY_ROWS = 1, HAS_LAYERS = 2 };
enum { HELLO = 0x01, INPUT = 0x02, INVOKE = 0x03, OUTPUT = 0x04, SELECT = 0x05, REPORT = 0x06, LAYERS = 0x07 };
enum { WATCH = 0x08, ANSWER = 0x80, FAIL = 0xFF };
enum { CORRUPT = 1, UNKNOWN_TYPE = 2, BAD_RANGE = 3, INPUTS_GONE = 4 };
enum { IN_SYNC_1, IN_SYNC_2, IN_HEAD, IN_PAYLOAD, IN_CRC };

static const tg_model *tested = &tg_tested_model; /* the one that is selected */
static uint8_t state; /* which part of a frame comes next */
static uint16_t at;   /* bytes of that part received */
static uint8_t head[4];
static uint8_t payload[TG_TESTER_MAX_PAYLOAD];
static uint32_t frame_crc; /* what the frame says */
static uint32_t crc;       /* running, of the frame received and then of the one sent */

/* Reflected, four bits at a time. */
uint32_t tg_tester_crc(uint32_t value, uint8_t byte) {
  static const uint32_t table[16] TG_ROM = {
      UINT32_C(0x00000000), UINT32_C(0x1DB71064), UINT32_C(0x3B6E20C8), UINT32_C(0x26D930AC),
      UINT32_C(0x76DC4190), UINT32_C(0x6B6B51F4), UINT32_C(0x4DB26158), UINT32_C(0x5005713C),
      UINT32_C(0xEDB88320), UINT32_C(0xF00F9344), UINT32_C(0xD6D6A3E8), UINT32_C(0xCB61B38C),
      UINT32_C(0x9B64C2B0), UINT32_C(0x86D3D2D4), UINT32_C(0xA00AE278), UINT32_C(0xBDBDF21C)};
  value ^= byte;
  value = (value >> 4) ^ TG_ROM_U32(&table[value & 15U]);
  return (value >> 4) ^ TG_ROM_U32(&table[value & 15U]);
}

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] | ((uint16_t)p[1] << 8)); }

static uint32_t get32(const uint8_t *p) { return get16(p) | ((uint32_t)get16(p + 2) << 16); }

static void put(uint8_t byte) {
  crc = tg_tester_crc(crc, byte);
  tg_tester_send(byte);
}

static void put16(uint16_t value) {
  put((uint8_t)(value & 0xFFU));
  put((uint8_t)(value >> 8));
}

static void put32(uint32_t value) {
  put16((uint16_t)(value & 0xFFFFU));
  put16((uint16_t)(value >> 16));
}

static void begin(uint8_t type, uint8_t seq, uint16_t length) {
  tg_tester_send(SYNC_1);
  tg_tester_send(SYNC_2);
  crc = TG_CRC_START;
  put(type);
  put(seq);
  put16(length);
}

static void end(void) { put32(~crc); }

static void fail(uint8_t seq, uint8_t code) {
  begin(FAIL, seq, 1);
  put(code);
  end();
}

/* The inputs, or the outputs, of the model: several tensors that the protocol sees as one string of bytes. */
typedef struct {
  uint8_t count;
  const uint32_t *bytes;
  void *(*tensor)(int index);
} side;

static side inputs(void) {
  const side s = {tested->input_count, tested->input_bytes, tested->input};
  return s;
}

static side outputs(void) {
  const side s = {tested->output_count, tested->output_bytes, tested->output};
  return s;
}

static uint32_t total_bytes(side s) {
  uint32_t sum = 0;
  for (uint8_t i = 0; i < s.count; i++) sum += s.bytes[i];
  return sum;
}

static uint32_t side_crc(side s) {
  uint32_t value = TG_CRC_START;
  for (uint8_t i = 0; i < s.count; i++) {
    const uint8_t *p = (const uint8_t *)s.tensor(i);
    for (uint32_t left = s.bytes[i]; left > 0; left--) value = tg_tester_crc(value, *p++);
  }
  return ~value;
}

static int in_range(side s, uint32_t offset, uint32_t n) {
  const uint32_t total = total_bytes(s);
  return offset <= total && n <= total - offset;
}

/* Copy n bytes of the string, from `offset`, into the tensors or out of them; the range has been checked. */
static void copy(side s, uint32_t offset, uint8_t *data, uint32_t n, int into_tensors) {
  for (uint8_t i = 0; n > 0 && i < s.count; i++) {
    if (offset >= s.bytes[i]) {
      offset -= s.bytes[i];
    } else {
      uint8_t *place = (uint8_t *)s.tensor(i) + offset;
      const uint32_t room = s.bytes[i] - offset;
      const uint32_t part = n < room ? n : room;
      memcpy(into_tensors ? place : data, into_tensors ? data : place, (size_t)part);
      data += part;
      n -= part;
      offset = 0;
    }
  }
}

static uint8_t text_length(const char *text) {
  const size_t n = strlen(text);
  return (uint8_t)(n < 255U ? n : 255U);
}

static void put_text(const char *text) {
  const uint8_t n = text_length(text);
  put(n);
  for (uint8_t i = 0; i < n; i++) put((uint8_t)text[i]);
}

static void answer_hello(uint8_t seq) {
  const tg_model *m = tested;
  begin(HELLO | ANSWER, seq, (uint16_t)(54 + text_length(m->name) + text_length(m->version)));
  put(PROTOCOL_VERSION);
#ifdef TG_TESTER_LAYERS
  put((uint8_t)((m->push_row ? BY_ROWS : 0) | HAS_LAYERS));
#else
  put(m->push_row ? BY_ROWS : 0);
#endif
  put16(TG_TESTER_MAX_PAYLOAD);
  for (uint8_t i = 0; i < 32; i++) put(m->sha256[i]);
  put32(total_bytes(inputs()));
  put32(total_bytes(outputs()));
  put32(m->arena_bytes);
  put32(tg_tester_ticks_hz());
  put_text(m->name);
  put_text(m->version);
  end();
}

static void answer_report(uint8_t seq) {
  begin(REPORT | ANSWER, seq, 8);
  put32(tg_tester_clock_hz());
  put32(tg_tester_free_ram());
  end();
}

/* An input that comes by rows is never there as a whole: what has come of it, and what became of it. */
static uint32_t pushed;       /* bytes */
static uint32_t pushed_crc;   /* of them */
static uint32_t pushed_ticks; /* that their rows took */
static uint8_t pushed_used;   /* INVOKE was answered for it */

/* The next n bytes of the input; bytes that came before, or that come too early, change nothing. */
static void push(uint32_t offset, const uint8_t *data, uint32_t n) {
  const tg_model *m = tested;
  if (offset == 0 && (pushed_used || pushed != n)) { /* a new sample */
    m->restart();
    pushed = 0;
    pushed_crc = TG_CRC_START;
    pushed_ticks = 0;
    pushed_used = 0;
    stack_used = 0;
  }
  if (offset != pushed) return;
  for (; n > 0; n--) {
    pushed_crc = tg_tester_crc(pushed_crc, *data);
    m->row[pushed++ % m->row_bytes] = *data++;
    if (pushed % m->row_bytes == 0) {
      uint32_t start;
      (void)free_stack(1);
      start = tg_tester_ticks();
      (void)m->push_row();
      pushed_ticks += tg_tester_ticks() - start;
      measure_stack();
    }
  }
}

static void answer_input(uint8_t seq, uint16_t length) {
  const uint32_t offset = get32(payload);
  const uint32_t n = (uint32_t)length - 4U;
  if (!in_range(inputs(), offset, n)) {
    fail(seq, BAD_RANGE);
    return;
  }
  if (tested->push_row) {
    push(offset, payload + 4, n);
  } else {
    copy(inputs(), offset, payload + 4, n, 1);
  }
  begin(INPUT | ANSWER, seq, 4);
  put32(offset);
  end();
}

/* Whether all inputs are there, and have this CRC. */
static int inputs_are(uint32_t wanted) {
  if (tested->push_row) return pushed == total_bytes(inputs()) && ~pushed_crc == wanted;
  return side_crc(inputs()) == wanted;
}

static void answer_invoke(uint8_t seq) {
  uint32_t ticks, result;
  uint8_t index = 0;
  if (!inputs_are(get32(payload))) {
    fail(seq, INPUTS_GONE);
    return;
  }
  if (tested->push_row) { /* its last row has brought the outputs */
    pushed_used = 1;
    ticks = pushed_ticks;
  } else {
    uint32_t start;
    if (tested->reset) tested->reset(); /* every sample is a run of its own */
    stack_used = 0;
    (void)free_stack(1);
    start = tg_tester_ticks();
    tested->invoke();
    ticks = tg_tester_ticks() - start;
    measure_stack();
  }
  result = side_crc(outputs());
#ifdef TG_TESTER_LAYERS
  tg_layers_end(result);
#endif
  for (const tg_model *m = &tg_tested_model; m != tested; m = m->next) index++;
  begin(INVOKE | ANSWER, seq, 13);
  put32(result);
  put32(ticks);
  put(index);
  put32(stack_used);
  end();
}

static void answer_output(uint8_t seq) {
  const uint32_t offset = get32(payload);
  const uint16_t n = get16(payload + 4);
  if (n > TG_TESTER_MAX_PAYLOAD - 4 || !in_range(outputs(), offset, n)) {
    fail(seq, BAD_RANGE);
    return;
  }
  copy(outputs(), offset, payload, n, 0);
  begin(OUTPUT | ANSWER, seq, (uint16_t)(n + 4U));
  put32(offset);
  for (uint16_t i = 0; i < n; i++) put(payload[i]);
  end();
}

static void answer_select(uint8_t seq) {
  const tg_model *model = &tg_tested_model;
  for (uint8_t i = 0; model != NULL && i < payload[0]; i++) model = model->next;
  if (model == NULL) {
    fail(seq, BAD_RANGE);
    return;
  }
  if (model != tested) { /* what came of another model's input is gone */
    pushed = 0;
    pushed_used = 1;
  }
  tested = model;
  begin(SELECT | ANSWER, seq, 1);
  put(payload[0]);
  end();
}

#ifdef TG_TESTER_LAYERS
enum { LAST_TYPE = WATCH };

static void answer_layers(uint8_t type, uint8_t seq, uint16_t length) {
  const int16_t n = tg_layers_answer(type == WATCH, payload, length);
  if (n < 0) {
    fail(seq, n == TG_LAYERS_NOT_RUN ? INPUTS_GONE : BAD_RANGE);
    return;
  }
  begin(type | ANSWER, seq, (uint16_t)n);
  for (int16_t i = 0; i < n; i++) put(payload[i]);
  end();
}
#else
enum { LAST_TYPE = REPORT };
#endif

static void answer(void) {
  const uint8_t type = head[0], seq = head[1];
  const uint16_t length = get16(head + 2);
  if (type < HELLO || type > LAST_TYPE) {
    fail(seq, UNKNOWN_TYPE);
  } else if (type == HELLO && length == 0) {
    answer_hello(seq);
  } else if (type == INPUT && length >= 4) {
    answer_input(seq, length);
  } else if (type == INVOKE && length == 4) {
    answer_invoke(seq);
  } else if (type == OUTPUT && length == 6) {
    answer_output(seq);
  } else if (type == SELECT && length == 1) {
    answer_select(seq);
  } else if (type == REPORT && length == 0) {
    answer_report(seq);
#ifdef TG_TESTER_LAYERS
  } else if (type == LAYERS || type == WATCH) {
    answer_layers(type, seq, length);
#endif
  } else {
    fail(seq, BAD_RANGE);
  }
}

static void enter(uint8_t next) {
  state = next;
  at = 0;
  frame_crc = 0;
}

static void receive_head(uint8_t byte) {
  uint16_t length;
  crc = tg_tester_crc(crc, byte);
  head[at++] = byte;
  if (at < sizeof head) return;
  length = get16(head + 2);
  if (length > TG_TESTER_MAX_PAYLOAD) { /* no host sends this: a broken frame */
    enter(IN_SYNC_1);
    fail(0, CORRUPT);
  } else {
    enter(length > 0 ? IN_PAYLOAD : IN_CRC);
  }
}

static void receive_crc(uint8_t byte) {
  frame_crc |= (uint32_t)byte << (8U * at);
  if (++at < 4) return;
  if (frame_crc == (uint32_t)~crc) {
    enter(IN_SYNC_1);
    answer();
  } else {
    enter(IN_SYNC_1);
    fail(0, CORRUPT);
  }
}

void tg_tester_receive(uint8_t byte) {
  switch (state) {
    case IN_SYNC_1:
      if (byte == SYNC_1) enter(IN_SYNC_2);
      break;
    case IN_SYNC_2:
      crc = TG_CRC_START;
      if (byte != SYNC_1) enter(byte == SYNC_2 ? IN_HEAD : IN_SYNC_1);
      break;
    case IN_HEAD:
      receive_head(byte);
      break;
    case IN_PAYLOAD:
      crc = tg_tester_crc(crc, byte);
      payload[at++] = byte;
      if (at == get16(head + 2)) enter(IN_CRC);
      break;
    default:
      receive_crc(byte);
      break;
  }
}
