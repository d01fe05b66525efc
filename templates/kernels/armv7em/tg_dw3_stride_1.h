/* SPDX-License-Identifier: 0BSD */
/* Depthwise 3x3: a strip of one channel, 2x2 outputs at a time with stride 1, as assembly; its twin is in tg_dw3.h. */
#ifndef TG_DW3_STRIDE_1_H
#define TG_DW3_STRIDE_1_H

#include "tg_dw3.h"

#if TG_DSP

/* 2x2 outputs: r10, r11 of the first row, r12, lr of the second; r7, r8, r9 the weights 1 and 2; r0 planes, r1 output.
 * stack: 0 multiplier, 4 factor, 8 step, 12 row step, 16 zero point, 20 twice the bias, 24 r9, 28 the rows' end */
#define TG_DW3_BLOCK(sign) \
  TG_GET("lr", 5) \
  "ldr r2, [r0]\n" \
  "ldr r3, [r0, #4]\n" \
  "smlad r10, r2, r4, lr\n" \
  "smlatb r11, r2, r4, lr\n" \
  "smlad r12, r3, r4, lr\n" \
  "smlad r10, r3, r5, r10\n" \
  "smlatb r11, r3, r5, r11\n" \
  "smlatb lr, r3, r4, lr\n" \
  "ldrd r2, r3, [r0, #8]\n" \
  "smlad r10, r2, r6, r10\n" \
  "smlatb r11, r2, r6, r11\n" \
  "smlad r12, r2, r5, r12\n" \
  "smlatb lr, r2, r5, lr\n" \
  "smlad r12, r3, r6, r12\n" \
  "smlatb lr, r3, r6, lr\n" \
  "ldrd r2, r3, [r0, #256]\n" \
  "smlabt r10, r2, r7, r10\n" \
  "smlad r11, r2, r7, r11\n" \
  "smlabt r10, r3, r8, r10\n" \
  "smlad r11, r3, r8, r11\n" \
  "smlabt r12, r3, r7, r12\n" \
  "smlad lr, r3, r7, lr\n" \
  "ldrd r2, r3, [r0, #264]\n" \
  "smlabt r10, r2, r9, r10\n" \
  "smlad r11, r2, r9, r11\n" \
  "smlabt r12, r2, r8, r12\n" \
  "smlad lr, r2, r8, lr\n" \
  "smlabt r12, r3, r9, r12\n" \
  "smlad lr, r3, r9, lr\n" \
  TG_GET_2("r2", "r3", 0, 1) \
  TG_GET("r9", 4) \
  TG_DW3_MUL("r10") TG_DW3_MUL("r11") TG_DW3_MUL("r12") TG_DW3_MUL("lr") \
  sign("r10") sign("r11") sign("r12") sign("lr") \
  TG_DW3_OUT("r10") TG_DW3_OUT("r11") TG_DW3_OUT("r12") TG_DW3_OUT("lr") \
  TG_GET_2("r2", "r3", 2, 3) \
  TG_GET("r9", 6) \
  "adds r0, #8\n" \
  "add r3, r1\n" \
  "strb.w lr, [r3, r2]\n" \
  "strb.w r12, [r3]\n" \
  TG_GET("lr", 7) \
  "strb.w r11, [r1, r2]\n" \
  "strb.w r10, [r1]\n" \
  "rsb r1, r1, r3, lsl #1\n" \
  "cmp r0, lr\n"

/* 2x1 outputs, of the last column of an odd width */
#define TG_DW3_BLOCK_1(sign) \
  TG_GET("r12", 5) \
  "ldr r2, [r0]\n" \
  "ldr r3, [r0, #4]\n" \
  "smlad r10, r2, r4, r12\n" \
  "smlad r12, r3, r4, r12\n" \
  "smlad r10, r3, r5, r10\n" \
  "ldrd r2, r3, [r0, #8]\n" \
  "smlad r10, r2, r6, r10\n" \
  "smlad r12, r2, r5, r12\n" \
  "smlad r12, r3, r6, r12\n" \
  "ldrd r2, r3, [r0, #256]\n" \
  "smlabt r10, r2, r7, r10\n" \
  "smlabt r10, r3, r8, r10\n" \
  "smlabt r12, r3, r7, r12\n" \
  "ldrd r2, r3, [r0, #264]\n" \
  "smlabt r10, r2, r9, r10\n" \
  "smlabt r12, r2, r8, r12\n" \
  "smlabt r12, r3, r9, r12\n" \
  TG_GET_2("r2", "r3", 0, 1) \
  TG_GET("r9", 4) \
  TG_DW3_MUL("r10") TG_DW3_MUL("r12") \
  sign("r10") sign("r12") \
  TG_DW3_OUT("r10") TG_DW3_OUT("r12") \
  TG_GET("r3", 3) \
  TG_GET("r2", 7) \
  TG_GET("r9", 6) \
  "adds r0, #8\n" \
  "add r3, r1\n" \
  "strb.w r12, [r3]\n" \
  "strb.w r10, [r1]\n" \
  "rsb r1, r1, r3, lsl #1\n" \
  "cmp r0, r2\n"

/* Down one or two columns: all pairs of rows, then a row that is left over as a pair whose row step is 0; the upper row
 * is stored last. stack behind the block's: 32 bytes of even rows, 36 row step, 48 odd rows */
#define TG_DW3_SWEEP(block) \
  TG_GET_2("r2", "r3", 8, 9) \
  TG_PUT("r3", 3) \
  "add r3, r0, r2\n" \
  TG_PUT("r3", 7) \
  "cmp r0, r3\n" \
  "beq.w 2f\n" \
  "1:\n" block \
  "bne.w 1b\n" \
  "2:\n" \
  TG_GET("r2", 12) \
  TG_GET("r3", 3) \
  "cbz r2, 3f\n" \
  "cbz r3, 3f\n" \
  "movs r3, #0\n" \
  TG_PUT("r3", 3) \
  "add.w r3, r0, #8\n" \
  TG_PUT("r3", 7) \
  "b 1b\n" \
  "3:\n"

/* Pairs of columns, then the last column of an odd width. stack: 40 planes, 44 output, 52 width that is left */
#define TG_DW3_COLUMNS(sign) \
  "10:\n" \
  TG_GET("r2", 13) \
  "subs r2, #2\n" \
  TG_PUT("r2", 13) \
  "blt.w 11f\n" TG_DW3_SWEEP(TG_DW3_BLOCK(sign)) \
  TG_GET_2("r0", "r1", 10, 11) \
  TG_GET("r2", 2) \
  "add.w r0, r0, #256\n" \
  "add.w r1, r1, r2, lsl #1\n" \
  TG_PUT_2("r0", "r1", 10, 11) \
  "b 10b\n" \
  "11:\n" \
  "adds r2, #2\n" \
  "beq.w 12f\n" TG_DW3_SWEEP(TG_DW3_BLOCK_1(sign)) \
  "12:\n" \
  TG_SLOTS_END(14) \
  "pop {r4-r11, pc}\n"

TG_NAKED static void tg_dw3_stride_1(TG_ARG const uint32_t *planes, TG_ARG int8_t *out, TG_ARG const int8_t *stream,
                                     TG_ARG const tg_dw3_strip *strip) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r11, lr}\n" TG_SLOTS_BEGIN(14)
      TG_DW3_WEIGHTS
      "pkhtb r7, r7, r4, asr #16\n"
      "pkhtb r8, r8, r5, asr #16\n"
      "pkhtb r9, r9, r6, asr #16\n"
      TG_PUT_2("r11", "r12", 0, 1)
      TG_PUT_2("r10", "r9", 5, 6)
      TG_PUT_2("r0", "r1", 10, 11)
      "ldm.w r3, {r2, r10, r11, r12, lr}\n"
      "ldr r3, [r3, #20]\n"
      TG_PUT("r2", 2)
      TG_PUT("r10", 9)
      TG_PUT("r11", 4)
      TG_PUT("r3", 13)
      "and r2, lr, #1\n"
      TG_PUT("r2", 12)
      "bic lr, lr, #1\n"
      "lsl lr, lr, #2\n"
      TG_PUT("lr", 8)
      TG_IF_FAST("cmp r12, #0\n" "beq.w 20f\n" TG_DW3_COLUMNS(TG_DW3_NO_SIGN) "20:\n")
      TG_DW3_COLUMNS(TG_DW3_SIGN));
}

#else

static inline void tg_dw3_stride_1(const uint32_t *planes, int8_t *out, const int8_t *stream,
                                   const tg_dw3_strip *strip) {
  tg_dw3_outputs(planes, out, stream, strip, 1);
}

#endif

#endif
