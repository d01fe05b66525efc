/* A "model" whose outputs depend on every input byte. Like a planned arena, its inputs are gone after invoke. */
#include "tg_tester.h"

#ifndef FAKE_BYTES
#define FAKE_BYTES 1200 /* of the second input */
#endif
enum { FIRST = 37, SECOND = FAKE_BYTES, OUT_FIRST = 10, OUT_SECOND = FAKE_BYTES / 2 };

static uint8_t arena[FIRST + SECOND];
static uint8_t result_first[OUT_FIRST], result_second[OUT_SECOND];
static const uint8_t sha256[32] = {0xDE, 0xAD, 0xBE, 0xEF, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
                                   16,   17,   18,   19,   20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
static const uint32_t input_bytes[] = {FIRST, SECOND};
static const uint32_t output_bytes[] = {OUT_FIRST, OUT_SECOND};

static void *input(int index) { return index == 0 ? arena : arena + FIRST; }
static void *output(int index) { return index == 0 ? result_first : result_second; }

static void invoke(void) {
  uint32_t hash = 1;
#ifdef FAKE_FAULT
  ((void (*)(void))0xE0000000)(); /* a place that cannot be executed */
#endif
  for (int i = 0; i < FIRST + SECOND; i++) hash = hash * UINT32_C(1664525) + arena[i] + 1U;
  for (int i = 0; i < OUT_FIRST + OUT_SECOND; i++) {
    const uint8_t byte = (uint8_t)((hash >> 24) ^ arena[i % (FIRST + SECOND)]);
    hash = hash * UINT32_C(1664525) + 1013904223U;
    if (i < OUT_FIRST) {
      result_first[i] = byte;
    } else {
      result_second[i - OUT_FIRST] = byte;
    }
  }
  for (int i = 0; i < FIRST + SECOND; i++) arena[i] = 0x55;
}

const tg_model tg_tested_model = {
    .name = "fake",
    .version = "0.1.0",
    .sha256 = sha256,
    .input_count = 2,
    .output_count = 2,
    .input_bytes = input_bytes,
    .output_bytes = output_bytes,
    .arena_bytes = sizeof arena,
    .input = input,
    .output = output,
    .invoke = invoke,
};
