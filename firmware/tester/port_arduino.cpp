// SPDX-License-Identifier: 0BSD
// The tester on a board with an Arduino core: the wire is Serial, the clock is the core's cycle counter where it has one
// (an inference may take up to 2^32 cycles, 18 s at 240 MHz), else micros().
#include <Arduino.h>

#include "tg_tester.h"
#ifdef TG_HEAP
#include "tg_heap.h"
#endif

#if defined(__AVR__)
// of avr-libc: the heap lies above the variables and grows towards the stack; without malloc there is none (weak)
extern "C" uint8_t __heap_start;
extern "C" uint8_t *__brkval __attribute__((weak));
static uint8_t *heap_end(void) {
  return &__brkval != nullptr && __brkval != nullptr ? __brkval : &__heap_start;
}
#elif defined(ARDUINO_ARCH_STM32)
#include <unistd.h>
static uint8_t *heap_end(void) {
  return static_cast<uint8_t *>(sbrk(0));
}
#else
static uint8_t *heap_end(void) {
  return nullptr;  // the stack is a task's, and lies elsewhere
}
#endif

#ifndef TG_BAUD
#define TG_BAUD 115200
#endif

void tg_tester_send(uint8_t byte) {
  Serial.write(byte);
}

#if defined(ARDUINO_ARCH_ESP32)
static void start_clock() {}
uint32_t tg_tester_ticks(void) {
  return ESP.getCycleCount();
}
uint32_t tg_tester_ticks_hz(void) {
  return getCpuFrequencyMhz() * 1000000U;
}
#elif defined(DWT_CTRL_CYCCNTENA_Msk) && defined(CoreDebug_DEMCR_TRCENA_Msk)
static void start_clock() {
  CoreDebug->DEMCR |= CoreDebug_DEMCR_TRCENA_Msk;
  DWT->CYCCNT = 0;
  DWT->CTRL |= DWT_CTRL_CYCCNTENA_Msk;
}
uint32_t tg_tester_ticks(void) {
  return DWT->CYCCNT;
}
uint32_t tg_tester_ticks_hz(void) {
  return SystemCoreClock;
}
#elif defined(TCNT1)
// Timer 1 counts every cycle; micros() has steps of 64. The interrupts of both timers are counted along.
static volatile uint16_t wraps;

ISR(TIMER1_OVF_vect) {
  wraps++;
}

uint32_t tg_tester_ticks(void) {
  const uint8_t status = SREG;
  cli();
  const uint16_t low = TCNT1;
  uint16_t high = wraps;
  if ((TIFR1 & _BV(TOV1)) && low < 0x8000U) high++;
  SREG = status;
  return ((uint32_t)high << 16) | low;
}

uint32_t tg_tester_ticks_hz(void) {
  return F_CPU;
}

static void start_clock() {
  TCCR1A = 0;
  TCCR1B = _BV(CS10);
  TIMSK1 = _BV(TOIE1);
}
#else
static void start_clock() {}
uint32_t tg_tester_ticks(void) {
  return (uint32_t)micros();
}
uint32_t tg_tester_ticks_hz(void) {
  return 1000000U;
}
#endif

uint32_t tg_tester_clock_hz(void) {
#ifdef F_CPU
  return (uint32_t)F_CPU;
#else
  return 0;
#endif
}

uint8_t *tg_tester_stack_limit(void) {
  return heap_end();
}

uint32_t tg_tester_free_ram(void) {
#ifdef ARDUINO_ARCH_ESP32
  return ESP.getFreeHeap();
#else
  const volatile uint8_t here = 0;
  const uint8_t *const end = heap_end();
  return end == nullptr ? TG_TESTER_UNKNOWN : (uint32_t)((uintptr_t)&here - (uintptr_t)end);
#endif
}

#ifdef TCNT1
#include <avr/sleep.h>
// until the next interrupt, a byte's or a timer's: an emulator then takes no time of the computer's
static void rest() {
  SMCR = _BV(SE); /* idle */
  sleep_cpu();
  SMCR = 0;
}
#else
static void rest() {}
#endif

void setup() {
  start_clock();
  Serial.begin(TG_BAUD);
#ifdef TG_HEAP
  while (!tg_take_arenas()) { /* no answer at all is what the host reports */
    Serial.println("no memory for the arena");
    delay(1000);
  }
#endif
}

void loop() {
  while (Serial.available() > 0) tg_tester_receive((uint8_t)Serial.read());
  rest();
}
