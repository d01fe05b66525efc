/* SPDX-License-Identifier: 0BSD */
/* Cortex-M boards: vectors, reset, faults, sleeping while no byte comes, and SysTick as a free-running clock. */
#include <string.h>

#include "../tg_port.h"
#include "cortexm.h"

#define SYST_CSR TG_REG(0xE000E010U)
#define SYST_RVR TG_REG(0xE000E014U)
#define SYST_CVR TG_REG(0xE000E018U)
#define SCB_CFSR TG_REG(0xE000ED28U)
#define SCB_CPACR TG_REG(0xE000ED88U)
#define MPU_CTRL TG_REG(0xE000ED94U)
#define MPU_RNR TG_REG(0xE000ED98U)
#define MPU_RBAR TG_REG(0xE000ED9CU)
#define MPU_RASR TG_REG(0xE000EDA0U)

typedef void (*function)(void);

extern uint32_t tg_stack_bottom[], tg_stack_top[];
extern uint32_t tg_data_load[], tg_data[], tg_data_end[], tg_bss[], tg_bss_end[];
extern const function tg_init_array[], tg_init_array_end[];
int main(void);
void tg_reset(void);
void tg_fault(void);
void tg_report_fault(const uint32_t *frame);

static volatile uint32_t wraps;

/* A stack that grows out of its place shall fault: some emulated boards ignore what is written there. */
static void guard_stack(void) {
#if defined(__ARM_ARCH_8M_MAIN__)
  __asm volatile("msr msplim, %0" : : "r"(tg_stack_bottom));
#elif !defined(__ARM_ARCH_6M__) /* which has no MPU; nothing lies below its RAM */
  MPU_RNR = 0;
  MPU_RBAR = (uint32_t)(uintptr_t)tg_stack_bottom - 0x10000U; /* the 64 KB below */
  MPU_RASR = (UINT32_C(1) << 28) | (15U << 1) | 1U;           /* no code, no access, 2^16 bytes, on */
  MPU_CTRL = 5;                                               /* on, the rest of the memory as it is */
#endif
}

void tg_reset(void) {
  for (uint32_t i = 0; tg_data + i < tg_data_end; i++) {
    tg_data[i] = tg_data_load[i];
    __asm volatile(""); /* or the compiler makes a memcpy of it, 300 bytes that a small program needs nowhere else */
  }
  memset(tg_bss, 0, (uintptr_t)tg_bss_end - (uintptr_t)tg_bss);
#ifndef __ARM_ARCH_6M__
  SCB_CPACR |= UINT32_C(0xF) << 20; /* FPU on */
#endif
  guard_stack();
  __asm volatile("dsb\n isb");
  tg_init();
  for (const function *f = tg_init_array; f != tg_init_array_end; f++) (*f)(); /* C++ constructors */
  main();
  for (;;) __asm volatile("wfi");
}

static void systick(void) { wraps++; }

static void put(const char *text) {
  while (*text != '\0') tg_putc(*text++);
}

static void put_hex(uint32_t value) {
  for (int shift = 28; shift >= 0; shift -= 4) tg_putc("0123456789abcdef"[(value >> shift) & 15U]);
}

/* A fault is never silent: the host's tester quotes this line. */
void tg_report_fault(const uint32_t *frame) {
  uint32_t number;
  __asm volatile("mrs %0, ipsr" : "=r"(number));
  put("\n!fault ");
  put_hex(number);
  put(" cfsr ");
  put_hex(SCB_CFSR);
  if (frame >= tg_stack_bottom && frame < tg_stack_top) { /* else: no stack was left to save it on */
    put(" pc ");
    put_hex(frame[6]);
  }
  put("\n");
  for (;;) __asm volatile("wfi");
}

/* The stack may be what is broken: the report starts on a fresh one. */
__attribute__((naked)) void tg_fault(void) {
  __asm volatile(
      "mrs r0, msp\n"
      "ldr r1, =tg_stack_top\n"
      "mov sp, r1\n"
      "b tg_report_fault\n");
}

/* No external interrupt is ever taken: tg_getc only wakes up by one. */
__attribute__((section(".isr_vector"), used)) static const function vectors[16] = {
    (function)(uintptr_t)tg_stack_top,
    tg_reset, tg_fault, tg_fault, tg_fault, tg_fault, tg_fault, 0, 0, 0, 0, tg_fault, tg_fault, 0, tg_fault,
    systick};

void tg_init(void) {
  tg_uart_init();
  SYST_RVR = 0xFFFFFFU;
  SYST_CVR = 0;
  SYST_CSR = 7; /* core clock, interrupt, on */
}

int tg_getc(void) {
  int c;
  while ((c = tg_poll()) < 0) {
    /* With interrupts masked WFI still wakes when one is pending: a byte that comes just now is not slept over. */
    __asm volatile("cpsid i");
    tg_uart_interrupt(1);
    TG_NVIC_ICPR(tg_uart_irq) = TG_NVIC_BIT(tg_uart_irq); /* of an earlier byte */
    TG_NVIC_ISER(tg_uart_irq) = TG_NVIC_BIT(tg_uart_irq);
    c = tg_poll();
    if (c < 0) __asm volatile("wfi");
    TG_NVIC_ICER(tg_uart_irq) = TG_NVIC_BIT(tg_uart_irq);
    tg_uart_interrupt(0);
    __asm volatile("cpsie i\n isb");
    if (c >= 0) break;
  }
  return c;
}

uint32_t tg_ticks(void) {
  uint32_t before, ticks;
  do {
    before = wraps;
    ticks = 0xFFFFFFU - SYST_CVR;
  } while (before != wraps);
  return (before << 24) + ticks;
}
