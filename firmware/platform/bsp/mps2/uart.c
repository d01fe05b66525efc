/* SPDX-License-Identifier: 0BSD */
/* Arm MPS2 boards: UART0. */
#define UART_BASE 0x40004000U
#define UART_IRQ 0U
#define CLOCK_HZ 25000000U
#include "cmsdk_uart.h"
