// An I2S port with a microphone of 24 bits at the left, as its data sheet and Espressif's driver say.
#ifndef SENSORS_I2S_H
#define SENSORS_I2S_H
#include "../Arduino.h"

typedef int esp_err_t;
#define ESP_OK 0
#define portMAX_DELAY 0xFFFFFFFFu
#define I2S_PIN_NO_CHANGE (-1)
typedef enum { I2S_NUM_0, I2S_NUM_1 } i2s_port_t;
typedef enum { I2S_MODE_MASTER = 1, I2S_MODE_SLAVE = 2, I2S_MODE_TX = 4, I2S_MODE_RX = 8 } i2s_mode_t;
typedef enum { I2S_BITS_PER_SAMPLE_16BIT = 16, I2S_BITS_PER_SAMPLE_32BIT = 32 } i2s_bits_per_sample_t;
typedef enum { I2S_CHANNEL_FMT_RIGHT_LEFT, I2S_CHANNEL_FMT_ONLY_RIGHT = 3, I2S_CHANNEL_FMT_ONLY_LEFT } i2s_channel_fmt_t;
typedef enum { I2S_COMM_FORMAT_STAND_I2S = 1 } i2s_comm_format_t;
struct i2s_config_t {
  i2s_mode_t mode;
  uint32_t sample_rate;
  i2s_bits_per_sample_t bits_per_sample;
  i2s_channel_fmt_t channel_format;
  i2s_comm_format_t communication_format;
  int intr_alloc_flags, dma_buf_count, dma_buf_len;
  bool use_apll, tx_desc_auto_clear;
  int fixed_mclk;
};
struct i2s_pin_config_t {
  int mck_io_num, bck_io_num, ws_io_num, data_out_num, data_in_num;
};

static int i2s_ready;
static inline esp_err_t i2s_driver_install(i2s_port_t, const i2s_config_t *c, int, void *) {
  need(c->mode == (I2S_MODE_MASTER | I2S_MODE_RX), "mode: master, receives");
  need(c->sample_rate == 16000 && c->bits_per_sample == I2S_BITS_PER_SAMPLE_32BIT, "32 bits, 16 kHz");
  need(c->channel_format == I2S_CHANNEL_FMT_ONLY_LEFT && c->communication_format == I2S_COMM_FORMAT_STAND_I2S, "left");
  need(c->dma_buf_count >= 2 && c->dma_buf_count <= 128 && c->dma_buf_len >= 8, "DMA buffers");
  need(c->dma_buf_len * 4 <= 4092, "a DMA buffer has 4092 bytes at most");
  i2s_ready = 1;
  return ESP_OK;
}
static inline esp_err_t i2s_set_pin(i2s_port_t, const i2s_pin_config_t *p) {
  need(i2s_ready == 1, "the driver first");
  need(p->bck_io_num >= 0 && p->ws_io_num >= 0 && p->data_in_num >= 0 && p->data_out_num < 0, "three pins");
  i2s_ready = 2;
  return ESP_OK;
}
static inline esp_err_t i2s_read(i2s_port_t, void *words, size_t size, size_t *bytes, uint32_t) {
  need(i2s_ready == 2, "driver and pins first");
  int16_t samples[64];
  const size_t count = size / 4 < 64 ? size / 4 : 64;  // fewer than were asked for
  next_samples(samples, count);
  // 18 bits of a quiet room, and noise below them
  for (size_t i = 0; i < count; ++i) ((int32_t *)words)[i] = samples[i] * 16384 + (int32_t)(i * 251);
  *bytes = count * 4;
  return ESP_OK;
}
#endif
