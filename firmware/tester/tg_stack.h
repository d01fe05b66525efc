/* SPDX-License-Identifier: 0BSD */
/* How deep the stack was in an inference: what lies below is painted before, and what has another colour then, was
   used. Interrupts count too. Included by tg_tester.c alone. */
#ifndef TG_STACK_H
#define TG_STACK_H
#include "tg_tester.h"

enum { PAINT = 0xC3, PAINT_MARGIN = 32 };
#define PAINT_MOST UINT32_C(16384)

/* With `paint`, colours the stack that is free; without, says how much of it was used since (TG_TESTER_UNKNOWN where
   it is not known how far it may grow). Both from where the inference is called: no deeper, and calling nothing. */
static __attribute__((noinline)) uint32_t free_stack(int paint) {
  volatile uint8_t here = 0;
  const uintptr_t high = (uintptr_t)&here;
  uintptr_t low = (uintptr_t)tg_tester_stack_limit();
  if (low == 0 || low >= high) return TG_TESTER_UNKNOWN;
  if (high - low > PAINT_MOST) low = (uintptr_t)(high - PAINT_MOST);
  for (; low + PAINT_MARGIN < high; low++) {
    volatile uint8_t *const place = (volatile uint8_t *)low;
    if (paint) {
      *place = PAINT;
    } else if (*place != PAINT) {
      break;
    }
  }
  return (uint32_t)(high - low);
}

static uint32_t stack_used; /* by the inference, as free_stack says */

static void measure_stack(void) {
  const uint32_t used = free_stack(0);
  if (used > stack_used) stack_used = used;
}
#endif
