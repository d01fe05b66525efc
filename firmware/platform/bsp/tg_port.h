/* SPDX-License-Identifier: 0BSD */
/* What an image for an emulated board (or the host) needs of it: a serial port and a clock. */
#ifndef TG_PORT_H
#define TG_PORT_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

void tg_init(void); /* first thing in main; calling it again does no harm */
int tg_getc(void);  /* waits for a byte, asleep */
int tg_poll(void);  /* a byte, or -1 when there is none */
void tg_putc(int c);
uint32_t tg_ticks(void); /* runs freely and wraps */
uint32_t tg_ticks_hz(void);

#ifdef __cplusplus
}
#endif
#endif
