/* SPDX-License-Identifier: 0BSD */
/* Arm MPS2 with a Cortex-M33 (AN505): UART0, its secure alias. */
#include "../cortexm/cortexm.h"
#include "../tg_port.h"

#define UART_DATA TG_REG(0x50200000U)
#define UART_STATE TG_REG(0x50200004U)
#define UART_CTRL TG_REG(0x50200008U)
#define UART_INTERRUPT TG_REG(0x5020000CU)
#define UART_BAUD TG_REG(0x50200010U)
#define TX_FULL 1U
#define RX_FULL 2U
#define RX_INTERRUPT 8U

const uint32_t tg_uart_irq = 32;

void tg_uart_init(void) {
  UART_BAUD = 20000000U / 115200U;
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

uint32_t tg_ticks_hz(void) { return 20000000U; }
