/* SPDX-License-Identifier: 0BSD */
/* Sums of products modulo 2^24, for an AVR: bytes from 0 to 255 times bytes from 0 to 255, so that a MUL and three
 * additions make a step, and no product has a sign to extend.
 *
 * A column is what a filter is multiplied with, each element + 128. A filter has each weight + 128, and lies in flash
 * beside another one: w0[0], w1[0], w0[1], ... Both have an even number of elements, the last one of a column perhaps 0.
 * Beside each assembly stands its twin in plain C. */
#ifndef TG_MAC_H
#define TG_MAC_H

#include "tg_kernel.h"

#if defined(__AVR__)
/* Functions that are called from several places stand in flash once. */
#define TG_APART static __attribute__((noinline, noclone, unused))
/* Functions that are assembly from end to end, so that they compile whatever registers the code around them takes. */
#define TG_ASSEMBLY static __attribute__((naked, noinline, noclone, unused))
typedef __uint24 tg_u24;
/* c:b:a += the product of two registers; r25 is 0 */
#define TG_MAC(a, b, c, x, w) "mul " x ", " w "\n\tadd " a ", r0\n\tadc " b ", r1\n\tadc " c ", r25\n\t"
/* The counter in r20 and r21 for a loop that ends with TG_AGAIN, which goes around it r21:r20 times. */
#define TG_TIMES "cpse r20, r25\n\tinc r21\n"
#define TG_AGAIN "dec r20\n\tbrne 1b\n\tdec r21\n\tbrne 1b\n\tclr r1\n\t"
#else
#define TG_APART static __attribute__((unused))
#define TG_ASSEMBLY TG_APART
typedef uint32_t tg_u24; /* of which 24 bits count */
#endif

static inline uint8_t tg_load_u8(const uint8_t *p) { return (uint8_t)TG_LOAD_S8((const int8_t *)p); }

/* four bytes of flash, the low one first, at any address */
static inline uint32_t tg_load_u32(const uint8_t *p) {
#if defined(__AVR__)
  return pgm_read_dword(p);
#else
  return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
#endif
}

/* three of them; on other machines than an AVR with a fourth that does not count */
static inline tg_u24 tg_load_u24(const uint8_t *p) { return (tg_u24)tg_load_u32(p); }

/* tg_input_row() in 16 bits, as far as an AVR's memory reaches; a division takes longer than the loop */
static inline const int8_t *tg_near_row(const tg_input *view, uint16_t y) {
  const uint16_t rows = (uint16_t)view->ring_rows;
  while (y >= rows) y = (uint16_t)(y - rows);
  return view->base + (size_t)y * (uint16_t)view->row_bytes;
}

/* sums[0] and sums[2] += a column times two filters. */
TG_ASSEMBLY void tg_dot_1x2(const uint8_t *x, const uint8_t *w, uint16_t pairs, tg_u24 *sums) {
#if defined(__AVR__)
#define TG_STEP \
  "ld r22, X+\n\t" \
  "lpm r23, Z+\n\t" TG_MAC("r10", "r11", "r12", "r22", "r23") \
  "lpm r23, Z+\n\t" TG_MAC("r13", "r14", "r15", "r22", "r23")
  __asm__ volatile("push r10\n\tpush r11\n\tpush r12\n\tpush r13\n\tpush r14\n\tpush r15\n\t"
                   "movw r26, r24\n\tmovw r30, r18\n\tclr r25\n\t"
                   "ld r10, Z\n\tldd r11, Z+1\n\tldd r12, Z+2\n\t"
                   "ldd r13, Z+6\n\tldd r14, Z+7\n\tldd r15, Z+8\n\t"
                   "movw r30, r22\n\t" TG_TIMES "1:\t" TG_STEP TG_STEP TG_AGAIN
                   "movw r30, r18\n\t"
                   "st Z, r10\n\tstd Z+1, r11\n\tstd Z+2, r12\n\t"
                   "std Z+6, r13\n\tstd Z+7, r14\n\tstd Z+8, r15\n\t"
                   "pop r15\n\tpop r14\n\tpop r13\n\tpop r12\n\tpop r11\n\tpop r10\n\t"
                   "ret\n\t" ::: "memory");
  (void)x;
  (void)w;
  (void)pairs;
  (void)sums;
#undef TG_STEP
#else
  for (uint16_t i = 0; i < 2 * pairs; ++i, ++x, w += 2) {
    sums[0] += (tg_u24)x[0] * w[0];
    sums[2] += (tg_u24)x[0] * w[1];
  }
#endif
}

/* The same with two columns, which x has by turns: the first one into sums[0] and [2], the second one into [1] and [3]. */
TG_ASSEMBLY void tg_dot_2x2(const uint8_t *x, const uint8_t *w, uint16_t pairs, tg_u24 *sums) {
#if defined(__AVR__)
#define TG_STEP \
  "ld r22, X+\n\tld r23, X+\n\t" \
  "lpm r24, Z+\n\t" TG_MAC("r4", "r5", "r6", "r22", "r24") TG_MAC("r7", "r8", "r9", "r23", "r24") \
  "lpm r24, Z+\n\t" TG_MAC("r10", "r11", "r12", "r22", "r24") TG_MAC("r13", "r14", "r15", "r23", "r24")
  __asm__ volatile("push r4\n\tpush r5\n\tpush r6\n\tpush r7\n\tpush r8\n\tpush r9\n\t"
                   "push r10\n\tpush r11\n\tpush r12\n\tpush r13\n\tpush r14\n\tpush r15\n\t"
                   "movw r26, r24\n\tmovw r30, r18\n\tclr r25\n\t"
                   "ld r4, Z\n\tldd r5, Z+1\n\tldd r6, Z+2\n\tldd r7, Z+3\n\tldd r8, Z+4\n\tldd r9, Z+5\n\t"
                   "ldd r10, Z+6\n\tldd r11, Z+7\n\tldd r12, Z+8\n\t"
                   "ldd r13, Z+9\n\tldd r14, Z+10\n\tldd r15, Z+11\n\t"
                   "movw r30, r22\n\t" TG_TIMES "1:\t" TG_STEP TG_STEP TG_AGAIN
                   "movw r30, r18\n\t"
                   "st Z, r4\n\tstd Z+1, r5\n\tstd Z+2, r6\n\tstd Z+3, r7\n\tstd Z+4, r8\n\tstd Z+5, r9\n\t"
                   "std Z+6, r10\n\tstd Z+7, r11\n\tstd Z+8, r12\n\t"
                   "std Z+9, r13\n\tstd Z+10, r14\n\tstd Z+11, r15\n\t"
                   "pop r15\n\tpop r14\n\tpop r13\n\tpop r12\n\tpop r11\n\tpop r10\n\t"
                   "pop r9\n\tpop r8\n\tpop r7\n\tpop r6\n\tpop r5\n\tpop r4\n\t"
                   "ret\n\t" ::: "memory");
  (void)x;
  (void)w;
  (void)pairs;
  (void)sums;
#undef TG_STEP
#else
  for (uint16_t i = 0; i < 2 * pairs; ++i, x += 2, w += 2) {
    sums[0] += (tg_u24)x[0] * w[0];
    sums[1] += (tg_u24)x[1] * w[0];
    sums[2] += (tg_u24)x[0] * w[1];
    sums[3] += (tg_u24)x[1] * w[1];
  }
#endif
}

/* n elements, at least one, into a column that has one every `step` bytes, each + 128; their sum (each + 128) */
static inline tg_u24 tg_take(const int8_t *from, uint8_t *column, uint8_t step, uint16_t n) {
  tg_u24 sum = 0;
#if defined(__AVR__)
  uint8_t value, zero;
  __asm__("clr %[zero]\n\tcpse %A[n], %[zero]\n\tinc %B[n]\n"
          "1:\tld %[value], X+\n\t"
          "subi %[value], 0x80\n\t"
          "st Z, %[value]\n\t"
          "add %A[sum], %[value]\n\t"
          "adc %B[sum], %[zero]\n\t"
          "adc %C[sum], %[zero]\n\t"
          "add r30, %[step]\n\t"
          "adc r31, %[zero]\n\t"
          "dec %A[n]\n\tbrne 1b\n\tdec %B[n]\n\tbrne 1b\n\t"
          : [sum] "+&r"(sum), [value] "=&d"(value), [zero] "=&r"(zero), [n] "+r"(n), "+x"(from), "+z"(column)
          : [step] "r"(step)
          : "memory");
#else
  for (uint16_t i = 0; i < n; ++i, column += step) {
    *column = (uint8_t)((uint8_t)from[i] ^ 0x80U);
    sum += *column;
  }
#endif
  return sum;
}

/* The same of n elements that all are `value` - 128, as padding is. */
static inline tg_u24 tg_fill(uint8_t value, uint8_t *column, uint8_t step, uint16_t n) {
  tg_u24 sum = 0;
  for (; n > 0; --n, column += step) {
    *column = value;
    sum += value;
  }
  return sum;
}

#endif
