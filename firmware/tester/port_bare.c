/* SPDX-License-Identifier: 0BSD */
/* The tester on a board without an Arduino core, on an emulated one, or on the host: tg_port.h is the board. */
#include "tg_port.h"
#include "tg_tester.h"
#ifdef TG_HEAP
#include "tg_heap.h"
#endif

/* of the board's linker script, if it has them; the host has not */
extern uint8_t tg_stack_bottom[] __attribute__((weak));
extern uint8_t tg_ram_free[] __attribute__((weak));
extern uint8_t tg_ram_end[] __attribute__((weak));

void tg_tester_send(uint8_t byte) { tg_putc(byte); }
uint32_t tg_tester_ticks(void) { return tg_ticks(); }
uint32_t tg_tester_ticks_hz(void) { return tg_ticks_hz(); }
uint32_t tg_tester_clock_hz(void) { return tg_ticks_hz(); } /* one tick an instruction; on the host nanoseconds */
uint8_t *tg_tester_stack_limit(void) { return tg_stack_bottom; }

uint32_t tg_tester_free_ram(void) {
  const uintptr_t end = (uintptr_t)tg_ram_end;
  return end == 0 ? TG_TESTER_UNKNOWN : (uint32_t)(end - (uintptr_t)tg_ram_free);
}

int main(void) {
  tg_init();
#ifdef TG_HEAP
  while (!tg_take_arenas()) { /* no answer at all is what the host reports */
  }
#endif
  for (;;) tg_tester_receive((uint8_t)tg_getc());
}
