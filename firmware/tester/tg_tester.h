/* SPDX-License-Identifier: 0BSD */
/* The firmware's end of tinygen's serial protocol (docs/SPEC.md, section 3): no heap, no assumption but C99. */
#ifndef TG_TESTER_H
#define TG_TESTER_H
#include <stdint.h>
#ifdef __AVR__
#include <avr/pgmspace.h>
#define TG_ROM PROGMEM
#else
#define TG_ROM
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* The longest payload of a request, and of an answer with data. */
#ifndef TG_TESTER_MAX_PAYLOAD
#ifdef __AVR__
#define TG_TESTER_MAX_PAYLOAD 64
#else
#define TG_TESTER_MAX_PAYLOAD 512
#endif
#endif
#if TG_TESTER_MAX_PAYLOAD < 16 || TG_TESTER_MAX_PAYLOAD > 1024
#error "TG_TESTER_MAX_PAYLOAD must lie between 16 and 1024: the host frees a stuck device with 1034 zeros"
#endif

/* A model under test; the files that tinygen generates beside this one define tg_tested_model and those behind it. */
typedef struct tg_model tg_model;
struct tg_model {
  const char *name;
  const char *version;   /* tinygen's */
  const uint8_t *sha256; /* 32 bytes: of the int8 .tflite */
  uint8_t input_count, output_count;
  const uint32_t *input_bytes, *output_bytes; /* of each tensor */
  uint32_t arena_bytes;
  void *(*input)(int index); /* NULL where the input comes by rows */
  void *(*output)(int index);
  void (*invoke)(void);
  void (*reset)(void); /* NULL for a model without variables */
  /* The input by rows: takes `row`, of row_bytes, and returns 1 with the last one; restart forgets what came. */
  int (*push_row)(void);
  void (*restart)(void);
  uint8_t *row;
  uint32_t row_bytes;
  const tg_model *next; /* another model of this firmware, or NULL */
};

extern const tg_model tg_tested_model;

/* Every byte that comes over the wire goes in here; requests are answered before it returns. */
void tg_tester_receive(uint8_t byte);

#define TG_TESTER_UNKNOWN UINT32_C(0xFFFFFFFF)

/* What a port has to give: a byte onto the wire, and a clock that runs freely and wraps. */
void tg_tester_send(uint8_t byte);
uint32_t tg_tester_ticks(void);
uint32_t tg_tester_ticks_hz(void);
/* What it says of the board: Hz of the core (0: not known), bytes that nothing uses (or TG_TESTER_UNKNOWN), and the
   lowest address to which the stack may grow (NULL: not known). */
uint32_t tg_tester_clock_hz(void);
uint32_t tg_tester_free_ram(void);
uint8_t *tg_tester_stack_limit(void);

/* CRC-32 of IEEE 802.3, a byte at a time: starts as TG_CRC_START, ends inverted. */
#define TG_CRC_START UINT32_C(0xFFFFFFFF)
uint32_t tg_tester_crc(uint32_t value, uint8_t byte);

#ifdef __cplusplus
}
#endif
#endif
