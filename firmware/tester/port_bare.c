/* SPDX-License-Identifier: 0BSD */
/* The tester on an emulated board, or on the host: tg_port.h is the board. */
#include "tg_port.h"
#include "tg_tester.h"

void tg_tester_send(uint8_t byte) { tg_putc(byte); }
uint32_t tg_tester_ticks(void) { return tg_ticks(); }
uint32_t tg_tester_ticks_hz(void) { return tg_ticks_hz(); }

int main(void) {
  tg_init();
  for (;;) tg_tester_receive((uint8_t)tg_getc());
}
