/* SPDX-License-Identifier: 0BSD */
/* The UART of Arm's CMSDK, on all MPS2 boards; UART_BASE, UART_IRQ and CLOCK_HZ are defined by what includes it. */
#ifndef CMSDK_UART_H
#define CMSDK_UART_H
#include "../cortexm/cortexm.h"
#include "../tg_port.h"

#define UART_DATA TG_REG(UART_BASE + 0x00U)
#define UART_STATE TG_REG(UART_BASE + 0x04U)
#define UART_CTRL TG_REG(UART_BASE + 0x08U)
#define UART_INTERRUPT TG_REG(UART_BASE + 0x0CU)
#define UART_BAUD TG_REG(UART_BASE + 0x10U)
#define TX_FULL 1U
#define RX_FULL 2U
#define RX_INTERRUPT 8U

const uint32_t tg_uart_irq = UART_IRQ;

void tg_uart_init(void) {
  UART_BAUD = CLOCK_HZ / 115200U;
  UART_CTRL = 3; /* transmit, receive */
}

void tg_uart_interrupt(int on) {
  if (on) {
    UART_CTRL |= RX_INTERRUPT;
  } else {
    UART_CTRL &= ~RX_INTERRUPT;
    UART_INTERRUPT = 2; /* acknowledge */
  }
}

int tg_poll(void) { return (UART_STATE & RX_FULL) != 0U ? (int)(UART_DATA & 0xFFU) : -1; }

void tg_putc(int c) {
  while ((UART_STATE & TX_FULL) != 0U) {
  }
  UART_DATA = (uint32_t)c & 0xFFU;
}

uint32_t tg_ticks_hz(void) { return CLOCK_HZ; }

#endif
