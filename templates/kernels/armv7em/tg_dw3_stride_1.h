/* SPDX-License-Identifier: 0BSD */
/* Depthwise 3x3: a strip of one channel, 2x2 outputs at a time with stride 1, as assembly; its twin is in tg_dw3.h. */
#ifndef TG_DW3_STRIDE_1_H
#define TG_DW3_STRIDE_1_H

#include "tg_dw3.h"

#if TG_DSP

/* 2x2 outputs: r10, r11 of the first row, r12, lr of the second; r7, r8, r9 the weights 1 and 2; r0 planes, r1 output.
 * stack: 0 multiplier, 4 factor, 8 step, 12 row step, 16 zero point, 20 twice the bias, 24 r9, 28 the rows' end */
#define TG_DW3_BLOCK(sign) \
  "ldr.w lr, [sp, #20]\n" \
  "ldrd r2, r3, [r0]\n" \
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
  "ldrd r2, r3, [sp]\n" \
  "ldr.w r9, [sp, #16]\n" \
  TG_DW3_MUL("r10") TG_DW3_MUL("r11") TG_DW3_MUL("r12") TG_DW3_MUL("lr") \
  sign("r10") sign("r11") sign("r12") sign("lr") \
  TG_DW3_OUT("r10") TG_DW3_OUT("r11") TG_DW3_OUT("r12") TG_DW3_OUT("lr") \
  "ldrd r2, r3, [sp, #8]\n" \
  "ldr.w r9, [sp, #24]\n" \
  "adds r0, #8\n" \
  "add r3, r1\n" \
  "strb.w lr, [r3, r2]\n" \
  "strb.w r12, [r3]\n" \
  "strb.w r11, [r1, r2]\n" \
  "strb.w r10, [r1]\n" \
  "rsb r1, r1, r3, lsl #1\n" \
  "ldr r2, [sp, #28]\n" \
  "cmp r0, r2\n"

/* 2x1 outputs, of the last column of an odd width */
#define TG_DW3_BLOCK_1(sign) \
  "ldr.w r12, [sp, #20]\n" \
  "ldrd r2, r3, [r0]\n" \
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
  "ldrd r2, r3, [sp]\n" \
  "ldr.w r9, [sp, #16]\n" \
  TG_DW3_MUL("r10") TG_DW3_MUL("r12") \
  sign("r10") sign("r12") \
  TG_DW3_OUT("r10") TG_DW3_OUT("r12") \
  "ldr r3, [sp, #12]\n" \
  "ldr.w r9, [sp, #24]\n" \
  "adds r0, #8\n" \
  "add r3, r1\n" \
  "strb.w r12, [r3]\n" \
  "strb.w r10, [r1]\n" \
  "rsb r1, r1, r3, lsl #1\n" \
  "ldr r2, [sp, #28]\n" \
  "cmp r0, r2\n"

/* Down one or two columns: all pairs of rows, then a row that is left over as a pair whose row step is 0; the upper row
 * is stored last. stack behind the block's: 32 bytes of even rows, 36 row step, 48 odd rows */
#define TG_DW3_SWEEP(block) \
  "ldrd r2, r3, [sp, #32]\n" \
  "str r3, [sp, #12]\n" \
  "add r3, r0, r2\n" \
  "str r3, [sp, #28]\n" \
  "cmp r0, r3\n" \
  "beq.w 2f\n" \
  "1:\n" block \
  "bne.w 1b\n" \
  "2:\n" \
  "ldr r2, [sp, #48]\n" \
  "ldr r3, [sp, #12]\n" \
  "cbz r2, 3f\n" \
  "cbz r3, 3f\n" \
  "movs r3, #0\n" \
  "str r3, [sp, #12]\n" \
  "add.w r3, r0, #8\n" \
  "str r3, [sp, #28]\n" \
  "b 1b\n" \
  "3:\n"

/* Pairs of columns, then the last column of an odd width. stack: 40 planes, 44 output, 52 width that is left */
#define TG_DW3_COLUMNS(sign) \
  "10:\n" \
  "ldr r2, [sp, #52]\n" \
  "subs r2, #2\n" \
  "str r2, [sp, #52]\n" \
  "blt.w 11f\n" TG_DW3_SWEEP(TG_DW3_BLOCK(sign)) \
  "ldrd r0, r1, [sp, #40]\n" \
  "ldr r2, [sp, #8]\n" \
  "add.w r0, r0, #256\n" \
  "add.w r1, r1, r2, lsl #1\n" \
  "strd r0, r1, [sp, #40]\n" \
  "b 10b\n" \
  "11:\n" \
  "adds r2, #2\n" \
  "beq.w 12f\n" TG_DW3_SWEEP(TG_DW3_BLOCK_1(sign)) \
  "12:\n" \
  "add sp, sp, #56\n" \
  "pop {r4-r11, pc}\n"

TG_NAKED static void tg_dw3_stride_1(TG_ARG const uint32_t *planes, TG_ARG int8_t *out, TG_ARG const int32_t *stream,
                                     TG_ARG const tg_dw3_strip *strip) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r3-r11, lr}\n"
      "sub sp, sp, #52\n" /* and the word of r3 */
      TG_DW3_WEIGHTS
      "pkhtb r7, r7, r4, asr #16\n"
      "pkhtb r8, r8, r5, asr #16\n"
      "pkhtb r9, r9, r6, asr #16\n"
      "str.w r11, [sp]\n"
      "str.w r12, [sp, #4]\n"
      "str.w r10, [sp, #20]\n"
      "str.w r9, [sp, #24]\n"
      "strd r0, r1, [sp, #40]\n"
      "ldm.w r3, {r2, r10, r11, r12, lr}\n"
      "ldr r3, [r3, #20]\n"
      "str r2, [sp, #8]\n"
      "str.w r10, [sp, #36]\n"
      "str.w r11, [sp, #16]\n"
      "str r3, [sp, #52]\n"
      "and r2, lr, #1\n"
      "str r2, [sp, #48]\n"
      "bic lr, lr, #1\n"
      "lsl lr, lr, #2\n"
      "str.w lr, [sp, #32]\n"
      "cmp r12, #0\n"
      "beq.w 20f\n" TG_DW3_COLUMNS(TG_DW3_NO_SIGN)
      "20:\n" TG_DW3_COLUMNS(TG_DW3_SIGN));
}

#else

static inline void tg_dw3_stride_1(const uint32_t *planes, int8_t *out, const int32_t *stream,
                                   const tg_dw3_strip *strip) {
  tg_dw3_outputs(planes, out, stream, strip, 1);
}

#endif

#endif
