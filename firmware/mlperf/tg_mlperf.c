/* SPDX-License-Identifier: 0BSD */
/* Commands end in '%'; every answer is lines that end in CR LF, the last of them m-ready. What is printed where follows
 * the reference implementation of mlcommons/tiny (api/internally_implemented.cpp), so that its runner understands it. */
#include "tg_mlperf.h"

#include <string.h>

#include "tg_tester.h"

enum { COMMAND_BYTES = 80, DEFAULT_WARMUP = 10, PRINTED_IN_A_LINE = 8 };

static char command[COMMAND_BYTES + 1];
static uint8_t command_length;
static char *rest; /* of the command, behind the word that was taken last */
static uint32_t expected, loaded; /* bytes of the input */

static void put(const char *text) {
  while (*text != '\0') tg_tester_send((uint8_t)*text++);
}

static void put_number(uint32_t value) {
  char digits[11];
  uint8_t at = sizeof digits - 1;
  digits[at] = '\0';
  do {
    digits[--at] = (char)('0' + (char)(value % 10U));
    value /= 10U;
  } while (value != 0U);
  put(digits + at);
}

static void put_hex(uint8_t byte) {
  static const char digits[] = "0123456789abcdef";
  tg_tester_send((uint8_t)digits[byte >> 4]);
  tg_tester_send((uint8_t)digits[byte & 15U]);
}

/* A line of three parts. */
static void line(const char *before, const char *text, const char *after) {
  put(before);
  put(text);
  put(after);
  put("\r\n");
}

static void line_number(const char *before, uint32_t value, const char *after) {
  put(before);
  put_number(value);
  line(after, "", "");
}

/* The next word of the command, or NULL. */
static char *word(void) {
  char *start;
  while (*rest == ' ') rest++;
  if (*rest == '\0') return NULL;
  start = rest;
  while (*rest != '\0' && *rest != ' ') rest++;
  if (*rest == ' ') *rest++ = '\0';
  return start;
}

/* As atoi(): what leads it as a number, at most 999,999,999; less than zero is -1. */
static int32_t number(const char *text) {
  int32_t value = 0;
  const char *at = text;
  if (*at == '-' || *at == '+') at++;
  for (; *at >= '0' && *at <= '9'; at++) {
    if (value <= INT32_C(99999999)) value = value * 10 + (*at - '0');
  }
  return *text == '-' && value > 0 ? -1 : value;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* The clock in microseconds; it must be looked at before the port's ticks wrap twice. */
static uint32_t microseconds(void) {
  static uint32_t last, left, total;
  const uint32_t now = tg_tester_ticks(), hz = tg_tester_ticks_hz();
  const uint64_t scaled = (uint64_t)(now - last) * 1000000U + left;
  last = now;
  left = (uint32_t)(scaled % hz);
  total += (uint32_t)(scaled / hz);
  return total;
}

static void timestamp(void) { line_number("m-lap-us-", microseconds(), ""); }

/* Real values with three decimals. */
static void results(void) {
  const tg_mlperf_model *m = &tg_mlperf_tested;
  const int64_t half = INT64_C(1) << 23;
  put("m-results-[");
  for (uint32_t i = 0; i < m->output_size; i++) {
    const int32_t value = m->output(i);
    const uint32_t size = value < 0 ? 0U - (uint32_t)value : (uint32_t)value;
    const uint64_t thousandths = ((uint64_t)size * (uint64_t)m->thousandths + (uint64_t)half) >> 24;
    const uint32_t decimals = (uint32_t)(thousandths % 1000U);
    if (i > 0) put(",");
    if (value < 0) put("-");
    put_number((uint32_t)(thousandths / 1000U));
    put(decimals < 10U ? ".00" : decimals < 100U ? ".0" : ".");
    put_number(decimals);
  }
  put("]\r\n");
}

static void infer_times(uint32_t count) {
  for (; count > 0; count--) {
    tg_mlperf_tested.infer();
    (void)microseconds(); /* no wrap is missed */
  }
}

static void infer(void) {
  const char *given = word();
  int32_t count = 1, warmup = DEFAULT_WARMUP;
  if (given != NULL) {
    count = number(given);
    if (count <= 0) {
      line("e-[Inference iterations must be >0]", "", "");
      return;
    }
    given = word();
    if (given != NULL) warmup = number(given);
    if (warmup < 0) {
      line("e-[Inference warmup must be >=0]", "", "");
      return;
    }
  }
  line_number("m-warmup-start-", (uint32_t)warmup, "");
  infer_times((uint32_t)warmup);
  line("m-warmup-done", "", "");
  line_number("m-infer-start-", (uint32_t)count, "");
  timestamp();
  infer_times((uint32_t)count);
  timestamp();
  line("m-infer-done", "", "");
  results();
}

static void load(void) {
  const uint32_t largest = tg_mlperf_tested.input_bytes;
  const char *given = word();
  if (given == NULL) {
    line("e-[Command 'db load' requires the # of bytes]", "", "");
    return;
  }
  const int32_t bytes = number(given);
  expected = loaded = 0;
  if (bytes <= 0) {
    line("e-[Command 'db load' must be >0 bytes]", "", "");
  } else if ((uint32_t)bytes > largest) {
    put("e-[Supplied buffer size ");
    put_number((uint32_t)bytes);
    line_number(" exceeds maximum of ", largest, "]");
  } else {
    expected = (uint32_t)bytes;
    line_number("m-[Expecting ", expected, " bytes]");
  }
}

static void print_buffer(void) {
  for (uint32_t i = 0; i < expected; i++) {
    put(i % PRINTED_IN_A_LINE == 0 ? "m-buffer-" : "-");
    put_hex(tg_mlperf_tested.buffer[i]);
    if (i % PRINTED_IN_A_LINE == PRINTED_IN_A_LINE - 1 || i + 1 == expected) put("\r\n");
  }
}

static void take_hex(const char *digits) {
  if (strlen(digits) % 2 != 0) {
    line("e-[Insufficent number of hex digits]", "", ""); /* spelt as the runner knows it */
    return;
  }
  for (; *digits != '\0'; digits += 2) {
    const int high = hex_digit(digits[0]), low = hex_digit(digits[1]);
    if (high < 0 || low < 0) {
      const char pair[3] = {digits[0], digits[1], '\0'};
      line("e-[Invalid hex digit '", pair, "']");
      return;
    }
    if (loaded >= expected) return; /* more than was announced changes nothing */
    tg_mlperf_tested.buffer[loaded++] = (uint8_t)(high * 16 + low);
    if (loaded == expected) line("m-load-done", "", "");
  }
}

static void buffer_command(void) {
  const char *what = word();
  if (what == NULL) {
    line("e-[Command 'db' requires a subcommand]", "", "");
  } else if (strcmp(what, "load") == 0) {
    load();
  } else if (strcmp(what, "print") == 0) {
    print_buffer();
  } else {
    take_hex(what);
  }
}

static void help(void) {
  line("help         : Print this information", "", "");
  line("name         : Print the name of the device", "", "");
  line("profile      : Print the profile and the model", "", "");
  line("timestamp    : Print the time", "", "");
  line("db load N    : Expect N bytes of input", "", "");
  line("db HH[HH]*   : Load bytes until there are N", "", "");
  line("db print     : Print the input", "", "");
  line("infer N [W]  : N inferences after W for warming up", "", "");
  line("results      : Print the outputs of the last one", "", "");
}

static void obey(void) {
  const char *what;
  rest = command;
  what = word();
  if (what == NULL) what = "";
  if (strcmp(what, "name") == 0) {
    line("m-name-dut-[tinygen]", "", "");
  } else if (strcmp(what, "timestamp") == 0) {
    timestamp();
  } else if (strcmp(what, "profile") == 0) {
    line("m-profile-[ULPMark for tinyML Firmware V0.0.1]", "", "");
    line("m-model-[", tg_mlperf_tested.name, "]");
  } else if (strcmp(what, "help") == 0) {
    help();
  } else if (strcmp(what, "db") == 0) {
    buffer_command();
  } else if (strcmp(what, "infer") == 0) {
    infer();
  } else if (strcmp(what, "results") == 0) {
    results();
  } else {
    line("e-[Unknown command: ", what, "]");
  }
  line("m-ready", "", "");
}

void tg_tester_receive(uint8_t byte) {
  if (byte == (uint8_t)'%') {
    command[command_length] = '\0';
    command_length = 0;
    obey();
  } else if (byte != (uint8_t)'\r' && byte != (uint8_t)'\n' && byte != 0U) { /* which people type, and lines begin with */
    command[command_length] = (char)byte;
    if (command_length < COMMAND_BYTES) command_length++;
  }
}
