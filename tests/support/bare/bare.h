/* What tests/support/bare.py needs of an emulated core. */
#ifndef BARE_H
#define BARE_H
#include <stdint.h>
#include <string.h>

void bare_main(void); /* the test's program */
void bare_out(uint8_t byte);
uint32_t bare_ticks(void); /* in proportion to instructions under -icount */

extern char bare_data_load[], bare_data[], bare_data_end[], bare_bss[], bare_bss_end[];

static inline void bare_memory(void) {
  memcpy(bare_data, bare_data_load, (uintptr_t)bare_data_end - (uintptr_t)bare_data);
  memset(bare_bss, 0, (uintptr_t)bare_bss_end - (uintptr_t)bare_bss);
}
#endif
