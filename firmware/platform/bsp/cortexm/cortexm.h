/* SPDX-License-Identifier: 0BSD */
/* Between the startup code shared by the Cortex-M boards and the UART of each. */
#ifndef TG_CORTEXM_H
#define TG_CORTEXM_H
#include <stdint.h>

#define TG_REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define TG_NVIC_ISER(irq) TG_REG(0xE000E100U + 4U * ((irq) / 32U))
#define TG_NVIC_ICER(irq) TG_REG(0xE000E180U + 4U * ((irq) / 32U))
#define TG_NVIC_ICPR(irq) TG_REG(0xE000E280U + 4U * ((irq) / 32U))
#define TG_NVIC_BIT(irq) (UINT32_C(1) << ((irq) % 32U))

void tg_uart_init(void);
void tg_uart_interrupt(int on);   /* whether a received byte raises its interrupt */
extern const uint32_t tg_uart_irq; /* the number of that interrupt */

#endif
