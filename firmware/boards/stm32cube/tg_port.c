/* SPDX-License-Identifier: 0BSD */
/* An STM32 under STM32Cube: a UART through the HAL, and the cycle counter, or where a core has none the milliseconds.
 *
 * The clock is the one that the chip starts with; set a faster one in main(), before tg_init(), with a
 * SystemClock_Config() of your own. */
#include "tg_port.h"

#include "tg_board.h"

void SysTick_Handler(void);

static UART_HandleTypeDef uart;

void SysTick_Handler(void) { HAL_IncTick(); }

static void set_pin(GPIO_TypeDef *port, uint32_t pin, uint32_t mode) {
  GPIO_InitTypeDef init = {0};
  init.Pin = UINT32_C(1) << pin;
  init.Mode = mode;
  init.Pull = GPIO_PULLUP;
  init.Speed = GPIO_SPEED_FREQ_HIGH;
#ifdef TG_UART_ALTERNATE
  init.Alternate = TG_UART_ALTERNATE;
#endif
  HAL_GPIO_Init(port, &init);
}

void tg_init(void) {
  static uint8_t done;
  if (done) return;
  done = 1;
  HAL_Init();
  SystemCoreClockUpdate();
  TG_UART_CLOCK_ENABLE();
  TG_TX_CLOCK_ENABLE();
  TG_RX_CLOCK_ENABLE();
  set_pin(TG_TX_PORT, TG_TX_PIN, GPIO_MODE_AF_PP);
#ifdef TG_UART_ALTERNATE
  set_pin(TG_RX_PORT, TG_RX_PIN, GPIO_MODE_AF_PP);
#else
  set_pin(TG_RX_PORT, TG_RX_PIN, GPIO_MODE_INPUT); /* an STM32F1 */
#endif
  uart.Instance = TG_UART;
  uart.Init.BaudRate = TG_PORT_BAUD;
  uart.Init.WordLength = UART_WORDLENGTH_8B;
  uart.Init.StopBits = UART_STOPBITS_1;
  uart.Init.Parity = UART_PARITY_NONE;
  uart.Init.Mode = UART_MODE_TX_RX;
  uart.Init.HwFlowCtl = UART_HWCONTROL_NONE;
  if (HAL_UART_Init(&uart) != HAL_OK) {
    for (;;) {
    }
  }
#if defined(DWT) && defined(DWT_CTRL_CYCCNTENA_Msk)
  CoreDebug->DEMCR |= CoreDebug_DEMCR_TRCENA_Msk;
#if defined(__CORTEX_M) && __CORTEX_M == 7
  DWT->LAR = UINT32_C(0xC5ACCE55); /* the key of its lock */
#endif
  DWT->CYCCNT = 0;
  DWT->CTRL |= DWT_CTRL_CYCCNTENA_Msk;
#endif
}

int tg_poll(void) {
  uint8_t byte = 0;
  /* after an overrun it would receive nothing more; the host repeats what was lost */
  if (__HAL_UART_GET_FLAG(&uart, UART_FLAG_ORE) != 0U) __HAL_UART_CLEAR_OREFLAG(&uart);
  return HAL_UART_Receive(&uart, &byte, 1, 0) == HAL_OK ? byte : -1;
}

int tg_getc(void) {
  int c;
  do {
    c = tg_poll();
  } while (c < 0);
  return c;
}

void tg_putc(int c) {
  uint8_t byte = (uint8_t)(c & 0xFF);
  (void)HAL_UART_Transmit(&uart, &byte, 1, HAL_MAX_DELAY);
}

#if defined(DWT) && defined(DWT_CTRL_CYCCNTENA_Msk)
uint32_t tg_ticks(void) { return DWT->CYCCNT; }
uint32_t tg_ticks_hz(void) { return SystemCoreClock; }
#else
uint32_t tg_ticks(void) { return HAL_GetTick(); }
uint32_t tg_ticks_hz(void) { return 1000U; }
#endif
