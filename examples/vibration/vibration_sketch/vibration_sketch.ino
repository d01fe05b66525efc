// Does the machine vibrate as a healthy one? An ADXL345 on its housing, read over SPI; a line every second.
//
// Wiring: VCC to 3.3 V, GND to GND, CS to SS, SDO to MISO, SDA to MOSI, SCL to SCK; on a Blue Pill PA4, PA6, PA7, PA5.
// The library: tinygen generate vibration.h5 --format arduino
#include <Arduino.h>
#include <SPI.h>

#include <vibration.h>

#include "score.h"

// train_vibration.py prints it, as a mean square
#define THRESHOLD 0.375

// the same in steps of the output's scale; the compiler computes it
static const uint32_t THRESHOLD_SUM = (uint32_t)(THRESHOLD * SCORE_FRAMES * VIBRATION_OUTPUT_0_SIZE /
                                                 (VIBRATION_OUTPUT_0_SCALE * VIBRATION_OUTPUT_0_SCALE));

static const SPISettings SETTINGS(4000000, MSBFIRST, SPI_MODE3);
static uint32_t sum;
static uint8_t frames;

// `count` registers from this one on, into `values` or out of it.
static void transfer(uint8_t address, uint8_t *values, uint8_t count) {
  SPI.beginTransaction(SETTINGS);
  digitalWrite(SS, LOW);
  SPI.transfer(address);
  for (uint8_t i = 0; i < count; ++i) values[i] = SPI.transfer(values[i]);
  digitalWrite(SS, HIGH);
  SPI.endTransaction();
}

static uint8_t read_register(uint8_t address) {
  uint8_t value = 0;
  transfer(address | 0x80, &value, 1);
  return value;
}

static void write_register(uint8_t address, uint8_t value) { transfer(address, &value, 1); }

static void begin_sensor() {
  while (read_register(0x00) != 0xE5) {  // DEVID
    Serial.println("no sensor answers");
    delay(1000);
  }
  write_register(0x2C, 0x0E);  // BW_RATE: 1600 samples a second
  write_register(0x31, 0x0B);  // DATA_FORMAT: +-16 g at full resolution, 256 is 1 g
  write_register(0x38, 0x80);  // FIFO_CTL: keeps the last 32 samples, 20 ms
  write_register(0x2D, 0x08);  // POWER_CTL: measure
}

// One line for each SCORE_FRAMES frames.
static void take_frame() {
  sum += score_of(vibration_output(0), VIBRATION_OUTPUT_0_SIZE, VIBRATION_OUTPUT_0_ZERO_POINT);
  if (++frames < SCORE_FRAMES) return;
  Serial.print(sum > THRESHOLD_SUM ? "ANOMALY " : "healthy ");
  Serial.print(sum * 10 / (THRESHOLD_SUM / 10));
  Serial.println(" % of the threshold");
  sum = 0;
  frames = 0;
}

void setup() {
  Serial.begin(115200);
  pinMode(SS, OUTPUT);
  digitalWrite(SS, HIGH);
  SPI.begin();
  begin_sensor();
}

void loop() {
  uint8_t waiting = read_register(0x39) & 0x3F;  // FIFO_STATUS
  for (; waiting > 0; --waiting) {
    uint8_t axes[6] = {0, 0, 0, 0, 0, 0};
    transfer(0x32 | 0xC0, axes, sizeof axes);  // DATAX0 to DATAZ1, low byte first
    const int16_t z = (int16_t)((uint16_t)axes[5] << 8 | axes[4]);
    if (vibration_push(&z, 1) != 0) take_frame();
    delayMicroseconds(5);  // the FIFO moves on
  }
}
