/* SPDX-License-Identifier: 0BSD */
/* BATCH_MATMUL, int8: out[batch][row][column] = sum over depth of left[row][depth] * right[depth][column].
 * Batches have three axes, of any, batch1 and batch2 elements; every axis has its step in the operands, 0 where
 * a batch is repeated. Rows are output rows; each operand is a view of one row that holds it all. */
#ifndef TG_BATCH_MATMUL_S8_H
#define TG_BATCH_MATMUL_S8_H

#include "tg_fixedpoint.h"

typedef struct {
  int32_t rows, depth, columns;
  int32_t batch1, batch2;
  int32_t left_step0, left_step1, left_step2, left_row_step, left_depth_step;
  int32_t right_step0, right_step1, right_step2, right_depth_step, right_column_step;
  int32_t left_zero_point, right_zero_point, output_zero_point;
  int32_t multiplier, shift;
} tg_batch_matmul_s8_params;

TG_KERNEL void tg_batch_matmul_s8(const tg_batch_matmul_s8_params *p, const tg_input *left, const tg_input *right,
                                  const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int32_t batch = y / p->rows;
    const int32_t b2 = batch % p->batch2;
    const int32_t b1 = batch / p->batch2 % p->batch1;
    const int32_t b0 = batch / p->batch2 / p->batch1;
    const int8_t *a = tg_input_row(left, 0) + y % p->rows * p->left_row_step;
    const int8_t *b = tg_input_row(right, 0);
    int8_t *to = tg_output_row(out, y);
    a += b0 * p->left_step0 + b1 * p->left_step1 + b2 * p->left_step2;
    b += b0 * p->right_step0 + b1 * p->right_step1 + b2 * p->right_step2;
    for (int32_t x = 0; x < p->columns; ++x) {
      int32_t acc = 0;
      for (int32_t i = 0; i < p->depth; ++i) {
        const int32_t sample = a[i * p->left_depth_step] - p->left_zero_point;
        acc += sample * (b[i * p->right_depth_step + x * p->right_column_step] - p->right_zero_point);
      }
      acc = tg_add_wrap(tg_requantize(acc, p->multiplier, p->shift), p->output_zero_point);
      *to++ = (int8_t)tg_clamp(acc, INT8_MIN, INT8_MAX);
    }
  }
}

#endif
