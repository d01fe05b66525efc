/* QEMU's mps2-an386, also with code for a Cortex-M0: UART0, TIMER0, semihosting. */
#include "bare.h"

#define UART(n) (*(volatile uint32_t *)(0x40004000U + (n)))
#define TIMER(n) (*(volatile uint32_t *)(0x40000000U + (n)))

extern uint32_t bare_stack[];
void bare_start(void);

__attribute__((section(".start"), used)) static const void *const vectors[2] = {bare_stack, (const void *)bare_start};

void bare_start(void) {
#ifdef __ARM_FP
  *(volatile uint32_t *)0xE000ED88U |= 0xFU << 20; /* CPACR: the FPU is on */
  __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
  bare_memory();
  UART(16) = 25000000U / 115200U;
  UART(8) = 1;
  TIMER(8) = 0xFFFFFFFFU;
  TIMER(4) = 0xFFFFFFFFU;
  TIMER(0) = 1;
  bare_main();
  register int operation __asm__("r0") = 0x18;  /* SYS_EXIT */
  register int reason __asm__("r1") = 0x20026; /* ADP_Stopped_ApplicationExit */
  __asm__ volatile("bkpt 0xab" : "+r"(operation) : "r"(reason) : "memory");
  for (;;) {
  }
}

void bare_out(uint8_t byte) {
  while (UART(4) & 1U) {
  }
  UART(0) = byte;
}

uint32_t bare_ticks(void) { return 0U - TIMER(4); }
