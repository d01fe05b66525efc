// The stub's other half: an "Arduino" whose Serial is stdin and stdout.
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "Arduino.h"

HardwareSerial Serial;

void HardwareSerial::begin(unsigned long baud) {
  if (baud != 57600) exit(3);  // the test compiles with TG_BAUD=57600
}

int HardwareSerial::available() {
  struct pollfd data = {STDIN_FILENO, POLLIN, 0};
  return poll(&data, 1, 10) > 0 ? 1 : 0;
}

int HardwareSerial::read() {
  unsigned char byte;
  if (::read(STDIN_FILENO, &byte, 1) != 1) exit(0);
  return byte;
}

size_t HardwareSerial::write(uint8_t byte) {
  return ::write(STDOUT_FILENO, &byte, 1) == 1 ? 1 : 0;
}

size_t HardwareSerial::println(const char *text) {
  return (size_t)printf("%s\n", text);
}

extern "C" void delay(unsigned long milliseconds) {
  usleep((useconds_t)milliseconds * 1000);
}

extern "C" unsigned long micros(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (unsigned long)now.tv_sec * 1000000UL + (unsigned long)now.tv_nsec / 1000UL;
}

int main() {
  setup();
  for (;;) loop();
}
