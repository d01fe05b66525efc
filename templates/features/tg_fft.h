/* SPDX-License-Identifier: 0BSD */
/* The power spectrum of real samples: window, FFT in 32 bits with 16-bit twiddles, powers of 64 bits.
 * Its numpy twin is power_spectrum in tinygen/features/spectrum.py. */
#ifndef TG_FFT_H
#define TG_FFT_H

#include "tg_kernel.h"

/* A number of the FFT; in the end the power of a bin, in the same place. */
typedef union {
  struct {
    int32_t re, im;
  } z;
  uint64_t power;
} tg_bin;

/* `points` of the FFT, a power of two from 16 to 4096; `window_samples` are at most as many */
typedef struct {
  const int16_t *window;   /* Q15 */
  const int16_t *twiddles; /* Q15: re, im of exp(-2 pi i k / points) for k < points / 2 */
  uint16_t window_samples;
  uint16_t points;
} tg_fft_params;

/* a * b / 2^16, rounded down */
static inline int32_t tg_multiply_half(int32_t a, int16_t b) {
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
  int32_t product;
  __asm__("smulwb %0, %1, %2" : "=r"(product) : "r"(a), "r"(b));
  return product;
#else
  return (a >> 16) * b + (((int32_t)(a & 0xFFFF) * b) >> 16);
#endif
}

/* zeros before the first bit of a number that is not 0; a long may have 64 bits */
static inline int16_t tg_leading_zeros(uint32_t x) {
  return (int16_t)(__builtin_clzl((unsigned long)x) - (int)(8U * sizeof(long) - 32U));
}

/* x * 2^shift where it fits */
static inline int32_t tg_shift_left(int32_t x, int16_t shift) { return (int32_t)((uint32_t)x << shift); }

/* Four numbers, shifted: the first two stages, which need no multiplication. */
static inline void tg_fft_first(tg_bin *x, int16_t shift) {
  const int32_t r0 = tg_shift_left(x[0].z.re, shift) >> 1;
  const int32_t i0 = tg_shift_left(x[0].z.im, shift) >> 1;
  const int32_t r1 = tg_shift_left(x[1].z.re, shift) >> 1;
  const int32_t i1 = tg_shift_left(x[1].z.im, shift) >> 1;
  const int32_t r2 = tg_shift_left(x[2].z.re, shift) >> 1;
  const int32_t i2 = tg_shift_left(x[2].z.im, shift) >> 1;
  const int32_t r3 = tg_shift_left(x[3].z.re, shift) >> 1;
  const int32_t i3 = tg_shift_left(x[3].z.im, shift) >> 1;
  const int32_t ar = (r0 + r1) >> 1;
  const int32_t ai = (i0 + i1) >> 1;
  const int32_t br = (r0 - r1) >> 1;
  const int32_t bi = (i0 - i1) >> 1;
  const int32_t cr = (r2 + r3) >> 1;
  const int32_t ci = (i2 + i3) >> 1;
  const int32_t dr = (r2 - r3) >> 1;
  const int32_t di = (i2 - i3) >> 1;
  x[0].z.re = ar + cr;
  x[0].z.im = ai + ci;
  x[1].z.re = br + di;
  x[1].z.im = bi - dr;
  x[2].z.re = ar - cr;
  x[2].z.im = ai - ci;
  x[3].z.re = br - di;
  x[3].z.im = bi + dr;
}

/* a, b become (a + w b) / 2, (a - w b) / 2 */
static inline void tg_butterfly(tg_bin *a, tg_bin *b, int16_t c, int16_t s) {
  const int32_t re = tg_multiply_half(b->z.re, c) - tg_multiply_half(b->z.im, s);
  const int32_t im = tg_multiply_half(b->z.re, s) + tg_multiply_half(b->z.im, c);
  const int32_t ar = a->z.re >> 1;
  const int32_t ai = a->z.im >> 1;
  a->z.re = ar + re;
  a->z.im = ai + im;
  b->z.re = ar - re;
  b->z.im = ai - im;
}

/* m numbers below 2^30, of re and im each, in bit-reversed order become their DFT / m: no stage can overflow */
static inline void tg_fft(tg_bin *bins, uint16_t m, const int16_t *twiddles, int16_t shift) {
  for (uint16_t k = 0; k < m; k = (uint16_t)(k + 4U)) tg_fft_first(bins + k, shift);
  for (uint16_t half = 4; half < m; half = (uint16_t)(2U * half)) {
    const uint16_t step = (uint16_t)(2U * (m / half)); /* two numbers a twiddle */
    for (uint16_t group = 0; group < m; group = (uint16_t)(group + 2U * half)) {
      const int16_t *w = twiddles;
      tg_bin *a = bins + group;
      for (const tg_bin *const end = a + half; a < end; ++a, w += step) {
        tg_butterfly(a, a + half, TG_LOAD_S16(w), TG_LOAD_S16(w + 1));
      }
    }
  }
}

static inline uint64_t tg_power(int32_t re, int32_t im) { return (uint64_t)((int64_t)re * re + (int64_t)im * im); }

/* The DFT of even samples + i * odd ones becomes the powers of bins 0 to m of the samples' own. */
static inline void tg_fft_split(tg_bin *bins, uint16_t m, const int16_t *twiddles) {
  const int32_t re = bins[0].z.re >> 1;
  const int32_t im = bins[0].z.im >> 1;
  bins[0].power = tg_power(re + im, 0);
  bins[m].power = tg_power(re - im, 0);
  bins[m / 2].power = tg_power(bins[m / 2].z.re >> 1, bins[m / 2].z.im >> 1);
  for (uint16_t k = 1; k < m / 2; ++k) {
    tg_bin *const low = bins + k;
    tg_bin *const high = bins + m - k;
    const int32_t r0 = low->z.re >> 1;
    const int32_t i0 = low->z.im >> 1;
    const int32_t r1 = high->z.re >> 1;
    const int32_t i1 = high->z.im >> 1;
    const int32_t er = (r0 + r1) >> 1;
    const int32_t ei = (i0 - i1) >> 1;
    const int16_t c = TG_LOAD_S16(twiddles + 2U * k);
    const int16_t s = TG_LOAD_S16(twiddles + 2U * k + 1);
    const int32_t tr = tg_multiply_half(i0 + i1, c) - tg_multiply_half(r1 - r0, s);
    const int32_t ti = tg_multiply_half(i0 + i1, s) + tg_multiply_half(r1 - r0, c);
    low->power = tg_power(er + tr, ei + ti);
    high->power = tg_power(er - tr, ei - ti);
  }
}

/* Bins 0 to points / 2 of the samples x[0], x[step], ...; the powers are bins[k].power * 2^(the result). */
static inline int16_t tg_power_spectrum(const tg_fft_params *p, const int16_t *x, uint16_t step, tg_bin *bins) {
  const uint16_t m = (uint16_t)(p->points / 2U);
  uint32_t used = 0;
  uint16_t place = 0; /* i / 2 with its bits reversed */
  for (uint16_t i = 0; i < p->points; i = (uint16_t)(i + 2U)) {
    int32_t even = 0;
    int32_t odd = 0;
    if (i < p->window_samples) {
      even = (int32_t)*x * TG_LOAD_S16(p->window + i);
      x += step;
    }
    if (i + 1U < p->window_samples) {
      odd = (int32_t)*x * TG_LOAD_S16(p->window + i + 1U);
      x += step;
    }
    used |= (uint32_t)(even ^ (even >> 31)) | (uint32_t)(odd ^ (odd >> 31));
    bins[place].z.re = even;
    bins[place].z.im = odd;
    uint16_t bit = (uint16_t)(m / 2U);
    for (; (place & bit) != 0U; bit = (uint16_t)(bit / 2U)) place = (uint16_t)(place ^ bit);
    place = (uint16_t)(place | bit);
  }
  /* the largest gets 30 bits, so that quiet sounds keep theirs */
  const int16_t shift = (int16_t)(used == 0U ? 0 : tg_leading_zeros(used) - 2);
  tg_fft(bins, m, p->twiddles, shift);
  tg_fft_split(bins, m, p->twiddles);
  const int16_t log2_points = (int16_t)(31 - tg_leading_zeros(p->points));
  return (int16_t)(2 * log2_points - 30 - 2 * shift);
}

#endif
