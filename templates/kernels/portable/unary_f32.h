/* SPDX-License-Identifier: 0BSD */
/* Functions of one float. The kernel is inlined, so that only the function that a layer asks for is compiled. */
#ifndef TG_UNARY_F32_H
#define TG_UNARY_F32_H

#include "tg_float.h"

enum {
  TG_UNARY_ABS,
  TG_UNARY_CEIL,
  TG_UNARY_CLAMP, /* to [a, b] */
  TG_UNARY_COS,
  TG_UNARY_ELU,
  TG_UNARY_EXP,
  TG_UNARY_FLOOR,
  TG_UNARY_GELU,
  TG_UNARY_GELU_TANH,
  TG_UNARY_HARD_SWISH,
  TG_UNARY_LEAKY_RELU, /* negative numbers times a */
  TG_UNARY_LOG,
  TG_UNARY_LOGISTIC,
  TG_UNARY_NEG,
  TG_UNARY_ROUND,
  TG_UNARY_RSQRT,
  TG_UNARY_SIN,
  TG_UNARY_SQRT,
  TG_UNARY_SQUARE,
  TG_UNARY_TANH
};

typedef struct {
  int32_t row_elements;
  int32_t function; /* TG_UNARY_... */
  float a, b;
} tg_unary_f32_params;

__attribute__((always_inline)) static inline float tg_unary_f32_element(int32_t function, float x, float a, float b) {
  switch (function) {
    case TG_UNARY_ABS:
      return tg_fabs(x);
    case TG_UNARY_CEIL:
      return tg_ceil(x);
    case TG_UNARY_CLAMP:
      return tg_fclamp(x, a, b);
    case TG_UNARY_COS:
      return tg_cos(x);
    case TG_UNARY_ELU:
      return x < 0.0f ? tg_expm1(x) : x;
    case TG_UNARY_EXP:
      return tg_exp(x);
    case TG_UNARY_FLOOR:
      return tg_floor(x);
    case TG_UNARY_GELU:
      return tg_gelu(x);
    case TG_UNARY_GELU_TANH:
      return tg_gelu_tanh(x);
    case TG_UNARY_HARD_SWISH:
      return x * tg_fclamp(x + 3.0f, 0.0f, 6.0f) / 6.0f;
    case TG_UNARY_LEAKY_RELU:
      return x < 0.0f ? x * a : x;
    case TG_UNARY_LOG:
      return tg_log(x);
    case TG_UNARY_LOGISTIC:
      return tg_logistic(x);
    case TG_UNARY_NEG:
      return -x;
    case TG_UNARY_ROUND:
      return tg_round(x);
    case TG_UNARY_RSQRT:
      return 1.0f / tg_sqrt(x);
    case TG_UNARY_SIN:
      return tg_sin(x);
    case TG_UNARY_SQRT:
      return tg_sqrt(x);
    case TG_UNARY_SQUARE:
      return x * x;
    default:
      return tg_tanh(x);
  }
}

__attribute__((always_inline)) TG_KERNEL void tg_unary_f32(const tg_unary_f32_params *p, const tg_input *in,
                                                           const tg_output *out, int32_t y0, int32_t y1, void *scratch,
                                                           void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const float *from = (const float *)(const void *)tg_input_row(in, y);
    float *to = (float *)(void *)tg_output_row(out, y);
    for (int32_t i = 0; i < p->row_elements; ++i) {
      to[i] = tg_unary_f32_element(p->function, from[i], p->a, p->b);
    }
  }
}

#endif
