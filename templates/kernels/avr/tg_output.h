/* SPDX-License-Identifier: 0BSD */
/* From sums of products modulo 2^24 to int8, to the bit as tg_requantize() of tg_fixedpoint.h does it.
 *
 * Of a sum x it takes round(round(x * multiplier / 2^31) / 2^shift), halves upwards first and away from zero then. With
 * m = |x| both are one division: (m * 2 multiplier + 2^31 - [x < 0] + 2^(31 + shift)) / 2^(32 + shift), rounded down
 * (all but the one is even). So twelve MULs make bytes 4..6 of the dividend, the lower ones are only carries, and the
 * one counts where they all are 0. Then comes a division by 2^shift, as a multiplication by 2^(8 - shift) (or by
 * 2^(16 - shift) from byte 5 on), and the sign. */
#ifndef TG_OUTPUT_H
#define TG_OUTPUT_H

#include "tg_mac.h"

/* Of each channel, in flash: bytes 0..2 what is added to the sum, modulo 2^24; 3..6 twice the multiplier; 7 the half
 * that rounds, 8 the power of two, both from byte 4 on, or from byte 5 on where byte 9 is 1. */
enum { TG_CHANNEL_BYTES = 10 };

typedef struct {
  int8_t zero_point;
  uint8_t down, up; /* so far the outputs reach below the zero point, and above */
} tg_limits;

/* The outputs of `count` sums, at least one, of the channel in flash; they lie `stride` bytes apart. */
TG_APART void tg_put(int8_t *to, const tg_u24 *sums, uint8_t count, uint16_t stride, const uint8_t *channel,
                     const tg_limits *limits) {
#if defined(__AVR__)
  const uint8_t half = tg_load_u8(channel + 7), power = tg_load_u8(channel + 8), wide = tg_load_u8(channel + 9);
  const uint16_t halves = wide ? (uint16_t)half << 8 : half; /* for bytes 4 and 5 */
  const uint32_t f = tg_load_u32(channel + 3);
  for (; count > 0; --count, to += stride) {
    tg_u24 m = *sums++, e; /* e: bytes 4..6, of which byte 4 begins as byte 3 and so on */
    uint16_t b;            /* the lower bytes, while they are not complete */
    uint8_t c, zero, room = limits->up;
    const uint8_t negative = (m & 0x800000U) != 0;
    if (negative) {
      room = limits->down;
      m = -m;
    }
    *to = limits->zero_point;
    if (room == 0) continue;
    __asm__("clr %[zero]\n\t"
          /* bytes 0 and 1: what is left of byte 0 is kept in b to see whether all are 0 */
          "clr %C[e]\n\tclr %A[e]\n\tclr %B[e]\n\t"
          "mul %A[m], %A[f]\n\tmovw %[b], r0\n\tclr %[c]\n\t"
          "mul %A[m], %B[f]\n\tadd %B[b], r0\n\tadc %[c], r1\n\t"
          "mul %B[m], %A[f]\n\tadd %B[b], r0\n\tadc %[c], r1\n\tadc %A[e], %[zero]\n\t"
          "or %A[b], %B[b]\n\t"
          /* byte 2 in c, 3 in A of e, 4 in B of e */
          "mul %A[m], %C[f]\n\tadd %[c], r0\n\tadc %A[e], r1\n\tadc %B[e], %[zero]\n\t"
          "mul %B[m], %B[f]\n\tadd %[c], r0\n\tadc %A[e], r1\n\tadc %B[e], %[zero]\n\t"
          "mul %C[m], %A[f]\n\tadd %[c], r0\n\tadc %A[e], r1\n\tadc %B[e], %[zero]\n\t"
          "or %A[b], %[c]\n\t"
          /* byte 3 in A of e, 4 in B, 5 in C; plus 2^31 */
          "mul %A[m], %D[f]\n\tadd %A[e], r0\n\tadc %B[e], r1\n\tadc %C[e], %[zero]\n\t"
          "mul %B[m], %C[f]\n\tadd %A[e], r0\n\tadc %B[e], r1\n\tadc %C[e], %[zero]\n\t"
          "mul %C[m], %B[f]\n\tadd %A[e], r0\n\tadc %B[e], r1\n\tadc %C[e], %[zero]\n\t"
          "subi %A[e], 0x80\n\tsbci %B[e], 0xFF\n\tsbci %C[e], 0xFF\n\t"
          "or %A[b], %A[e]\n\t"
          "mov %A[e], %B[e]\n\tmov %B[e], %C[e]\n\tclr %C[e]\n\t"
          /* byte 4 in A of e, 5 in B, 6 in C */
          "add %A[e], %A[halves]\n\tadc %B[e], %B[halves]\n\tadc %C[e], %[zero]\n\t"
          "mul %B[m], %D[f]\n\tadd %A[e], r0\n\tadc %B[e], r1\n\tadc %C[e], %[zero]\n\t"
          "mul %C[m], %C[f]\n\tadd %A[e], r0\n\tadc %B[e], r1\n\tadc %C[e], %[zero]\n\t"
          "mul %C[m], %D[f]\n\tadd %B[e], r0\n\tadc %C[e], r1\n\t"
          "cpse %A[b], %[zero]\n\trjmp 3f\n\t"
          "sub %A[e], %[negative]\n\tsbc %B[e], %[zero]\n\tsbc %C[e], %[zero]\n"
          "3:\ttst %[wide]\n\t"
          "breq 4f\n\t"
          "mov %A[e], %B[e]\n\tmov %B[e], %C[e]\n\tclr %C[e]\n"
          /* times power, and without its lowest byte; as much as there is room for */
          "4:\tmul %A[e], %[power]\n\tmov %A[e], r1\n\t"
          "mul %B[e], %[power]\n\tor %C[e], r1\n\tadd %A[e], r0\n\tadc %C[e], %[zero]\n\t"
          "breq 5f\n\t"
          "ldi %A[e], 0xFF\n"
          "5:\tclr r1\n\t"
          : [e] "=&d"(e), [b] "=&r"(b), [c] "=&r"(c), [zero] "=&r"(zero)
          : [m] "r"(m), [f] "r"(f), [halves] "r"(halves), [power] "r"(power), [wide] "r"(wide), [negative] "r"(negative)
          : "r0");
    if ((uint8_t)e < room) room = (uint8_t)e;
    *to = (int8_t)(negative ? limits->zero_point - room : limits->zero_point + room);
  }
#else
  const uint8_t places = channel[9] ? 40 : 32;
  const uint64_t constant = UINT64_C(0x80000000) + ((uint64_t)channel[7] << places);
  for (uint8_t i = 0; i < count; ++i, to += stride) {
    const uint8_t negative = (sums[i] & 0x800000U) != 0, room = negative ? limits->down : limits->up;
    const uint64_t m = (negative ? 0U - sums[i] : sums[i]) & 0xFFFFFFU;
    const uint64_t scaled = ((m * tg_load_u32(channel + 3) + constant - negative) >> places) * channel[8] >> 8;
    const int16_t distance = (int16_t)(scaled < room ? scaled : room);
    *to = (int8_t)(negative ? limits->zero_point - distance : limits->zero_point + distance);
  }
#endif
}

#endif
