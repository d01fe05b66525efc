/* SPDX-License-Identifier: 0BSD */
/* Arm MPS2 with a Cortex-M33 (AN505): UART0, its secure alias. */
#define UART_BASE 0x50200000U
#define UART_IRQ 32U
#define CLOCK_HZ 20000000U
#include "../mps2/cmsdk_uart.h"
