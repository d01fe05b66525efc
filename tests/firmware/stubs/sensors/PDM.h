// Arduino's PDM on a Nano 33 BLE: an interrupt with half a buffer, here whenever the sketch yields.
#ifndef SENSORS_PDM_H
#define SENSORS_PDM_H
#include "Arduino.h"

class PDMStub {
 public:
  void onReceive(void (*function)()) { receive_ = function; }
  void setGain(int gain) { need(gain >= 0 && gain <= 80, "a gain of 0 to 80"); }
  int begin(int channels, int rate) {
    begun_ = channels == 1 && rate == 16000;
    return begun_;
  }
  int read(void *buffer, size_t size) {
    need(size >= sizeof block_, "a buffer that is not read stops the microphone");
    memcpy(buffer, block_, sizeof block_);
    return (int)sizeof block_;
  }
  // one to five interrupts, as after an inference
  void interrupt() {
    need(begun_ && receive_ != nullptr, "begin and onReceive first");
    turn_ = turn_ % 5 + 1;
    for (int i = 0; i < turn_; ++i) {
      next_samples(block_, sizeof block_ / sizeof block_[0]);
      receive_();
    }
  }

 private:
  void (*receive_)() = nullptr;
  bool begun_ = false;
  int turn_ = 0;
  int16_t block_[256];
};
static PDMStub PDM;
static inline void yield() { PDM.interrupt(); }
void digitalWrite(int, int) {}
#endif
