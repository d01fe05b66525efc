/* SPDX-License-Identifier: 0BSD */
/* What the LSTMs of int8 and int16 activations share. The gates are, in this order: input, forget, cell, output. */
#ifndef TG_LSTM_H
#define TG_LSTM_H

#include "tg_fixedpoint.h"
#include "tg_sigmoid16.h"

typedef struct {
  int32_t inputs, units;
  int32_t sequences; /* in a row, one behind the other */
  int32_t input_multiplier[4], input_shift[4], recurrent_multiplier[4], recurrent_shift[4];
  int32_t forget_multiplier, forget_shift, update_multiplier, update_shift;
  int32_t cell_clip; /* negative: none */
  int32_t tanh_multiplier, tanh_shift;
  int32_t hidden_multiplier, hidden_shift, hidden_zero_point, hidden_min, hidden_max;
  const int8_t *input_weights;     /* [units][4][inputs] */
  const int8_t *recurrent_weights; /* [units][4][units] */
  const int32_t *input_bias;       /* [units][4], of int8: the zero points are folded in */
  const int32_t *recurrent_bias;
  const int64_t *wide_bias; /* [units][4], of int16 */
  const int16_t *sigmoid;   /* the table of tg_sigmoid16.h */
} tg_lstm_params;

static inline int32_t tg_lstm_clamp(int32_t x) { return tg_clamp(x, -32768, 32767); }

static inline int32_t tg_lstm_gate(const tg_lstm_params *p, int32_t gate, int32_t from_input, int32_t from_hidden) {
  const int32_t x = 3 * tg_lstm_clamp(tg_lstm_clamp(from_input) + tg_lstm_clamp(from_hidden));
  return gate == 2 ? tg_tanh16(p->sigmoid, x) : tg_sigmoid16(p->sigmoid, x);
}

/* One unit takes a step: its cell state is changed, its output returned. */
static inline int32_t tg_lstm_unit(const tg_lstm_params *p, const int32_t *gate, int16_t *cell) {
  const int32_t kept = tg_lstm_clamp(tg_requantize(gate[1] * *cell, p->forget_multiplier, p->forget_shift));
  const int32_t added = tg_lstm_clamp(tg_requantize(gate[0] * gate[2], p->update_multiplier, p->update_shift));
  const int32_t half = p->tanh_shift > 0 ? INT32_C(1) << (p->tanh_shift - 1) : 0;
  int32_t c = tg_lstm_clamp(kept + added);
  if (p->cell_clip >= 0) c = tg_clamp(c, -p->cell_clip, p->cell_clip);
  *cell = (int16_t)c;
  c = tg_tanh16(p->sigmoid, (c * p->tanh_multiplier + half) >> p->tanh_shift);
  c = tg_add_wrap(tg_requantize(c * gate[3], p->hidden_multiplier, p->hidden_shift), p->hidden_zero_point);
  return tg_clamp(c, p->hidden_min, p->hidden_max);
}

#endif
