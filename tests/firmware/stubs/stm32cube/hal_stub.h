/* What of ST's HAL the port of the tester uses, with the types that it has there. */
#ifndef HAL_STUB_H
#define HAL_STUB_H
#include <stddef.h>
#include <stdint.h>

typedef enum { HAL_OK, HAL_ERROR } HAL_StatusTypeDef;
typedef struct {
  volatile uint32_t MODER;
} GPIO_TypeDef;
typedef struct {
  volatile uint32_t SR;
} USART_TypeDef;
typedef struct {
  uint32_t Pin, Mode, Pull, Speed;
#ifndef STUB_NO_ALTERNATE
  uint32_t Alternate;
#endif
} GPIO_InitTypeDef;
typedef struct {
  uint32_t BaudRate, WordLength, StopBits, Parity, Mode, HwFlowCtl;
} UART_InitTypeDef;
typedef struct {
  USART_TypeDef *Instance;
  UART_InitTypeDef Init;
} UART_HandleTypeDef;

extern GPIO_TypeDef stub_gpio[11];
extern USART_TypeDef stub_usart[4];
extern uint32_t SystemCoreClock;
#define GPIOA (&stub_gpio[0])
#define GPIOB (&stub_gpio[1])
#define GPIOD (&stub_gpio[3])
#define USART1 (&stub_usart[1])
#define USART2 (&stub_usart[2])
#define USART3 (&stub_usart[3])
#define LPUART1 (&stub_usart[0])
#define __HAL_RCC_GPIOA_CLK_ENABLE() (SystemCoreClock |= 1U)
#define __HAL_RCC_GPIOB_CLK_ENABLE() (SystemCoreClock |= 2U)
#define __HAL_RCC_GPIOD_CLK_ENABLE() (SystemCoreClock |= 4U)
#define __HAL_RCC_USART1_CLK_ENABLE() (SystemCoreClock |= 8U)
#define __HAL_RCC_USART2_CLK_ENABLE() (SystemCoreClock |= 16U)
#define __HAL_RCC_USART3_CLK_ENABLE() (SystemCoreClock |= 32U)
#define __HAL_RCC_LPUART1_CLK_ENABLE() (SystemCoreClock |= 64U)
#ifndef STUB_NO_ALTERNATE
#define GPIO_AF1_USART2 1U
#define GPIO_AF4_USART2 4U
#define GPIO_AF7_USART1 7U
#define GPIO_AF7_USART2 7U
#define GPIO_AF7_USART3 7U
#define GPIO_AF12_LPUART1 12U
#endif
#define GPIO_MODE_INPUT 0U
#define GPIO_MODE_AF_PP 2U
#define GPIO_PULLUP 1U
#define GPIO_SPEED_FREQ_HIGH 3U
#define UART_WORDLENGTH_8B 0U
#define UART_STOPBITS_1 0U
#define UART_PARITY_NONE 0U
#define UART_MODE_TX_RX 12U
#define UART_HWCONTROL_NONE 0U
#define UART_FLAG_ORE 8U
#define HAL_MAX_DELAY 0xFFFFFFFFU
#define __HAL_UART_GET_FLAG(handle, flag) (((handle)->Instance->SR & (flag)) == (flag))
#define __HAL_UART_CLEAR_OREFLAG(handle) ((handle)->Instance->SR = 0)

#ifdef STUB_CYCLE_COUNTER
typedef struct {
  volatile uint32_t CTRL, CYCCNT, LAR;
} DWT_Type;
typedef struct {
  volatile uint32_t DEMCR;
} CoreDebug_Type;
extern DWT_Type stub_dwt;
extern CoreDebug_Type stub_debug;
#define DWT (&stub_dwt)
#define CoreDebug (&stub_debug)
#define DWT_CTRL_CYCCNTENA_Msk 1U
#define CoreDebug_DEMCR_TRCENA_Msk (UINT32_C(1) << 24)
#endif

HAL_StatusTypeDef HAL_Init(void);
void HAL_IncTick(void);
uint32_t HAL_GetTick(void);
void SystemCoreClockUpdate(void);
void HAL_GPIO_Init(GPIO_TypeDef *port, GPIO_InitTypeDef *init);
HAL_StatusTypeDef HAL_UART_Init(UART_HandleTypeDef *uart);
HAL_StatusTypeDef HAL_UART_Receive(UART_HandleTypeDef *uart, uint8_t *to, uint16_t size, uint32_t timeout);
HAL_StatusTypeDef HAL_UART_Transmit(UART_HandleTypeDef *uart, const uint8_t *from, uint16_t size, uint32_t timeout);
#endif
