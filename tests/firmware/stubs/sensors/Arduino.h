// An Arduino for the sketches of examples/: Serial is stdout, time passes by being asked for, and the sensors behind Wire.h
// and SPI.h give the int16 samples that come over stdin; when there are no more, the program ends.
#ifndef SENSORS_ARDUINO_H
#define SENSORS_ARDUINO_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT 1
#define LOW 0
#define HIGH 1
#define SS 10
#define LED_BUILTIN 13

struct SerialStub {
  void begin(unsigned long) {}
  void print(const char *text) { printf("%s", text); }
  void print(char character) { printf("%c", character); }
  void print(int number) { printf("%d", number); }
  void print(unsigned int number) { printf("%u", number); }
  void println(const char *text) { printf("%s\n", text); }
};
static SerialStub Serial;

static inline unsigned long micros() {
  static unsigned long now;
  return now += 100;
}
static inline unsigned long millis() { return micros() / 1000; }
static inline void delayMicroseconds(unsigned int) {}
static inline void pinMode(int, int) {}
// a sketch that waits has not found its sensor
static inline void delay(unsigned long) {
  fprintf(stderr, "the sketch waits\n");
  exit(3);
}
static inline void need(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "%s\n", what);
  exit(4);
}
static inline void next_samples(int16_t *samples, size_t count) {
  if (fread(samples, sizeof *samples, count, stdin) != count) exit(0);
}
void digitalWrite(int pin, int level);
void setup();
void loop();
#endif
