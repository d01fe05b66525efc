// The few Arduino calls that the tester's port and the application make, with the types that real cores give them.
#ifndef ARDUINO_STUB_H
#define ARDUINO_STUB_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __AVR__
#include <avr/interrupt.h>
#include <avr/io.h>
#endif

#ifndef COUNTERS_STUB_H  // which has them for a program of this computer
#if defined(ARDUINO_ARCH_ESP32)
class EspClass {
 public:
  uint32_t getFreeHeap();
  static uint32_t getCycleCount();
};
extern EspClass ESP;
uint32_t getCpuFrequencyMhz();
#elif defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__)
// of CMSIS, as core_cm3.h, core_cm4.h and core_cm7.h have it
typedef struct {
  volatile uint32_t DHCSR, DCRSR, DCRDR, DEMCR;
} CoreDebug_Type;
typedef struct {
  volatile uint32_t CTRL, CYCCNT;
} DWT_Type;
#define CoreDebug ((CoreDebug_Type *)0xE000EDF0UL)
#define DWT ((DWT_Type *)0xE0001000UL)
#define CoreDebug_DEMCR_TRCENA_Msk (1UL << 24U)
#define DWT_CTRL_CYCCNTENA_Msk (0x1UL)
extern "C" uint32_t SystemCoreClock;
#endif
#endif

class HardwareSerial {
 public:
  void begin(unsigned long baud);
  int available();
  int read();
  size_t write(uint8_t byte);
  size_t print(const char *text);
  size_t print(int number);
  size_t print(unsigned long number);
  size_t println(const char *text);
};
extern HardwareSerial Serial;
extern "C" unsigned long micros(void);
extern "C" void delay(unsigned long milliseconds);
void setup();
void loop();
#endif
