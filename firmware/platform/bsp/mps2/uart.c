/* SPDX-License-Identifier: 0BSD */
/* Arm MPS2 boards: UART0. */
#include "../cortexm/cortexm.h"
#include "../tg_port.h"

#define UART_DATA TG_REG(0x40004000U)
#define UART_STATE TG_REG(0x40004004U)
#define UART_CTRL TG_REG(0x40004008U)
#define UART_INTERRUPT TG_REG(0x4000400CU)
#define UART_BAUD TG_REG(0x40004010U)
#define TX_FULL 1U
#define RX_FULL 2U
#define RX_INTERRUPT 8U

const uint32_t tg_uart_irq = 0;

void tg_uart_init(void) {
  UART_BAUD = 25000000U / 115200U;
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

uint32_t tg_ticks_hz(void) { return 25000000U; }
