// The few Arduino calls that the tester's port and the application make, with the types that real cores give them.
#ifndef ARDUINO_STUB_H
#define ARDUINO_STUB_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __AVR__
#include <avr/interrupt.h>
#include <avr/io.h>
#define F_CPU 16000000UL
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
