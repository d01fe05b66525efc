/* SPDX-License-Identifier: 0BSD */
/* The firmware's end of the text protocol of MLPerf Tiny (docs/SPEC.md, section 3), over the ports of tg_tester.h. */
#ifndef TG_MLPERF_H
#define TG_MLPERF_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* The model; the file that tinygen generates beside this one defines it. */
typedef struct {
  const char *name;
  uint8_t *buffer; /* where the inputs are loaded to: invoking destroys them in the arena */
  uint32_t input_bytes;
  uint32_t output_size;                /* elements of the first output */
  void (*infer)(void);                 /* one inference on what is in the buffer */
  int32_t (*output)(uint32_t index);   /* the quantized value less its zero point */
  int64_t thousandths;                 /* 1000 times the scale, times 2^24 */
} tg_mlperf_model;

extern const tg_mlperf_model tg_mlperf_tested;

#ifdef __cplusplus
}
#endif
#endif
