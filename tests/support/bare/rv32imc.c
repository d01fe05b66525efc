/* QEMU's RISC-V virt machine: 16550 UART, instructions retired, the test device that ends it. */
#include "bare.h"

void bare_start(void);

__asm__(
    ".section .start, \"ax\"\n.globl _start\n_start:\n"
    ".option push\n.option norelax\nla gp, bare_global\n.option pop\n"
    "la sp, bare_stack\nla tp, bare_stack\nj bare_start\n.text\n");

void bare_start(void) {
  bare_memory();
  bare_main();
  *(volatile uint32_t *)0x100000U = 0x5555;
  for (;;) {
  }
}

void bare_out(uint8_t byte) { *(volatile uint8_t *)0x10000000U = byte; }

uint32_t bare_ticks(void) {
  uint32_t count;
  __asm__ volatile(".option push\n.option arch, +zicsr\ncsrr %0, minstret\n.option pop" : "=r"(count) : : "memory");
  return count;
}
