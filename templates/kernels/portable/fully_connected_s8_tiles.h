/* SPDX-License-Identifier: 0BSD */
/* FULLY_CONNECTED, int8, in tiles (tg_tiles.h): a row is a column, read where it lies. The input zero point is in the bias. */
#ifndef TG_FULLY_CONNECTED_S8_TILES_H
#define TG_FULLY_CONNECTED_S8_TILES_H

#include "tg_tiles.h"

typedef struct {
  tg_tiles tiles;
} tg_fully_connected_s8_tiles_params;

TG_KERNEL void tg_fully_connected_s8_tiles(const tg_fully_connected_s8_tiles_params *p, const tg_input *in,
                                           const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  const tg_tiles *tiles = &p->tiles;
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int8_t *from = tg_input_row(in, y);
    const int8_t *w = tiles->weights;
    int8_t *to = tg_output_row(out, y);
    int32_t count;
    uint32_t start = 0;
    for (int32_t k = 0; k < tiles->depth; ++k) start -= 128U * (uint32_t)(int32_t)from[k];
    for (int32_t c = 0; c < tiles->channels; c += count, w += count * tiles->depth) {
      uint32_t sums[4] = {start};
      count = tiles->channels - c < 4 ? 1 : 4;
      if (count == 4) {
        tg_tiles_row(w, from, tiles->depth, start, sums);
      } else {
        for (int32_t k = 0; k < tiles->depth; ++k) sums[0] += (uint32_t)(int32_t)from[k] * TG_TILE_LOAD(w + k);
      }
      tg_tiles_output(tiles, sums, 1, c, count, to);
    }
  }
}

#endif
