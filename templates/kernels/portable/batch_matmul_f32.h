/* SPDX-License-Identifier: 0BSD */
/* BATCH_MATMUL of floats: out[batch][row][column] = sum over depth, from the first to the last, of left[row][depth] *
 * right[depth][column]. Batches have three axes, of any, batch1 and batch2 elements; every axis has its step in the
 * operands, 0 where a batch is repeated. Rows are output rows; each operand is a view of one row that holds it all. */
#ifndef TG_BATCH_MATMUL_F32_H
#define TG_BATCH_MATMUL_F32_H

#include "tg_float.h"

typedef struct {
  int32_t rows, depth, columns;
  int32_t batch1, batch2;
  int32_t left_step0, left_step1, left_step2, left_row_step, left_depth_step;
  int32_t right_step0, right_step1, right_step2, right_depth_step, right_column_step;
} tg_batch_matmul_f32_params;

TG_KERNEL void tg_batch_matmul_f32(const tg_batch_matmul_f32_params *p, const tg_input *left, const tg_input *right,
                                   const tg_output *out, int32_t y0, int32_t y1, void *scratch, void *carry) {
  (void)scratch;
  (void)carry;
  for (int32_t y = y0; y < y1; ++y) {
    const int32_t batch = y / p->rows;
    const int32_t b2 = batch % p->batch2;
    const int32_t b1 = batch / p->batch2 % p->batch1;
    const int32_t b0 = batch / p->batch2 / p->batch1;
    const float *a = (const float *)(const void *)tg_input_row(left, 0) + y % p->rows * p->left_row_step;
    const float *b = (const float *)(const void *)tg_input_row(right, 0);
    float *to = (float *)(void *)tg_output_row(out, y);
    a += b0 * p->left_step0 + b1 * p->left_step1 + b2 * p->left_step2;
    b += b0 * p->right_step0 + b1 * p->right_step1 + b2 * p->right_step2;
    for (int32_t x = 0; x < p->columns; ++x) {
      float sum = 0.0f;
      for (int32_t i = 0; i < p->depth; ++i) {
        sum = sum + a[i * p->left_depth_step] * b[i * p->right_depth_step + x * p->right_column_step];
      }
      *to++ = sum;
    }
  }
}

#endif
