// The few Arduino calls that the tester's port makes, with the types that real cores give them.
#ifndef ARDUINO_STUB_H
#define ARDUINO_STUB_H
#include <stddef.h>
#include <stdint.h>

class HardwareSerial {
 public:
  void begin(unsigned long baud);
  int available();
  int read();
  size_t write(uint8_t byte);
};
extern HardwareSerial Serial;
extern "C" unsigned long micros(void);
void setup();
void loop();
#endif
