/* SPDX-License-Identifier: 0BSD */
/* Functions of float32, of + - * / and of bits only, so that they give the same on every core that computes by
 * IEEE 754: no library, no double, no fused multiply-add. The numpy twin is tinygen/floatmath.py, operation by
 * operation; it says how exact each one is. NaN in gives NaN out.
 *
 * The model's file includes this first, so that all of it is compiled without fusing: whatever the flags are. */
#ifndef TG_FLOAT_H
#define TG_FLOAT_H

#if defined(__FAST_MATH__)
#error "compile the model without -ffast-math, which changes its results"
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#include "tg_kernel.h"

#if defined(__AVR__)
#define TG_LOAD_F32(p) (pgm_read_float(p))
#else
#define TG_LOAD_F32(p) (*(p))
#endif

static inline uint32_t tg_float_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline float tg_bits_float(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline float tg_fnan(void) { return tg_bits_float(UINT32_C(0x7fc00000)); }
static inline float tg_fabs(float x) { return tg_bits_float(tg_float_bits(x) & UINT32_C(0x7fffffff)); }

/* x with the sign of another number */
static inline float tg_fsign(float x, float of) {
  return tg_bits_float((tg_float_bits(x) & UINT32_C(0x7fffffff)) | (tg_float_bits(of) & UINT32_C(0x80000000)));
}

static inline float tg_fclamp(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

/* 2^n, -126 <= n <= 127 */
static inline float tg_power_of_two(int32_t n) { return tg_bits_float((uint32_t)(n + 127) << 23); }

/* x * 2^n, rounded once; n is between -252 and 254 */
static inline float tg_fscale(float x, int32_t n) {
  const int32_t half = n / 2;
  return x * tg_power_of_two(half) * tg_power_of_two(n - half);
}

/* (exp(r) - 1 - r) / r^2 for |r| <= log(2) / 2 */
static inline float tg_exp_tail(float r) {
  float p = 0.000197901347f;
  p = p * r + 0.00139448687f;
  p = p * r + 0.00833349861f;
  p = p * r + 0.0416662917f;
  p = p * r + 0.166666657f;
  return p * r + 0.5f;
}

static inline float tg_exp(float x) {
  if (x > 88.7228394f) return tg_bits_float(x != x ? UINT32_C(0x7fc00000) : UINT32_C(0x7f800000));
  if (x < -103.972084f) return 0.0f;
  if (x != x) return tg_fnan();
  const float turns = x * 1.44269502f;
  const int32_t n = (int32_t)(turns < 0.0f ? turns - 0.5f : turns + 0.5f);
  const float r = (x - (float)n * 0.693359375f) - (float)n * -0.000212194442f; /* log(2) in two parts */
  return tg_fscale((tg_exp_tail(r) * (r * r) + r) + 1.0f, n);
}

/* exp(x) - 1 */
static inline float tg_expm1(float x) {
  if (tg_fabs(x) < 0.34657359f) return tg_exp_tail(x) * (x * x) + x;
  return tg_exp(x) - 1.0f;
}

static inline float tg_log(float x) {
  if (!(x > 0.0f)) return tg_bits_float(x == 0.0f ? UINT32_C(0xff800000) : UINT32_C(0x7fc00000));
  if (x > 3.40282347e+38f) return x;
  int32_t e = 0;
  if (x < 1.17549435e-38f) {
    x = x * 8388608.0f;
    e = -23;
  }
  const uint32_t bits = tg_float_bits(x);
  e += (int32_t)(bits >> 23) - 127;
  float m = tg_bits_float((bits & UINT32_C(0x007fffff)) | UINT32_C(0x3f800000));
  if (m > 1.41421354f) {
    m = m * 0.5f;
    e += 1;
  }
  const float f = m - 1.0f;
  float p = -0.0763449743f;
  p = p * f + 0.12761578f;
  p = p * f + -0.131601825f;
  p = p * f + 0.142017573f;
  p = p * f + -0.166233569f;
  p = p * f + 0.200012267f;
  p = p * f + -0.250008196f;
  p = p * f + 0.333333313f;
  const float square = f * f;
  const float tail = (p * (f * square) + (float)e * -0.000212194442f) - 0.5f * square;
  return (f + tail) + (float)e * 0.693359375f;
}

/* the square root, correctly rounded: digit by digit in integers */
static inline float tg_sqrt(float x) {
  if (!(x > 0.0f)) return x == 0.0f ? x : tg_fnan();
  if (x > 3.40282347e+38f) return x;
  int32_t e = -150;
  if (x < 1.17549435e-38f) {
    x = x * 8388608.0f;
    e -= 23;
  }
  const uint32_t bits = tg_float_bits(x);
  e += (int32_t)(bits >> 23);
  uint32_t digits = ((bits & UINT32_C(0x007fffff)) | UINT32_C(0x00800000)) << 7; /* pairs of bits from the top */
  e -= 1;
  if (e & 1) {
    digits <<= 1;
    e -= 1;
  }
  uint32_t root = 0;
  uint32_t rest = 0;
  for (int32_t i = 0; i < 25; ++i) { /* 24 bits and one to round by; a tie cannot be */
    rest = (rest << 2) | (digits >> 30);
    digits <<= 2;
    root <<= 1;
    if (rest > 2 * root) {
      rest -= 2 * root + 1;
      root += 1;
    }
  }
  return tg_bits_float(((uint32_t)(138 + e / 2) << 23) + ((root + 1) >> 1));
}

/* 1 / (1 + exp(-x)) */
static inline float tg_logistic(float x) {
  const float e = tg_exp(-tg_fabs(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

static inline float tg_tanh(float x) {
  const float a = tg_fabs(x);
  if (a < 0.625f) {
    const float z = x * x;
    float p = -0.00570498686f;
    p = p * z + 0.020639088f;
    p = p * z + -0.0537397154f;
    p = p * z + 0.133314416f;
    p = p * z + -0.333332807f;
    return p * (z * x) + x;
  }
  const float t = a > 9.5f ? 1.0f : 1.0f - 2.0f / (tg_exp(a + a) + 1.0f);
  return tg_fsign(t, x);
}

/* x = quadrant * pi / 2 + the result, |result| <= pi / 4; x is finite, and at least pi / 4 away from 0. The product
 * with 2 / pi, without the bits that are whole turns, in 96 bits of integers: exact enough for every float. */
static inline float tg_quadrant(float x, int32_t *quadrant) {
  static const uint32_t two_over_pi[8] TG_FLASH = {
      UINT32_C(0),          UINT32_C(0xa2f9836e), UINT32_C(0x4e441529), UINT32_C(0xfc2757d1),
      UINT32_C(0xf534ddc0), UINT32_C(0xdb629599), UINT32_C(0x3c439041), UINT32_C(0xfe5163ab)};
  const uint32_t bits = tg_float_bits(x);
  const uint32_t m = (bits & UINT32_C(0x007fffff)) | UINT32_C(0x00800000);
  const int32_t first = (int32_t)((bits >> 23) & 255) - 120; /* bit of the table that counts 2 */
  uint32_t word[3];
  for (int32_t i = 0; i < 3; ++i) {
    const uint32_t *at = two_over_pi + (first / 32 + i);
    const uint64_t pair = (uint64_t)(uint32_t)TG_LOAD_S32(at) << 32 | (uint32_t)TG_LOAD_S32(at + 1);
    word[i] = (uint32_t)(pair >> (32 - first % 32));
  }
  const uint64_t high = (uint64_t)(m * word[0]) << 32; /* 62 bits behind the quadrant's two */
  const uint64_t turns = high + (uint64_t)m * word[1] + ((uint64_t)m * word[2] >> 32);
  const int32_t q = (int32_t)((turns + (UINT64_C(1) << 61)) >> 62);
  uint64_t part = turns << 2;
  const int32_t below = part >> 63 != 0;
  if (below) part = ~part + 1;
  int32_t shift = 0;
  for (; shift < 40 && part >> 63 == 0; ++shift) part <<= 1;
  const float size = (float)(uint32_t)(part >> 32) * 1.57079637f * tg_power_of_two(-32 - shift);
  const int32_t negative = x < 0.0f;
  *quadrant = negative ? -q & 3 : q & 3;
  return below != negative ? -size : size;
}

/* the sine of x + turns * pi / 2 */
static inline float tg_sin_turned(float x, int32_t turns) {
  const float a = tg_fabs(x);
  if (!(a <= 3.40282347e+38f)) return tg_fnan();
  int32_t quadrant = 0;
  const float r = a < 0.785398185f ? x : tg_quadrant(x, &quadrant);
  const float z = r * r;
  float s;
  quadrant += turns;
  if (quadrant & 1) {
    s = ((2.44327857e-05f * z + -0.0013887313f) * z + 0.0416666456f) * (z * z) + (1.0f - 0.5f * z);
  } else {
    s = ((-0.00019514958f * z + 0.00833215844f) * z + -0.166666552f) * (z * r) + r;
  }
  return quadrant & 2 ? -s : s;
}

static inline float tg_sin(float x) { return tg_sin_turned(x, 0); }
static inline float tg_cos(float x) { return tg_sin_turned(x, 1); }

/* 1 - erf(z), z >= 0 */
static inline float tg_erfc(float z) {
  const float t = 1.0f / (1.0f + 0.3f * z);
  float p = -0.129540622f;
  p = p * t + 0.485656261f;
  p = p * t + -0.51248771f;
  p = p * t + 0.547984004f;
  p = p * t + -0.0948537141f;
  p = p * t + 0.215023488f;
  p = p * t + 0.148310706f;
  p = p * t + 0.170719847f;
  p = p * t + 0.16918768f;
  const float head = tg_bits_float(tg_float_bits(z) & UINT32_C(0xfffff000)); /* its square is exact */
  return (p * t) * tg_exp(-(head * head)) * tg_exp((head - z) * (head + z));
}

/* x times the normal distribution's function */
static inline float tg_gelu(float x) {
  if (x < -15.0f) return 0.0f;
  if (x > 6.0f) return x;
  const float half = 0.5f * x * tg_erfc(tg_fabs(x) * 0.707106769f);
  return x < 0.0f ? half : x - half;
}

/* gelu with tanh: (1 + tanh(u)) / 2 is logistic(2 u) */
static inline float tg_gelu_tanh(float x) {
  if (x < -15.0f) return 0.0f;
  return x * tg_logistic(1.59576917f * (x + 0.044715f * (x * x * x)));
}

/* towards minus infinity; from 2^23 on every number is whole */
static inline float tg_floor(float x) {
  if (!(tg_fabs(x) < 8388608.0f)) return x;
  const float whole = (float)(int32_t)x;
  return tg_fsign(whole > x ? whole - 1.0f : whole, x);
}

static inline float tg_ceil(float x) { return -tg_floor(-x); }

/* to the nearest, halves to even */
static inline float tg_round(float x) {
  const float a = tg_fabs(x);
  if (!(a < 8388608.0f)) return x;
  return tg_fsign((a + 8388608.0f) - 8388608.0f, x);
}

#endif
