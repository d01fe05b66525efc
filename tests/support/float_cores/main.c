/* Prints a hash of the results of each function of tg_float.h, and of two kernels, over many floats: of any bits, and
 * of common sizes. Runs on the host, and bare on emulated cores (with semihosting). Its numpy twin is
 * tests/emulated/test_float_cores.py. */
#include "tg_float.h"

#include "fully_connected_f32.h"
#include "softmax_f32.h"

#define COUNT 2048
#define WIDTH 16

void print(const char *text);

static uint32_t state;

static uint32_t next(void) {
  state = state * UINT32_C(1664525) + UINT32_C(1013904223);
  return state;
}

/* any bits; or between 2^-31 and 2^32 */
static float draw(int common) {
  const uint32_t bits = next();
  return tg_bits_float(common ? (bits & UINT32_C(0x807fffff)) | (96 + (bits >> 23 & 63)) << 23 : bits);
}

static uint32_t hash(uint32_t h, float x) {
  return (h ^ (x != x ? UINT32_C(0x7fc00000) : tg_float_bits(x))) * UINT32_C(16777619);
}

static void say(const char *name, uint32_t h) {
  char line[10] = "        \n";
  for (int i = 7; i >= 0; --i, h >>= 4) line[i] = "0123456789abcdef"[h & 15];
  print(name);
  print(" ");
  print(line);
}

#define EACH(name, expression)                                     \
  static void run_##name(void) {                                   \
    uint32_t h = UINT32_C(2166136261);                             \
    state = 1;                                                     \
    for (int i = 0; i < COUNT; ++i) {                              \
      const float x = draw(i & 1);                                 \
      const float y = draw(i & 1);                                 \
      (void)y;                                                     \
      h = hash(h, expression);                                     \
    }                                                              \
    say(#name, h);                                                 \
  }

EACH(add, x + y)
EACH(mul, x * y)
EACH(div, x / y)
EACH(polynomial, (x * y + x) * x - y)
EACH(exp, tg_exp(x))
EACH(expm1, tg_expm1(x))
EACH(log, tg_log(x))
EACH(sqrt, tg_sqrt(x))
EACH(logistic, tg_logistic(x))
EACH(tanh, tg_tanh(x))
EACH(sin, tg_sin(x))
EACH(cos, tg_cos(x))
EACH(gelu, tg_gelu(x))
EACH(gelu_tanh, tg_gelu_tanh(x))
EACH(floor, tg_floor(x))
EACH(ceil, tg_ceil(x))
EACH(round, tg_round(x))

static float inputs[WIDTH], weights[WIDTH * WIDTH], bias[WIDTH], sums[WIDTH], scores[WIDTH];
static const tg_fully_connected_f32_params dense = {
    .input_depth = WIDTH,
    .output_depth = WIDTH,
    .activation_min = -3.40282347e+38f,
    .activation_max = 3.40282347e+38f,
    .weights = weights,
    .bias = bias,
};
static const tg_softmax_f32_params softmax = {.depth = WIDTH, .beta = 0.37f, .logarithm = 0};

/* between -8 and 8 */
static float small(void) { return (float)((int32_t)next() >> 8) * (1.0f / 1048576.0f); }

static void run_kernels(void) {
  uint32_t h = UINT32_C(2166136261);
  const tg_input in = {(const int8_t *)(const void *)inputs, sizeof inputs, 1};
  const tg_input middle = {(const int8_t *)(const void *)sums, sizeof sums, 1};
  const tg_output between = {(int8_t *)(void *)sums, sizeof sums, 1};
  const tg_output out = {(int8_t *)(void *)scores, sizeof scores, 1};
  state = 1;
  for (int i = 0; i < WIDTH; ++i) inputs[i] = small();
  for (int i = 0; i < WIDTH * WIDTH; ++i) weights[i] = small();
  for (int i = 0; i < WIDTH; ++i) bias[i] = small();
  tg_fully_connected_f32(&dense, &in, &between, 0, 1, NULL, NULL);
  for (int i = 0; i < WIDTH; ++i) h = hash(h, sums[i]);
  tg_softmax_f32(&softmax, &middle, &out, 0, 1, NULL, NULL);
  for (int i = 0; i < WIDTH; ++i) h = hash(h, scores[i]);
  say("kernels", h);
}

void run_all(void) {
  run_add();
  run_mul();
  run_div();
  run_polynomial();
  run_exp();
  run_expm1();
  run_log();
  run_sqrt();
  run_logistic();
  run_tanh();
  run_sin();
  run_cos();
  run_gelu();
  run_gelu_tanh();
  run_floor();
  run_ceil();
  run_round();
  run_kernels();
}
