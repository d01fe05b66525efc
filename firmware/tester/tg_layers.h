/* SPDX-License-Identifier: 0BSD */
/* Checksums of what each layer of a model has written, taken by TG_TRACE while it runs (`tinygen test --layers`). */
#ifndef TG_LAYERS_H
#define TG_LAYERS_H
#include <stdint.h>

/* A layer, as its kernel is called: `rows` of each image, of which all images' `traced` are computed in an inference.
   Of a kernel that gathers, `rows` are input rows, and its `output_rows` are written with the last; else that is 0.
   Layers that write parts of the same rows have the same `group`, the first of them. */
typedef struct {
  int32_t rows, output_rows, images, traced;
  uint16_t group;
} tg_layer;

/* The CRC-32s of all rows of a group added up, each of the row's number and its bytes; the rows that a layer has done. */
typedef struct {
  uint32_t sum, done;
} tg_layer_sum;

typedef struct {
  uint16_t count;
  const tg_layer *layers; /* TG_ROM */
  tg_layer_sum *sums;
} tg_layers;

/* Before an inference of this model; and after it, with the CRC of its outputs. */
void tg_layers_begin(const tg_layers *model);
void tg_layers_end(uint32_t outputs_crc);

/* After each block of rows: where they lie, as the kernel got it. */
void tg_layers_trace(int32_t layer, const int8_t *base, int32_t row_bytes, int32_t ring_rows, int32_t y0, int32_t y1);

/* Turns the payload of a request LAYERS or WATCH into that of its answer (docs/SPEC.md, section 3); returns its length,
   or one of these. */
enum { TG_LAYERS_NOT_RUN = -1, TG_LAYERS_BAD_RANGE = -2 };
int16_t tg_layers_answer(int is_watch, uint8_t *payload, uint16_t length);
#endif
