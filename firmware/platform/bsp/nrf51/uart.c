/* SPDX-License-Identifier: 0BSD */
/* nRF51 of a micro:bit: UART0. QEMU gives this one a SysTick, which the real chip lacks. */
#include "../cortexm/cortexm.h"
#include "../tg_port.h"

#define UART(offset) TG_REG(0x40002000U + (offset))
#define START_RX UART(0x000U)
#define START_TX UART(0x008U)
#define RX_READY UART(0x108U)
#define TX_READY UART(0x11CU)
#define INTERRUPT_SET UART(0x304U)
#define INTERRUPT_CLEAR UART(0x308U)
#define RX_INTERRUPT 4U

const uint32_t tg_uart_irq = 2;
static uint8_t sending;

void tg_uart_init(void) {
  UART(0x508U) = 0xFFFFFFFFU;          /* no RTS */
  UART(0x50CU) = 24;                   /* TXD */
  UART(0x514U) = 25;                   /* RXD */
  UART(0x524U) = UINT32_C(0x01D7E000); /* 115200 */
  UART(0x500U) = 4;                    /* on */
  START_RX = 1;
  START_TX = 1;
}

void tg_uart_interrupt(int on) {
  if (on) {
    INTERRUPT_SET = RX_INTERRUPT;
  } else {
    INTERRUPT_CLEAR = RX_INTERRUPT;
  }
}

int tg_poll(void) {
  if (RX_READY == 0U) return -1;
  RX_READY = 0;
  return (int)(UART(0x518U) & 0xFFU);
}

void tg_putc(int c) {
  while (sending && TX_READY == 0U) {
  }
  TX_READY = 0;
  UART(0x51CU) = (uint32_t)c & 0xFFU;
  sending = 1;
}

uint32_t tg_ticks_hz(void) { return 16000000U; }
