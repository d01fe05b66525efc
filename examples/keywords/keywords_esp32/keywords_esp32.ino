// Ten words, heard by an ESP32 with an I2S microphone (INMP441 or its like): a line for each.
//
// Wiring: VDD to 3.3 V, GND and L/R to GND, SCK to GPIO 26, WS to GPIO 25, SD to GPIO 33.
// The library: tinygen generate keywords.h5 --format arduino
#include <Arduino.h>
#include <driver/i2s.h>

#include <keywords.h>

static const i2s_port_t PORT = I2S_NUM_0;

// of the 24 bits at the top of a word the lowest 8 are noise; 2 bits less are four times as loud, for speech at a metre
static const int SHIFT = 14;

// 20 ms
static const size_t SAMPLES = 320;
static int32_t words[SAMPLES];
static int16_t samples[SAMPLES];

static bool begin_microphone() {
  i2s_config_t config = {};
  config.mode = (i2s_mode_t)(I2S_MODE_MASTER | I2S_MODE_RX);
  config.sample_rate = KEYWORDS_SAMPLE_RATE;
  config.bits_per_sample = I2S_BITS_PER_SAMPLE_32BIT;
  config.channel_format = I2S_CHANNEL_FMT_ONLY_LEFT;  // L/R is at GND
  config.communication_format = I2S_COMM_FORMAT_STAND_I2S;
  config.dma_buf_count = 16;  // 320 ms: what comes during an inference waits there
  config.dma_buf_len = SAMPLES;
  i2s_pin_config_t pins = {};
  pins.mck_io_num = I2S_PIN_NO_CHANGE;
  pins.bck_io_num = 26;
  pins.ws_io_num = 25;
  pins.data_out_num = I2S_PIN_NO_CHANGE;
  pins.data_in_num = 33;
  return i2s_driver_install(PORT, &config, 0, NULL) == ESP_OK && i2s_set_pin(PORT, &pins) == ESP_OK;
}

static int16_t sample_of(int32_t word) {
  const int32_t value = word >> SHIFT;
  return (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
}

void setup() {
  Serial.begin(115200);
  if (!begin_microphone()) {
    Serial.println("I2S does not start");
    for (;;) delay(1000);
  }
}

void loop() {
  size_t bytes = 0;
  i2s_read(PORT, words, sizeof words, &bytes, portMAX_DELAY);  // waits for them
  const size_t count = bytes / sizeof words[0];
  for (size_t i = 0; i < count; ++i) samples[i] = sample_of(words[i]);
  if (keywords_push(samples, count) != 0 && keywords_decision() >= 0) {
    Serial.println(keywords_labels[keywords_decision()]);
  }
}
