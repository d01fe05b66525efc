/* SPDX-License-Identifier: 0BSD */
/* An ESP32 under ESP-IDF: UART0, which is the console too, and the microseconds since the start. */
#include "tg_port.h"

#include "driver/uart.h"
#include "esp_log.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"

#define RECEIVED_BYTES 4096

int main(void);
void app_main(void);

void app_main(void) { (void)main(); }

void tg_init(void) {
  uart_config_t config = {0};
  if (uart_is_driver_installed(UART_NUM_0)) return;
  esp_log_level_set("*", ESP_LOG_NONE); /* the wire is the protocol's now */
  config.baud_rate = TG_PORT_BAUD;
  config.data_bits = UART_DATA_8_BITS;
  config.parity = UART_PARITY_DISABLE;
  config.stop_bits = UART_STOP_BITS_1;
  config.flow_ctrl = UART_HW_FLOWCTRL_DISABLE;
  ESP_ERROR_CHECK(uart_driver_install(UART_NUM_0, RECEIVED_BYTES, 0, 0, NULL, 0));
  ESP_ERROR_CHECK(uart_param_config(UART_NUM_0, &config));
}

int tg_getc(void) {
  uint8_t byte = 0;
  while (uart_read_bytes(UART_NUM_0, &byte, 1, portMAX_DELAY) != 1) {
  }
  return byte;
}

int tg_poll(void) {
  uint8_t byte = 0;
  return uart_read_bytes(UART_NUM_0, &byte, 1, 0) == 1 ? byte : -1;
}

void tg_putc(int c) {
  const uint8_t byte = (uint8_t)(c & 0xFF);
  (void)uart_write_bytes(UART_NUM_0, &byte, 1);
}

uint32_t tg_ticks(void) { return (uint32_t)esp_timer_get_time(); }
uint32_t tg_ticks_hz(void) { return 1000000U; }
