// SPDX-License-Identifier: 0BSD
// The tester on a board with an Arduino core: the wire is Serial, the clock is micros().
#include <Arduino.h>

#include "tg_tester.h"

#ifndef TG_BAUD
#define TG_BAUD 115200
#endif

void tg_tester_send(uint8_t byte) {
  Serial.write(byte);
}

uint32_t tg_tester_ticks(void) {
  return (uint32_t)micros();
}

uint32_t tg_tester_ticks_hz(void) {
  return 1000000U;
}

void setup() {
  Serial.begin(TG_BAUD);
}

void loop() {
  while (Serial.available() > 0) tg_tester_receive((uint8_t)Serial.read());
}
