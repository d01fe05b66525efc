/* SPDX-License-Identifier: 0BSD */
/* UNIDIRECTIONAL_SEQUENCE_LSTM, int8, cell state int16; a row is a step of time, hidden and cell are variables. */
#ifndef TG_LSTM_S8_H
#define TG_LSTM_S8_H

#include "tg_dot.h"
#include "tg_lstm.h"

typedef tg_lstm_params tg_lstm_s8_params;

static inline int32_t tg_lstm_s8_unit(const tg_lstm_params *p, int32_t unit, const int8_t *x, const int8_t *hidden,
                                      int16_t *cell) {
  int32_t gate[4];
  for (int32_t g = 0; g < 4; ++g) {
    const int32_t row = 4 * unit + g;
    int32_t a = tg_dot(x, p->input_weights + row * p->inputs, p->inputs);
    int32_t b = tg_dot(hidden, p->recurrent_weights + row * p->units, p->units);
    a = tg_add_wrap(a, TG_LOAD_S32(p->input_bias + row));
    b = tg_add_wrap(b, TG_LOAD_S32(p->recurrent_bias + row));
    a = tg_requantize(a, p->input_multiplier[g], p->input_shift[g]);
    b = tg_requantize(b, p->recurrent_multiplier[g], p->recurrent_shift[g]);
    gate[g] = tg_lstm_gate(p, g, a, b);
  }
  return tg_lstm_unit(p, gate, cell);
}

TG_KERNEL void tg_lstm_s8(const tg_lstm_s8_params *p, const tg_input *in, const tg_output *hidden,
                          const tg_output *cell, const tg_output *out, int32_t y0, int32_t y1, void *scratch,
                          void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    for (int32_t n = 0; n < p->sequences; ++n) {
      const int8_t *from = tg_input_row(in, y) + n * p->inputs;
      int8_t *to = tg_output_row(out, y) + n * p->units;
      int8_t *h = tg_output_row(hidden, n);
      for (int32_t u = 0; u < p->units; ++u) {
        to[u] = (int8_t)tg_lstm_s8_unit(p, u, from, h, tg_output_row16(cell, n) + u);
      }
      memcpy(h, to, (size_t)p->units);
    }
  }
}

#endif
