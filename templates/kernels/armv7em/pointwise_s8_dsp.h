/* SPDX-License-Identifier: 0BSD */
/* CONV_2D 1x1 with stride 1, int8, on the DSP extension: two pixels at a time (tg_tile.h). The input zero point is in
 * the bias. Pixels are taken in one run as far as rows follow one another in memory, so the blocks' height counts only
 * where a row has an odd number of pixels. scratch: two columns. */
#ifndef TG_POINTWISE_S8_DSP_H
#define TG_POINTWISE_S8_DSP_H

#include "tg_tile.h"

typedef struct {
  int32_t input_channels, width;
  tg_tile_output output;
} tg_pointwise_s8_dsp_params;

#if TG_DSP

/* n >= 8 bytes of two columns, eight at a time; n, left over, comes back in r0 */
TG_NAKED static int32_t tg_pointwise_s8_dsp_words(TG_ARG const int8_t *a, TG_ARG const int8_t *b, TG_ARG int32_t n,
                                                  TG_ARG uint32_t *to) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n"
      "subs r2, r2, #8\n"
      "1:\n"
      "ldr r4, [r0], #4\n"
      "ldr r5, [r1], #4\n"
      "ldr r10, [r0], #4\n"
      "ldr r11, [r1], #4\n"
      "sxtb16 r6, r4\n"
      "sxtb16 r7, r5\n"
      "sxtb16 r8, r4, ror #8\n"
      "sxtb16 r9, r5, ror #8\n"
      "sxtb16 r4, r10\n"
      "sxtb16 r5, r11\n"
      "stm r3!, {r6, r7, r8, r9}\n"
      "sxtb16 r6, r10, ror #8\n"
      "sxtb16 r7, r11, ror #8\n"
      "subs r2, r2, #8\n"
      "stm r3!, {r4, r5, r6, r7}\n"
      "bge 1b\n"
      "add r0, r2, #8\n"
      "pop {r4-r11, pc}\n");
}

#endif

/* two columns of n bytes side by side */
static inline void tg_pointwise_s8_dsp_widen(const int8_t *a, const int8_t *b, int32_t n, uint32_t *to) {
#if TG_DSP
  if (n >= 8) {
    const int32_t left = tg_pointwise_s8_dsp_words(a, b, n, to);
    if (left == 0) return;
    a += n - left;
    b += n - left;
    to += n - left;
    n = left;
  }
#endif
  (void)tg_widen(a, n, to, 2);
  (void)tg_widen(b, n, to + 1, 2);
}

TG_SHARED void tg_pointwise_s8_dsp(const tg_pointwise_s8_dsp_params *p, const tg_input *in, const tg_output *out,
                                   int32_t y0, int32_t y1, void *scratch, void *carry) {
  uint32_t *columns = (uint32_t *)scratch;
  const int32_t depth = p->input_channels;
  const tg_tile_output output = p->output;
  (void)carry;
  while (y0 < y1) {
    /* rows until a ring comes round */
    const int32_t until = tg_min(in->ring_rows - y0 % in->ring_rows, out->ring_rows - y0 % out->ring_rows);
    const int32_t rows = tg_min(y1 - y0, until);
    const int8_t *from = tg_input_row(in, y0);
    int8_t *to = tg_output_row(out, y0);
    for (int32_t pixels = rows * p->width; pixels > 0; pixels -= 2) {
      const int32_t second = pixels > 1 ? 1 : 0;
      tg_pointwise_s8_dsp_widen(from, from + second * depth, depth, columns);
      tg_tile_columns(&output, columns, (depth + 3) & ~3, to, second * output.channels);
      from += 2 * depth;
      to += 2 * output.channels;
    }
    y0 += rows;
  }
}

#endif
