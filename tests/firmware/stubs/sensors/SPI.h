// An SPI bus with an ADXL345 on it, as its data sheet says; its FIFO always has the next sample.
#ifndef SENSORS_SPI_H
#define SENSORS_SPI_H
#include "Arduino.h"

#define MSBFIRST 1
#define SPI_MODE3 3
struct SPISettings {
  SPISettings(unsigned long hz, int order, int mode) {
    need(hz <= 5000000 && order == MSBFIRST && mode == SPI_MODE3, "at most 5 MHz, high bit first, mode 3");
  }
};

class SPIStub {
 public:
  void begin() { registers_[0x00] = 0xE5; }
  void beginTransaction(SPISettings) {}
  void endTransaction() {}
  void select() { command_ = -1; }
  uint8_t transfer(uint8_t value) {
    if (command_ < 0) {
      command_ = value;
      pointer_ = value & 0x3F;
      if ((value & 0x80) && pointer_ == 0x32) measure();
      if ((value & 0x80) && pointer_ == 0x39) registers_[0x39] = 1;
      return 0;
    }
    const uint8_t place = pointer_;
    if (command_ & 0x40) ++pointer_;  // several bytes
    if (command_ & 0x80) return registers_[place];
    registers_[place] = value;
    return 0;
  }

 private:
  void measure() {
    need((registers_[0x2C] & 0x0F) == 0x0E, "BW_RATE: 1600 Hz");
    need((registers_[0x31] & 0x0B) == 0x0B, "DATA_FORMAT: full resolution, 16 g");
    need((registers_[0x38] & 0xC0) == 0x80, "FIFO_CTL: stream");
    need((registers_[0x2D] & 0x08) != 0, "POWER_CTL: measure");
    int16_t z;
    next_samples(&z, 1);
    registers_[0x36] = (uint8_t)(z & 0xFF);
    registers_[0x37] = (uint8_t)((z >> 8) & 0xFF);
  }
  uint8_t registers_[64] = {}, pointer_ = 0;
  int command_ = -1;
};
static SPIStub SPI;
void digitalWrite(int pin, int level) {
  if (pin == SS && level == LOW) SPI.select();
}
#endif
