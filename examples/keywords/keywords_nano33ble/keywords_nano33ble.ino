// Ten words, heard by the microphone on an Arduino Nano 33 BLE Sense: a line for each, and the LED for half a second.
//
// Nothing to wire. The library: tinygen generate keywords.h5 --format arduino
#include <Arduino.h>
#include <PDM.h>

#include <keywords.h>

// 0 dB of 0 to 80 in half decibels
static const int GAIN = 40;
static const unsigned long LIGHT_MS = 500;

// 512 ms, a power of two: what comes during an inference waits here, in half of it, for it is written while it is read
static const uint32_t ROOM = 8192;
static int16_t ring[ROOM];
static volatile uint32_t written;
static uint32_t taken;
static unsigned long lit_at;

// What the library has, in its interrupt; it calls again for each buffer.
static void receive() {
  int16_t block[256];
  const int bytes = PDM.read(block, sizeof block);
  for (int i = 0; i < bytes / (int)sizeof block[0]; ++i) {
    ring[(written + (uint32_t)i) % ROOM] = block[i];
  }
  written = written + (uint32_t)bytes / sizeof block[0];
}

void setup() {
  Serial.begin(115200);
  pinMode(LED_BUILTIN, OUTPUT);
  PDM.onReceive(receive);
  PDM.setGain(GAIN);
  if (!PDM.begin(1, KEYWORDS_SAMPLE_RATE)) {
    Serial.println("the microphone does not start");
    for (;;) delay(1000);
  }
}

void loop() {
  if (millis() - lit_at > LIGHT_MS) digitalWrite(LED_BUILTIN, LOW);
  const uint32_t waiting = written - taken;
  if (waiting == 0) {
    yield();
    return;
  }
  if (waiting > ROOM / 2) {  // too slow: begin anew
    Serial.println("samples are lost");
    taken += waiting;
    keywords_reset();
    return;
  }
  const uint32_t place = taken % ROOM;
  const uint32_t most = KEYWORDS_FRAME_HOP_SAMPLES < ROOM - place ? KEYWORDS_FRAME_HOP_SAMPLES : ROOM - place;
  const uint32_t count = waiting < most ? waiting : most;
  const int due = keywords_push(ring + place, count);
  taken += count;
  if (due != 0 && keywords_decision() >= 0) {
    Serial.println(keywords_labels[keywords_decision()]);
    digitalWrite(LED_BUILTIN, HIGH);
    lit_at = millis();
  }
}
