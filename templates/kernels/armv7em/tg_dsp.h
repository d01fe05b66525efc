/* SPDX-License-Identifier: 0BSD */
/* The instructions of Arm's DSP extension (Cortex-M4, M7, M33) that the kernels of this set are made of, and the same
 * in plain C: so every kernel runs, and is tested, on any little-endian machine. */
#ifndef TG_DSP_H
#define TG_DSP_H

#include "tg_kernel.h"

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define TG_DSP 1
#else
#define TG_DSP 0
#endif

/* A function that is assembly from its first instruction to its last. The compiler must neither inline it nor look
 * into it: it would see arguments that nobody uses and registers that nobody changes. */
#if defined(__clang__)
#define TG_NAKED __attribute__((naked, noinline, used))
#else
#define TG_NAKED __attribute__((naked, noipa))
#endif
#define TG_ARG __attribute__((unused))
/* one copy for all layers */
#if defined(__clang__)
#define TG_SHARED __attribute__((noinline, unused)) static
#else
#define TG_SHARED __attribute__((noinline, noclone, unused)) static
#endif

/* Assembly that is there twice, with and without the correction of signs that ReLU makes needless, has it always when
 * little flash counts most. */
#ifdef __OPTIMIZE_SIZE__
#define TG_IF_FAST(code)
#define TG_IF_SMALL(code) code
#else
#define TG_IF_FAST(code) code
#define TG_IF_SMALL(code)
#endif

/* Words beside the registers for assembly: registers of the FPU that a callee need not keep (s0 .. s15), which cost a
 * cycle less than memory, or the stack from sp on. Numbers as they stand in the source; n1 is n + 1. */
#if TG_DSP && defined(__ARM_FP)
#define TG_FPU 1
#define TG_GET(reg, n) "vmov " reg ", s" #n "\n"
#define TG_PUT(reg, n) "vmov s" #n ", " reg "\n"
#define TG_GET_2(a, b, n, n1) "vmov " a ", " b ", s" #n ", s" #n1 "\n"
#define TG_PUT_2(a, b, n, n1) "vmov s" #n ", s" #n1 ", " a ", " b "\n"
#define TG_SLOTS_BEGIN(n)
#define TG_SLOTS_END(n)
#else
#define TG_FPU 0
#define TG_GET(reg, n) "ldr " reg ", [sp, #4*" #n "]\n"
#define TG_PUT(reg, n) "str " reg ", [sp, #4*" #n "]\n"
#define TG_GET_2(a, b, n, n1) "ldrd " a ", " b ", [sp, #4*" #n "]\n"
#define TG_PUT_2(a, b, n, n1) "strd " a ", " b ", [sp, #4*" #n "]\n"
#define TG_SLOTS_BEGIN(n) "sub sp, sp, #4*" #n "\n"
#define TG_SLOTS_END(n) "add sp, sp, #4*" #n "\n"
#endif

/* two signed halves, as the instructions see a register */
static inline int32_t tg_low(uint32_t x) { return (int16_t)(uint16_t)(x & 0xFFFFU); }
static inline int32_t tg_high(uint32_t x) { return (int16_t)(uint16_t)(x >> 16); }
static inline uint32_t tg_halves(int32_t low, int32_t high) {
  return ((uint32_t)low & 0xFFFFU) | ((uint32_t)high << 16);
}

/* 4 bytes from anywhere */
static inline uint32_t tg_load4(const int8_t *p) {
  uint32_t word;
  memcpy(&word, p, 4);
  return word;
}

static inline void tg_store4(int8_t *p, uint32_t word) { memcpy(p, &word, 4); }

/* x, of which the compiler knows nothing: it would make a call of memcpy of a loop over few bytes */
static inline int32_t tg_opaque(int32_t x) {
  __asm__("" : "+r"(x));
  return x;
}

#if TG_DSP

/* bytes 0 and 2 as two halves */
static inline uint32_t tg_even_bytes(uint32_t x) {
  uint32_t r;
  __asm__("sxtb16 %0, %1" : "=r"(r) : "r"(x));
  return r;
}

/* bytes 1 and 3 */
static inline uint32_t tg_odd_bytes(uint32_t x) {
  uint32_t r;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(r) : "r"(x));
  return r;
}

/* the lower halves of a and b, and the upper ones */
static inline uint32_t tg_low_halves(uint32_t a, uint32_t b) {
  uint32_t r;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(r) : "r"(a), "r"(b));
  return r;
}

static inline uint32_t tg_high_halves(uint32_t a, uint32_t b) {
  uint32_t r;
  __asm__("pkhtb %0, %2, %1, asr #16" : "=r"(r) : "r"(a), "r"(b));
  return r;
}

/* halves of sum plus bytes 0 and 2 of x */
static inline uint32_t tg_add_even_bytes(uint32_t sum, uint32_t x) {
  __asm__("sxtab16 %0, %0, %1" : "+r"(sum) : "r"(x));
  return sum;
}

static inline uint32_t tg_add_odd_bytes(uint32_t sum, uint32_t x) {
  __asm__("sxtab16 %0, %0, %1, ror #8" : "+r"(sum) : "r"(x));
  return sum;
}

/* the sums of the halves of a and b */
static inline uint32_t tg_add_halves(uint32_t a, uint32_t b) {
  uint32_t r;
  __asm__("sadd16 %0, %1, %2" : "=r"(r) : "r"(a), "r"(b) : "cc");
  return r;
}

/* the halves of a less those of b */
static inline uint32_t tg_sub_halves(uint32_t a, uint32_t b) {
  uint32_t r;
  __asm__("ssub16 %0, %1, %2" : "=r"(r) : "r"(a), "r"(b) : "cc");
  return r;
}

/* acc + low * low + high * high, modulo 2^32 */
static inline int32_t tg_smlad(uint32_t a, uint32_t b, int32_t acc) {
  __asm__("smlad %0, %1, %2, %0" : "+r"(acc) : "r"(a), "r"(b));
  return acc;
}

/* acc + low * low, acc + high * high */
static inline int32_t tg_smlabb(uint32_t a, uint32_t b, int32_t acc) {
  __asm__("smlabb %0, %1, %2, %0" : "+r"(acc) : "r"(a), "r"(b));
  return acc;
}

static inline int32_t tg_smlatt(uint32_t a, uint32_t b, int32_t acc) {
  __asm__("smlatt %0, %1, %2, %0" : "+r"(acc) : "r"(a), "r"(b));
  return acc;
}

/* round(a * b / 2^32), halves upwards */
static inline int32_t tg_smmulr(int32_t a, int32_t b) {
  int32_t r;
  __asm__("smmulr %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
  return r;
}

/* acc + round(a * b / 2^32), halves upwards */
static inline int32_t tg_smmlar(int32_t a, int32_t b, int32_t acc) {
  int32_t r;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(acc));
  return r;
}

static inline int32_t tg_ssat8(int32_t x) {
  int32_t r;
  __asm__("ssat %0, #8, %1" : "=r"(r) : "r"(x) : "cc");
  return r;
}

/* the larger, and the smaller, of each of four signed bytes */
static inline uint32_t tg_max4(uint32_t a, uint32_t b) {
  uint32_t r;
  __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(r) : "r"(a), "r"(b) : "cc");
  return r;
}

static inline uint32_t tg_min4(uint32_t a, uint32_t b) {
  uint32_t r;
  __asm__("ssub8 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(r) : "r"(a), "r"(b) : "cc");
  return r;
}

/* four bytes of a less those of b, each modulo 256 */
static inline uint32_t tg_sub4(uint32_t a, uint32_t b) {
  uint32_t r;
  __asm__("usub8 %0, %1, %2" : "=r"(r) : "r"(a), "r"(b) : "cc");
  return r;
}

/* the sums of four bytes without a sign, each at most 255 */
static inline uint32_t tg_add4_saturated(uint32_t a, uint32_t b) {
  uint32_t r;
  __asm__("uqadd8 %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
  return r;
}

#else

static inline int32_t tg_byte(uint32_t x, int32_t index) { return (int8_t)(uint8_t)(x >> (8 * index) & 0xFFU); }

static inline uint32_t tg_low_halves(uint32_t a, uint32_t b) { return tg_halves(tg_low(a), tg_low(b)); }
static inline uint32_t tg_high_halves(uint32_t a, uint32_t b) { return tg_halves(tg_high(a), tg_high(b)); }
static inline uint32_t tg_even_bytes(uint32_t x) { return tg_halves(tg_byte(x, 0), tg_byte(x, 2)); }
static inline uint32_t tg_odd_bytes(uint32_t x) { return tg_halves(tg_byte(x, 1), tg_byte(x, 3)); }

static inline uint32_t tg_add_even_bytes(uint32_t sum, uint32_t x) {
  return tg_halves(tg_low(sum) + tg_byte(x, 0), tg_high(sum) + tg_byte(x, 2));
}

static inline uint32_t tg_add_odd_bytes(uint32_t sum, uint32_t x) {
  return tg_halves(tg_low(sum) + tg_byte(x, 1), tg_high(sum) + tg_byte(x, 3));
}

static inline uint32_t tg_add_halves(uint32_t a, uint32_t b) {
  return tg_halves(tg_low(a) + tg_low(b), tg_high(a) + tg_high(b));
}

static inline uint32_t tg_sub_halves(uint32_t a, uint32_t b) {
  return tg_halves(tg_low(a) - tg_low(b), tg_high(a) - tg_high(b));
}

static inline int32_t tg_smlabb(uint32_t a, uint32_t b, int32_t acc) { return tg_add_wrap(acc, tg_low(a) * tg_low(b)); }

static inline int32_t tg_smlatt(uint32_t a, uint32_t b, int32_t acc) {
  return tg_add_wrap(acc, tg_high(a) * tg_high(b));
}

static inline int32_t tg_smlad(uint32_t a, uint32_t b, int32_t acc) { return tg_smlatt(a, b, tg_smlabb(a, b, acc)); }

static inline int32_t tg_smmlar(int32_t a, int32_t b, int32_t acc) {
  return (int32_t)(acc + (((int64_t)a * b + INT64_C(0x80000000)) >> 32));
}

static inline int32_t tg_smmulr(int32_t a, int32_t b) { return tg_smmlar(a, b, 0); }

static inline int32_t tg_ssat8(int32_t x) { return tg_clamp(x, INT8_MIN, INT8_MAX); }

static inline uint32_t tg_pick4(uint32_t a, uint32_t b, int32_t larger) {
  uint32_t r = 0;
  for (int32_t i = 0; i < 4; ++i) {
    const int32_t x = tg_byte(a, i);
    const int32_t y = tg_byte(b, i);
    r |= ((uint32_t)(larger ? tg_max(x, y) : tg_min(x, y)) & 0xFFU) << (8 * i);
  }
  return r;
}

static inline uint32_t tg_max4(uint32_t a, uint32_t b) { return tg_pick4(a, b, 1); }
static inline uint32_t tg_min4(uint32_t a, uint32_t b) { return tg_pick4(a, b, 0); }

static inline uint32_t tg_sub4(uint32_t a, uint32_t b) {
  uint32_t r = 0;
  for (int32_t i = 0; i < 32; i += 8) r |= (((a >> i) - (b >> i)) & 0xFFU) << i;
  return r;
}

static inline uint32_t tg_add4_saturated(uint32_t a, uint32_t b) {
  uint32_t r = 0;
  for (int32_t i = 0; i < 32; i += 8) {
    const uint32_t sum = (a >> i & 0xFFU) + (b >> i & 0xFFU);
    r |= (sum < 0xFFU ? sum : 0xFFU) << i;
  }
  return r;
}

#endif

/* 2 * accumulator to int8 by multiplier and factor = 2^(32 - right shift), shifts of 2 and more; equals tg_requantize,
 * addition of the zero point and saturation. With `relu`, results at or below the zero point may come out as any
 * value not above it: the caller clamps there. */
static inline int32_t tg_requantize_dsp(int32_t twice, int32_t multiplier, int32_t factor, int32_t zero_point,
                                        int32_t relu) {
  int32_t x = tg_smmulr(twice, multiplier);
  if (!relu) x += x >> 31; /* halves away from zero */
  return tg_ssat8(tg_smmlar(x, factor, zero_point));
}

/* The same of an accumulator, by twice the multiplier less 2^32: x * (2m / 2^32) = x + x * (2m - 2^32) / 2^32. */
static inline int32_t tg_requantize_dsp_sum(int32_t sum, int32_t multiplier, int32_t factor, int32_t zero_point,
                                        int32_t relu) {
  int32_t x = tg_smmlar(sum, multiplier, sum);
  if (!relu) x += x >> 31;
  return tg_ssat8(tg_smmlar(x, factor, zero_point));
}

/* n bytes clamped in place: what the saturation to int8 leaves of an activation */
TG_SHARED void tg_clamp_bytes(int8_t *p, int32_t n, int32_t low, int32_t high) {
  const uint32_t lows = ((uint32_t)low & 0xFFU) * 0x01010101U;
  const uint32_t highs = ((uint32_t)high & 0xFFU) * 0x01010101U;
  for (; n >= 4; n -= 4, p += 4) {
    tg_store4(p, tg_min4(tg_max4(tg_load4(p), lows), highs));
  }
  for (; n > 0; --n, ++p) {
    *p = (int8_t)tg_clamp(*p, low, high);
  }
}

#endif
