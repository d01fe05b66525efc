/* SPDX-License-Identifier: 0BSD */
/* CAST between int8, int16, int32, float and bool (a byte): the number itself, no scale. Integers wrap; a float is
 * cut towards zero and saturates, NaN gives 0; to bool, any but 0 is true. */
#ifndef TG_CAST_H
#define TG_CAST_H

#include "tg_kernel.h"

enum { TG_CAST_INT8, TG_CAST_INT16, TG_CAST_INT32, TG_CAST_FLOAT32, TG_CAST_BOOL };

typedef struct {
  int32_t row_elements;
  int32_t from, to; /* TG_CAST_... */
} tg_cast_params;

static inline int32_t tg_cast_integer(const void *row, int32_t type, int32_t i) {
  switch (type) {
    case TG_CAST_INT16:
      return ((const int16_t *)row)[i];
    case TG_CAST_INT32:
      return ((const int32_t *)row)[i];
    case TG_CAST_BOOL:
      return ((const int8_t *)row)[i] != 0;
    default:
      return ((const int8_t *)row)[i];
  }
}

/* a float as an integer of the output's type */
static inline int32_t tg_cast_cut(float value, int32_t type) {
  const int32_t highest = type == TG_CAST_INT8 ? INT8_MAX : type == TG_CAST_INT16 ? INT16_MAX : INT32_MAX;
  const int32_t lowest = -highest - 1;
  if (type == TG_CAST_BOOL) return value != 0.0f;
  if (value != value) return 0;
  if (value <= (float)lowest) return lowest;
  if (value >= (float)highest) return highest; /* INT32_MAX as a float is 2^31, which saturates too */
  return (int32_t)value;
}

static inline void tg_cast_store(void *row, int32_t type, int32_t i, int32_t value) {
  switch (type) {
    case TG_CAST_INT16:
      ((int16_t *)row)[i] = (int16_t)value;
      break;
    case TG_CAST_INT32:
      ((int32_t *)row)[i] = value;
      break;
    case TG_CAST_FLOAT32:
      ((float *)row)[i] = (float)value;
      break;
    case TG_CAST_BOOL:
      ((int8_t *)row)[i] = value != 0;
      break;
    default:
      ((int8_t *)row)[i] = (int8_t)value;
  }
}

TG_KERNEL void tg_cast(const tg_cast_params *p, const tg_input *in, const tg_output *out, int32_t y0, int32_t y1,
                       void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const void *from = tg_input_row(in, y);
    void *to = tg_output_row(out, y);
    for (int32_t i = 0; i < p->row_elements; ++i) {
      if (p->from != TG_CAST_FLOAT32) {
        tg_cast_store(to, p->to, i, tg_cast_integer(from, p->from, i));
      } else if (p->to == TG_CAST_FLOAT32) {
        ((float *)to)[i] = ((const float *)from)[i];
      } else {
        tg_cast_store(to, p->to, i, tg_cast_cut(((const float *)from)[i], p->to));
      }
    }
  }
}

#endif
