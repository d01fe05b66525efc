/* SPDX-License-Identifier: 0BSD */
/* UNIDIRECTIONAL_SEQUENCE_LSTM, int16 with int8 weights, cell state int16; a row is a step of time, hidden and cell
 * are variables. */
#ifndef TG_LSTM_S16_H
#define TG_LSTM_S16_H

#include "tg_dot16.h"
#include "tg_lstm.h"

typedef tg_lstm_params tg_lstm_s16_params;

static inline int32_t tg_lstm_s16_unit(const tg_lstm_params *p, int32_t unit, const int16_t *x, const int16_t *hidden,
                                       int16_t *cell) {
  int32_t gate[4];
  for (int32_t g = 0; g < 4; ++g) {
    const int32_t row = 4 * unit + g;
    const int64_t a = tg_dot16(x, p->input_weights + row * p->inputs, p->inputs) + TG_LOAD_S64(p->wide_bias + row);
    const int64_t b = tg_dot16(hidden, p->recurrent_weights + row * p->units, p->units);
    gate[g] = tg_lstm_gate(p, g, tg_requantize64(a, p->input_multiplier[g], p->input_shift[g]),
                           tg_requantize64(b, p->recurrent_multiplier[g], p->recurrent_shift[g]));
  }
  return tg_lstm_unit(p, gate, cell);
}

TG_KERNEL void tg_lstm_s16(const tg_lstm_s16_params *p, const tg_input *in, const tg_output *hidden,
                           const tg_output *cell, const tg_output *out, int32_t y0, int32_t y1, void *scratch,
                           void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    for (int32_t n = 0; n < p->sequences; ++n) {
      const int16_t *from = tg_input_row16(in, y) + n * p->inputs;
      int16_t *to = tg_output_row16(out, y) + n * p->units;
      int16_t *h = tg_output_row16(hidden, n);
      for (int32_t u = 0; u < p->units; ++u) {
        to[u] = (int16_t)tg_lstm_s16_unit(p, u, from, h, tg_output_row16(cell, n) + u);
      }
      memcpy(h, to, (size_t)p->units * sizeof *h);
    }
  }
}

#endif
