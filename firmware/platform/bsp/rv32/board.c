/* SPDX-License-Identifier: 0BSD */
/* QEMU's virt with a RISC-V of 32 bits: reset, faults, UART0 (a 16550), and the count of instructions as the clock. */
#include <string.h>

#include "../tg_port.h"

#define UART(n) (*(volatile uint8_t *)(uintptr_t)(0x10000000U + (n)))
#define RX_READY 1U
#define TX_EMPTY 0x20U
/* the interrupt controller: UART0 is its source 10, this core its context 0 */
#define PLIC(offset) (*(volatile uint32_t *)(uintptr_t)(0x0C000000U + (offset)))
#define UART_SOURCE 10U
#define CLAIM PLIC(0x200004U)

typedef void (*function)(void);

extern uint8_t tg_stack_bottom[];
extern uint32_t tg_data_load[], tg_data[], tg_data_end[], tg_bss[], tg_bss_end[];
extern const function tg_init_array[], tg_init_array_end[];
int main(void);
void tg_reset(void);
void tg_report_fault(uint32_t cause, uint32_t pc);

/* The 64 KB below the stack: read, write and execute are denied, to this privilege level too. */
static void guard_stack(void) {
  const uint32_t below = (uint32_t)(uintptr_t)tg_stack_bottom - 0x10000U;
  __asm volatile(
      ".option push\n.option arch, +zicsr\n"
      "csrw pmpaddr0, %0\n"
      "csrw pmpaddr1, %1\n"
      "csrw pmpcfg0, %2\n"
      ".option pop"
      :
      /* 2^16 bytes, as a naturally aligned power of two; and all of the memory, as it was */
      : "r"((below >> 2) | 0x1FFFU), "r"(UINT32_C(0xFFFFFFFF)), "r"(UINT32_C(0x1F98)));
}

void tg_reset(void) {
  memcpy(tg_data, tg_data_load, (uintptr_t)tg_data_end - (uintptr_t)tg_data);
  memset(tg_bss, 0, (uintptr_t)tg_bss_end - (uintptr_t)tg_bss);
  guard_stack();
  tg_init();
  for (const function *f = tg_init_array; f != tg_init_array_end; f++) (*f)(); /* C++ constructors */
  main();
  for (;;) __asm volatile("wfi");
}

static void put(const char *text) {
  while (*text != '\0') tg_putc(*text++);
}

static void put_hex(uint32_t value) {
  for (int shift = 28; shift >= 0; shift -= 4) tg_putc("0123456789abcdef"[(value >> shift) & 15U]);
}

/* A fault is never silent: the host's tester quotes this line. */
void tg_report_fault(uint32_t cause, uint32_t pc) {
  put("\n!fault ");
  put_hex(cause);
  put(" pc ");
  put_hex(pc);
  put("\n");
  for (;;) __asm volatile("wfi");
}

void tg_init(void) {
  UART(2) = 1; /* FIFO on */
  UART(3) = 3; /* 8 bits */
  PLIC(4U * UART_SOURCE) = 1; /* its priority */
  PLIC(0x2000U) = UINT32_C(1) << UART_SOURCE;
  PLIC(0x200000U) = 0; /* no threshold */
  __asm volatile(".option push\n.option arch, +zicsr\ncsrs mie, %0\n.option pop" : : "r"(UINT32_C(0x800)));
}

int tg_poll(void) { return (UART(5) & RX_READY) != 0U ? (int)UART(0) : -1; }

/* Interrupts stay off in mstatus: one that is pending only wakes the core. */
int tg_getc(void) {
  int c;
  while ((c = tg_poll()) < 0) {
    UART(1) = 1; /* a received byte interrupts */
    if ((UART(5) & RX_READY) == 0U) __asm volatile("wfi");
    UART(1) = 0;
    const uint32_t source = CLAIM;
    if (source != 0U) CLAIM = source; /* done with it */
  }
  return c;
}

void tg_putc(int c) {
  while ((UART(5) & TX_EMPTY) == 0U) {
  }
  UART(0) = (uint8_t)c;
}

uint32_t tg_ticks(void) {
  uint32_t retired;
  __asm volatile(".option push\n.option arch, +zicsr\ncsrr %0, minstret\n.option pop" : "=r"(retired));
  return retired;
}

uint32_t tg_ticks_hz(void) { return 1000000000U; }
