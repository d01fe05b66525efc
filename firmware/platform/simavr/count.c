/* SPDX-License-Identifier: 0BSD */
#include "count.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_MARKS = 100000, MOST_LAYERS = 10000, STACK_LOW = 0x5D, STACK_HIGH = 0x5E, RET = 0x9508 };

typedef struct {
  unsigned long address, layer;
} mark;

typedef struct {
  unsigned long long instructions, cycles;
} amount;

static char result_name[4096];
static unsigned long function;
static mark marks[MOST_MARKS];
static size_t mark_count;
static amount since, layers[MOST_LAYERS]; /* since the last mark */
static unsigned long layer_count;
static uint16_t top; /* the stack pointer when the function began */
static enum { WAITING, COUNTING, DONE } state = WAITING;

static uint16_t stack_pointer(const avr_t *avr) {
  return (uint16_t)(avr->data[STACK_LOW] | avr->data[STACK_HIGH] << 8);
}

int count_open(const char *file) {
  FILE *in = fopen(file, "r");
  unsigned long address, layer;
  if (in == NULL || fscanf(in, "%lu %lu", &function, &layer) != 2) return 0;
  while (mark_count < MOST_MARKS && fscanf(in, "%lu %lu", &address, &layer) == 2) {
    if (layer >= MOST_LAYERS) return 0;
    if (layer >= layer_count) layer_count = layer + 1;
    marks[mark_count].address = address;
    marks[mark_count++].layer = layer;
  }
  fclose(in);
  return snprintf(result_name, sizeof result_name, "%s.counts", file) < (int)sizeof result_name;
}

static void write_result(void) {
  amount whole = since;
  FILE *out = fopen(result_name, "w");
  if (out == NULL) return;
  for (unsigned long i = 0; i < layer_count; i++) {
    whole.instructions += layers[i].instructions;
    whole.cycles += layers[i].cycles;
  }
  fprintf(out, "%llu %llu\n", whole.instructions, whole.cycles);
  for (unsigned long i = 0; i < layer_count; i++) fprintf(out, "%llu %llu\n", layers[i].instructions, layers[i].cycles);
  fprintf(out, "%llu %llu\n", since.instructions, since.cycles);
  fclose(out);
}

/* Where a layer has ended, what was counted since the last mark was its. */
static void look_for_mark(unsigned long address) {
  for (size_t i = 0; i < mark_count; i++) {
    if (marks[i].address == address) {
      layers[marks[i].layer].instructions += since.instructions;
      layers[marks[i].layer].cycles += since.cycles;
      since.instructions = since.cycles = 0;
    }
  }
}

int count_run(avr_t *avr) {
  const int interrupted = avr->interrupts.running_ptr > 0;
  const avr_cycle_count_t before = avr->cycle;
  const int returns = (avr->flash[avr->pc] | avr->flash[avr->pc + 1] << 8) == RET;
  int result;
  if (state == WAITING && avr->pc == function) {
    state = COUNTING;
    top = stack_pointer(avr);
  }
  if (state == COUNTING && !interrupted) look_for_mark(avr->pc);
  result = avr_run(avr);
  if (state == COUNTING && !interrupted) {
    since.instructions++;
    since.cycles += avr->cycle - before;
    if (returns && stack_pointer(avr) > top) {
      write_result();
      state = DONE;
    }
  }
  return result;
}
