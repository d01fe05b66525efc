// Cycle counters as the real cores declare them, for the tester's port: included before everything else.
#ifndef COUNTERS_STUB_H
#define COUNTERS_STUB_H
#include <stdint.h>
#if defined(ARDUINO_ARCH_ESP32)
struct EspClass {
  uint32_t getFreeHeap() {
    return 100000;
  }
  uint32_t getCycleCount() {
    static uint32_t now;
    return now += 1000U;
  }
};
static EspClass ESP;
static inline uint32_t getCpuFrequencyMhz() {
  return 240U;
}
#else
struct CoreDebugRegisters {
  volatile uint32_t DEMCR;
};
// counts, by a thousand at each look, when trace and counter have been switched on
struct CycleCounter {
  uint32_t count;
  CycleCounter &operator=(uint32_t value) {
    count = value;
    return *this;
  }
  operator uint32_t();
};
struct DwtRegisters {
  volatile uint32_t CTRL;
  CycleCounter CYCCNT;
};
static CoreDebugRegisters core_debug;
static DwtRegisters dwt;
#define CoreDebug (&core_debug)
#define DWT (&dwt)
#define CoreDebug_DEMCR_TRCENA_Msk (1UL << 24)
#define DWT_CTRL_CYCCNTENA_Msk 1UL
inline CycleCounter::operator uint32_t() {
  if (core_debug.DEMCR == CoreDebug_DEMCR_TRCENA_Msk && dwt.CTRL == DWT_CTRL_CYCCNTENA_Msk) count += 1000U;
  return count;
}
static uint32_t SystemCoreClock = 72000000U;
#endif
#endif
