/* QEMU's lx60-nommu with an Xtensa LX106: 16550 UART, CCOUNT, simcalls. Debian's libgcc for it has no division. */
#include "bare.h"

void bare_start(void);
uint32_t __udivsi3(uint32_t a, uint32_t b);
uint32_t __umodsi3(uint32_t a, uint32_t b);
int32_t __divsi3(int32_t a, int32_t b);
int32_t __modsi3(int32_t a, int32_t b);

__asm__(
    ".section .start, \"ax\"\n.globl _start\nj _start\n.align 4\n.literal_position\n_start:\n"
    "movi a1, bare_stack\ncall0 bare_start\n.text\n");

void bare_start(void) {
  bare_memory();
  bare_main();
  register int operation __asm__("a2") = 1; /* exit */
  register int code __asm__("a3") = 0;
  __asm__ volatile("simcall" : : "r"(operation), "r"(code));
  for (;;) {
  }
}

void bare_out(uint8_t byte) { *(volatile uint8_t *)0x9D050020U = byte; }

uint32_t bare_ticks(void) {
  uint32_t count;
  __asm__ volatile("rsr.ccount %0" : "=r"(count) : : "memory");
  return count;
}

uint32_t __udivsi3(uint32_t a, uint32_t b) {
  uint32_t quotient = 0, rest = 0;
  for (int i = 31; i >= 0; --i) {
    rest = rest << 1 | ((a >> i) & 1U);
    if (rest >= b) {
      rest -= b;
      quotient |= UINT32_C(1) << i;
    }
  }
  return quotient;
}

uint32_t __umodsi3(uint32_t a, uint32_t b) { return a - __udivsi3(a, b) * b; }

int32_t __divsi3(int32_t a, int32_t b) {
  const uint32_t quotient = __udivsi3(a < 0 ? 0U - (uint32_t)a : (uint32_t)a, b < 0 ? 0U - (uint32_t)b : (uint32_t)b);
  return (int32_t)((a < 0) != (b < 0) ? 0U - quotient : quotient);
}

int32_t __modsi3(int32_t a, int32_t b) { return a - __divsi3(a, b) * b; }
