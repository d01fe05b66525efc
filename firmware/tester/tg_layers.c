/* SPDX-License-Identifier: 0BSD */
/* The sums do not depend on the order of the rows, so streamed layers and those that run backwards need no memory. */
#include "tg_layers.h"

#include <string.h>

#include "tg_tester.h"

#if TG_TESTER_MAX_PAYLOAD < 32
#error "an answer to WATCH needs 14 bytes beside those of the row"
#endif
enum { CAPTURE_MOST = TG_TESTER_MAX_PAYLOAD - 14, SUMS_MOST = (TG_TESTER_MAX_PAYLOAD - 6) / 4, NO_GROUP = 0xFFFF };

static const tg_layers *model; /* NULL: nothing has run */
static uint8_t complete;       /* its inference has ended */
static uint32_t result_crc;    /* of its outputs */

static struct {
  uint16_t group;
  uint32_t row, offset;
} watch = {NO_GROUP, 0, 0};
static uint8_t watching; /* since before the inference began */
static uint32_t head;
static uint16_t captured;
static uint8_t capture[CAPTURE_MOST];

static tg_layer layer_at(uint16_t index) {
  tg_layer layer;
#ifdef __AVR__
  memcpy_P(&layer, &model->layers[index], sizeof layer);
#else
  layer = model->layers[index];
#endif
  return layer;
}

void tg_layers_begin(const tg_layers *which) {
  model = which;
  complete = 0;
  memset(which->sums, 0, which->count * sizeof which->sums[0]);
  watching = watch.group != NO_GROUP;
  head = 0;
  captured = 0;
}

void tg_layers_end(uint32_t outputs_crc) {
  complete = model != NULL;
  result_crc = outputs_crc;
}

/* Whether the other layers that write parts of this row have done so. */
static int is_whole(uint16_t index, uint16_t group, uint32_t row) {
  for (uint16_t i = 0; i < model->count; i++) {
    const tg_layer other = layer_at(i);
    const uint32_t done = model->sums[i].done;
    if (i != index && other.group == group && done <= row && done < (uint32_t)other.traced) return 0;
  }
  return 1;
}

static void add_row(uint16_t group, uint32_t row, const uint8_t *bytes, int32_t row_bytes) {
  uint32_t crc = TG_CRC_START;
  for (uint8_t shift = 0; shift < 32; shift = (uint8_t)(shift + 8U)) {
    crc = tg_tester_crc(crc, (uint8_t)((row >> shift) & 0xFFU));
  }
  for (int32_t i = 0; i < row_bytes; i++) crc = tg_tester_crc(crc, bytes[i]);
  model->sums[group].sum += ~crc;
  if (!watching || group != watch.group) return;
  if (row < watch.row) head += ~crc;
  if (row == watch.row && watch.offset < (uint32_t)row_bytes) {
    const uint32_t left = (uint32_t)row_bytes - watch.offset;
    captured = left < CAPTURE_MOST ? (uint16_t)left : (uint16_t)CAPTURE_MOST;
    memcpy(capture, bytes + watch.offset, captured);
  }
}

void tg_layers_trace(int32_t layer, const int8_t *base, int32_t row_bytes, int32_t ring_rows, int32_t y0, int32_t y1) {
  const uint16_t index = (uint16_t)layer;
  tg_layer l;
  int32_t rows, image;
  if (model == NULL || complete) return; /* no inference: a reset */
  l = layer_at(index);
  rows = l.rows;
  image = (int32_t)model->sums[index].done / (l.traced / l.images);
  model->sums[index].done += (uint32_t)(y1 - y0);
  if (l.output_rows > 0) {
    if (y1 < l.rows) return;
    rows = l.output_rows;
    y0 = 0;
    y1 = rows;
  }
  for (int32_t y = y0; y < y1; y++) {
    const uint32_t row = (uint32_t)(image * rows + y);
    if (is_whole(index, l.group, row)) {
      add_row(l.group, row, (const uint8_t *)base + y % ring_rows * row_bytes, row_bytes);
    }
  }
}

static uint32_t get(const uint8_t *p, uint8_t bytes) {
  uint32_t value = 0;
  while (bytes-- > 0) value = (value << 8) | p[bytes];
  return value;
}

static void put32(uint8_t *p, uint32_t value) {
  for (uint8_t i = 0; i < 4; i++) p[i] = (uint8_t)((value >> (8U * i)) & 0xFFU);
}

/* u16 first -> first, u32 CRC of the outputs, u32 checksums of layers first, first + 1, ... as many as there is room */
static int16_t answer_sums(uint8_t *payload, uint16_t length) {
  uint16_t first, n;
  if (!complete) return TG_LAYERS_NOT_RUN;
  first = (uint16_t)get(payload, 2);
  if (length != 2 || first > model->count) return TG_LAYERS_BAD_RANGE;
  n = (uint16_t)(model->count - first) < SUMS_MOST ? (uint16_t)(model->count - first) : (uint16_t)SUMS_MOST;
  put32(payload + 2, result_crc);
  for (uint16_t i = 0; i < n; i++) put32(payload + 6U + 4U * i, model->sums[first + i].sum);
  return (int16_t)(6U + 4U * n);
}

/* u16 group, u32 row, u32 offset -> the same, u32 sum of the rows before it, bytes of the row from offset on */
static int16_t answer_watch(uint8_t *payload, uint16_t length) {
  const uint16_t group = (uint16_t)get(payload, 2);
  const uint32_t row = get(payload + 2, 4), offset = get(payload + 6, 4);
  if (length != 10) return TG_LAYERS_BAD_RANGE;
  if (!complete || !watching || watch.group != group || watch.row != row || watch.offset != offset) {
    watch.group = group;
    watch.row = row;
    watch.offset = offset;
    watching = 0; /* from the next inference on */
    return TG_LAYERS_NOT_RUN;
  }
  put32(payload + 10, head);
  memcpy(payload + 14, capture, captured);
  return (int16_t)(14U + captured);
}

int16_t tg_layers_answer(int is_watch, uint8_t *payload, uint16_t length) {
  return is_watch ? answer_watch(payload, length) : answer_sums(payload, length);
}
