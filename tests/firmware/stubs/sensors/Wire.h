// An I2C bus with one sensor on it, as its data sheet says: an MPU6050, or with SENSOR_LSM6DS3 an LSM6DS3.
#ifndef SENSORS_WIRE_H
#define SENSORS_WIRE_H
#include "Arduino.h"

class WireStub {
 public:
  void begin() {}
  void setClock(unsigned long) {}
  void beginTransmission(uint8_t address) { heard_ = address == ADDRESS ? 0 : -1; }
  void write(uint8_t value) {
    if (heard_ < 0) return;
    if (heard_++ == 0) pointer_ = value;
    else registers_[pointer_++] = value;
  }
  uint8_t endTransmission(bool = true) { return heard_ < 0 ? 2 : 0; }
  uint8_t requestFrom(uint8_t address, uint8_t count) {
    if (address != ADDRESS) return 0;
    measure();
    for (uint8_t i = 0; i < count; ++i) answer_[i] = registers_[(uint8_t)(pointer_ + i)];
    at_ = 0;
    return count;
  }
  int read() { return answer_[at_++]; }

 private:
#ifdef SENSOR_LSM6DS3
  static const uint8_t ADDRESS = 0x6A;
  void measure() {
    need((registers_[0x10] & 0xFC) == 0x38, "CTRL1_XL: 52 Hz, 4 g");
    need((registers_[0x11] & 0xFE) == 0x34, "CTRL2_G: 52 Hz, 500 degrees a second");
    int16_t samples[6];
    next_samples(samples, 6);
    for (int i = 0; i < 6; ++i) {
      // the same motion in steps of 0.122 mg and 17.5 millidegrees a second
      const double real = i < 3 ? samples[i] / 8192.0 / 0.122e-3 : samples[i] / 65.5 / 17.5e-3;
      const int value = (int)(real > 32767 ? 32767 : real < -32768 ? -32768 : real);
      const int place = i < 3 ? 0x28 + 2 * i : 0x22 + 2 * (i - 3);
      registers_[place] = (uint8_t)(value & 0xFF);
      registers_[place + 1] = (uint8_t)((value >> 8) & 0xFF);
    }
  }
#else
  static const uint8_t ADDRESS = 0x68;
  void measure() {
    need((registers_[0x6B] & 0xC0) == 0, "PWR_MGMT_1: awake");
    need((registers_[0x1B] & 0x18) == 0x08, "GYRO_CONFIG: 500 degrees a second");
    need((registers_[0x1C] & 0x18) == 0x08, "ACCEL_CONFIG: 4 g");
    int16_t samples[6];
    next_samples(samples, 6);
    for (int i = 0; i < 6; ++i) {
      const int place = (i < 3 ? 0x3B : 0x3D) + 2 * i;  // the temperature lies between
      registers_[place] = (uint8_t)((samples[i] >> 8) & 0xFF);
      registers_[place + 1] = (uint8_t)(samples[i] & 0xFF);
    }
    registers_[0x41] = 0x12;
  }
#endif
  uint8_t registers_[256] = {}, answer_[32] = {}, pointer_ = 0;
  int heard_ = -1, at_ = 0;
};
static WireStub Wire;
#endif
