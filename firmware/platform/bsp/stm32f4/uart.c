/* SPDX-License-Identifier: 0BSD */
/* STM32F405: USART1. QEMU has no clock tree behind it, so neither baud rate nor pins are set. */
#include "../cortexm/cortexm.h"
#include "../tg_port.h"

#define RCC_APB2ENR TG_REG(0x40023844U)
#define USART1_SR TG_REG(0x40011000U)
#define USART1_DR TG_REG(0x40011004U)
#define USART1_CR1 TG_REG(0x4001100CU)
#define RXNE (UINT32_C(1) << 5)
#define TXE (UINT32_C(1) << 7)
#define RXNEIE (UINT32_C(1) << 5)

const uint32_t tg_uart_irq = 37;

void tg_uart_init(void) {
  RCC_APB2ENR |= UINT32_C(1) << 4;
  USART1_CR1 = (UINT32_C(1) << 13) | (UINT32_C(1) << 3) | (UINT32_C(1) << 2); /* on, transmit, receive */
}

void tg_uart_interrupt(int on) {
  if (on) {
    USART1_CR1 |= RXNEIE;
  } else {
    USART1_CR1 &= ~RXNEIE;
  }
}

int tg_poll(void) { return (USART1_SR & RXNE) != 0U ? (int)(USART1_DR & 0xFFU) : -1; }

void tg_putc(int c) {
  while ((USART1_SR & TXE) == 0U) {
  }
  USART1_DR = (uint32_t)c & 0xFFU;
}

uint32_t tg_ticks_hz(void) { return 168000000U; }
