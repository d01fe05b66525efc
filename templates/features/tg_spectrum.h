/* SPDX-License-Identifier: 0BSD */
/* Spectrogram, log-mel and MFCC: a window of samples becomes values in Q10.
 * Its numpy twin is tinygen/features/spectrum.py. */
#ifndef TG_SPECTRUM_H
#define TG_SPECTRUM_H

#include "tg_log2.h"

typedef struct {
  tg_fft_params fft;
  uint16_t first_bin, last_bin;
  uint16_t bands, coefficients; /* 0 where the kind has none */
  const int16_t *counts;        /* bands + 1: bins between two neighbouring edges of the bands */
  const int16_t *weights;       /* Q15, of each of these bins: what goes to the upper of the two bands there */
  const int16_t *dct;           /* Q15, coefficients x bands */
} tg_spectrum_params;

/* The functions below take samples x[0], x[step], ..., fft.points / 2 + 1 bins of memory, and where the values go. */

static inline void tg_spectrogram(
    const tg_spectrum_params *p, const int16_t *x, uint16_t step, tg_bin *bins, int32_t *values) {
  const int16_t exponent = tg_power_spectrum(&p->fft, x, step, bins);
  for (uint16_t k = p->first_bin; k <= p->last_bin; ++k) *values++ = tg_log2(bins[k].power, exponent);
}

static inline void tg_log_mel(
    const tg_spectrum_params *p, const int16_t *x, uint16_t step, tg_bin *bins, int32_t *values) {
  const int16_t exponent = tg_power_spectrum(&p->fft, x, step, bins);
  const tg_bin *bin = bins + p->first_bin;
  const int16_t *weight = p->weights;
  uint64_t lower = 0;
  for (uint16_t i = 0; i <= p->bands; ++i) {
    uint64_t upper = 0;
    for (int16_t left = TG_LOAD_S16(p->counts + i); left > 0; --left) {
      const uint64_t power = (bin++)->power >> 15;
      const uint64_t rising = power * (uint16_t)TG_LOAD_S16(weight++);
      upper += rising;
      lower += (power << 15) - rising;
    }
    if (i > 0U) *values++ = tg_log2(lower, exponent);
    lower = upper;
  }
}

/* values has room for the bands behind the coefficients */
static inline void tg_mfcc(const tg_spectrum_params *p, const int16_t *x, uint16_t step, tg_bin *bins, int32_t *values) {
  int32_t *const bands = values + p->coefficients;
  tg_log_mel(p, x, step, bins, bands);
  const int16_t *dct = p->dct;
  for (uint16_t c = 0; c < p->coefficients; ++c) {
    int64_t sum = 1 << 14;
    for (uint16_t b = 0; b < p->bands; ++b) sum += (int64_t)bands[b] * TG_LOAD_S16(dct++);
    values[c] = (int32_t)(sum >> 15);
  }
}

#endif
