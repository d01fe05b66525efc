/* SPDX-License-Identifier: 0BSD */
/* Depthwise 3x3: a strip of one channel, 1x2 outputs at a time with stride 2, as assembly; its twin is in tg_dw3.h. */
#ifndef TG_DW3_STRIDE_2_H
#define TG_DW3_STRIDE_2_H

#include "tg_dw3.h"

#if TG_DSP

/* 1x2 outputs with stride 2: r10, r11; r7 the weights 2 of the first two window rows, r8 (above) of the third; r9
 * multiplier, r12 factor, lr zero point. stack: 0 step, 4 row step, 8 twice the bias, 12 the rows' end */
#define TG_DW3_BLOCK_2(sign) \
  "1:\n" \
  TG_GET("r11", 2) \
  "ldr r2, [r0]\n" \
  "ldr r3, [r0, #4]\n" \
  "ldr.w r10, [r0, #8]\n" \
  "smlad r2, r2, r4, r11\n" \
  "smlad r2, r3, r5, r2\n" \
  "smlad r10, r10, r6, r2\n" \
  "ldrd r2, r3, [r0, #256]\n" \
  "smlabb r10, r2, r7, r10\n" \
  "smlabt r10, r3, r7, r10\n" \
  "smlad r11, r2, r4, r11\n" \
  "smlad r11, r3, r5, r11\n" \
  "ldr.w r2, [r0, #264]\n" \
  "ldr.w r3, [r0, #512]\n" \
  "smlabt r10, r2, r8, r10\n" \
  "smlad r11, r2, r6, r11\n" \
  "smlabb r11, r3, r7, r11\n" \
  "ldrd r2, r3, [r0, #516]\n" \
  "smlabt r11, r2, r7, r11\n" \
  "smlabt r11, r3, r8, r11\n" \
  "smmulr r10, r10, r9\n" \
  "smmulr r11, r11, r9\n" \
  sign("r10") sign("r11") \
  "smmlar r10, r10, r12, lr\n" \
  "smmlar r11, r11, r12, lr\n" \
  "ssat r10, #8, r10\n" \
  "ssat r11, #8, r11\n" \
  TG_GET("r2", 0) \
  "adds r0, #8\n" \
  TG_GET("r3", 1) \
  "strb.w r11, [r1, r2]\n" \
  "strb.w r10, [r1]\n" \
  TG_GET("r2", 3) \
  "add r1, r3\n" \
  "cmp r0, r2\n" \
  "bne 1b\n"

/* Pairs of columns; the last column of an odd width is a pair whose step is 0, its first column being stored last.
 * stack: 16 bytes of the rows, 20 planes, 24 output, 28 width that is left */
#define TG_DW3_COLUMNS_2(sign) \
  "10:\n" \
  TG_GET("r2", 7) \
  TG_GET("r3", 4) \
  "subs r2, #2\n" \
  TG_PUT("r2", 7) \
  "adds r2, #1\n" \
  "bgt 11f\n" \
  "blt 12f\n" \
  TG_PUT("r2", 0) /* 0 */ \
  "11:\n" \
  "add r3, r0\n" \
  TG_PUT("r3", 3) TG_DW3_BLOCK_2(sign) \
  TG_GET_2("r0", "r1", 5, 6) \
  TG_GET("r2", 0) \
  "add.w r0, r0, #512\n" \
  "add.w r1, r1, r2, lsl #1\n" \
  TG_PUT_2("r0", "r1", 5, 6) \
  "b 10b\n" \
  "12:\n" \
  TG_SLOTS_END(8) \
  "pop {r4-r11, pc}\n"

TG_NAKED static void tg_dw3_stride_2(TG_ARG const uint32_t *planes, TG_ARG int8_t *out, TG_ARG const int8_t *stream,
                                     TG_ARG const tg_dw3_strip *strip) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n" TG_SLOTS_BEGIN(8)
      TG_DW3_WEIGHTS
      "pkhtb r7, r8, r7, asr #16\n"
      "mov r8, r9\n"
      "mov r9, r11\n"
      TG_PUT("r10", 2)
      TG_PUT("r0", 5) TG_PUT("r1", 6)
      "ldm.w r3, {r2, r10, lr}\n"
      TG_PUT_2("r2", "r10", 0, 1)
      "ldr r2, [r3, #16]\n"
      "lsls r2, r2, #3\n"
      TG_PUT("r2", 4)
      "ldr r2, [r3, #20]\n"
      TG_PUT("r2", 7)
      TG_IF_FAST("ldr r2, [r3, #12]\n" "cmp r2, #0\n" "beq.w 20f\n" TG_DW3_COLUMNS_2(TG_DW3_NO_SIGN) "20:\n")
      TG_DW3_COLUMNS_2(TG_DW3_SIGN));
}

#else

static inline void tg_dw3_stride_2(const uint32_t *planes, int8_t *out, const int8_t *stream,
                                   const tg_dw3_strip *strip) {
  tg_dw3_outputs(planes, out, stream, strip, 2);
}

#endif

#endif
