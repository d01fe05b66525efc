/* SPDX-License-Identifier: Apache-2.0 */
/* A QEMU plugin, for `tinygen bench`: how often each block of code ran in the first call of a function, how often it
 * was left by a jump, and how many loads in it were unaligned. It knows nothing of cycles (tinygen/cycles/ does).
 *
 * Options: begin=ADDRESS   the function
 *          skip=FIRST-END  code that does not count, and changes nothing: an interrupt handler; any number of these
 *          marks=FILE      lines of ADDRESS LAYER: a block that starts there ends what belongs to the layer
 *          out=FILE        gets, when the function returns, lines of
 *                          LAYER START END INSTRUCTIONS RUNS LEFT LEFT_FOR_WIDE UNALIGNED_LOADS, and at last `end`;
 *                          addresses are hexadecimal; LAYER is -1 behind the last mark
 *
 * What is used of QEMU's plugin interface is declared here by hand: Debian does not ship its header. These functions
 * are the same in every version from 1 to at least 7; API_VERSION is the one to claim (2 from QEMU 9.0 on). */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef API_VERSION
#define API_VERSION 1
#endif

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, void (*)(unsigned, uint32_t, uint64_t, void *), int,
                                      int, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
unsigned qemu_plugin_mem_size_shift(uint32_t);
bool qemu_plugin_mem_is_store(uint32_t);

#define EXPORTED __attribute__((visibility("default")))
extern EXPORTED int qemu_plugin_version;
EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);
int qemu_plugin_version = API_VERSION;

enum { NO_REGISTERS = 0, LOADS_AND_STORES = 3, MOST_SKIPPED = 8 };

struct counts {
  uint64_t runs, left, left_for_wide, unaligned;
};

struct block {
  struct block *next;
  uint32_t start, end, instructions;
  int mark;                /* the layer that ends where it starts, or -1 */
  bool wide, skipped;      /* wide: its first instruction has 32 bits and lies at an odd halfword */
  struct counts since;     /* since the last mark */
  struct counts *of_layer; /* of every layer; NULL until one of them ran it */
};

struct range {
  uint32_t first, end;
};
struct mark {
  uint32_t address;
  int layer;
};

static struct block *blocks, *last;
static uint32_t begin, back;
static enum { WAITING, INSIDE, DONE } state;
static FILE *out;
static struct range skipped[MOST_SKIPPED];
static size_t skipped_count, mark_count;
static struct mark *marks;
static size_t layers;

static void *zeros(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (memory == NULL) abort();
  return memory;
}

/* What was counted since the last mark belongs to `layer`. */
static void credit(int layer) {
  for (struct block *b = blocks; b != NULL; b = b->next) {
    if (b->since.runs == 0 && b->since.left == 0) continue;
    if (b->of_layer == NULL) b->of_layer = zeros(layers, sizeof *b->of_layer);
    struct counts *c = &b->of_layer[layer];
    c->runs += b->since.runs;
    c->left += b->since.left;
    c->left_for_wide += b->since.left_for_wide;
    c->unaligned += b->since.unaligned;
    memset(&b->since, 0, sizeof b->since);
  }
}

static void write_line(int layer, const struct block *b, const struct counts *c) {
  if (c->runs == 0 && c->left == 0) return;
  fprintf(out, "%d %lx %lx %lu %llu %llu %llu %llu\n", layer, (unsigned long)b->start, (unsigned long)b->end,
          (unsigned long)b->instructions, (unsigned long long)c->runs, (unsigned long long)c->left,
          (unsigned long long)c->left_for_wide, (unsigned long long)c->unaligned);
}

static void write_all(void) {
  for (const struct block *b = blocks; b != NULL; b = b->next) {
    write_line(-1, b, &b->since);
    for (size_t layer = 0; b->of_layer != NULL && layer < layers; layer++)
      write_line((int)layer, b, &b->of_layer[layer]);
  }
  fputs("end\n", out);
  fclose(out);
}

/* Before every block that runs. */
static void runs(unsigned cpu, void *arg) {
  struct block *b = arg;
  (void)cpu;
  if (b->skipped || state == DONE) return;
  if (state == WAITING && b->start == begin) {
    state = INSIDE;
    back = last != NULL ? last->end : 0; /* the instruction behind the call */
  } else if (state == INSIDE && b->start != last->end) {
    last->since.left++;
    last->since.left_for_wide += b->wide;
    if (b->start == back) {
      state = DONE;
      write_all();
      return;
    }
  }
  if (state == INSIDE) {
    if (b->mark >= 0) credit(b->mark);
    b->since.runs++;
  }
  last = b;
}

/* A load: a halfword at an odd byte takes one access more, a word too, or two when it is at an odd byte. */
static void loads(unsigned cpu, uint32_t info, uint64_t address, void *arg) {
  struct block *b = arg;
  const unsigned shift = qemu_plugin_mem_size_shift(info), low = (unsigned)address & 3U;
  (void)cpu;
  if (state != INSIDE || low == 0U || shift == 0U || qemu_plugin_mem_is_store(info)) return;
  if (shift == 1U)
    b->since.unaligned += low & 1U;
  else
    b->since.unaligned += (low & 1U) != 0U ? 2U : 1U;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  const size_t count = qemu_plugin_tb_n_insns(tb);
  struct block *b = zeros(1, sizeof *b);
  (void)id;
  b->instructions = (uint32_t)count;
  b->mark = -1;
  for (size_t i = 0; i < count; i++) {
    struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(tb, i);
    const uint32_t address = (uint32_t)qemu_plugin_insn_vaddr(instruction);
    const size_t size = qemu_plugin_insn_size(instruction);
    if (i == 0) {
      b->start = address;
      b->wide = size == 4 && (address & 2U) != 0U;
    }
    b->end = address + (uint32_t)size;
    /* QEMU 7.2 leaves loads out when only loads are asked for */
    qemu_plugin_register_vcpu_mem_cb(instruction, loads, NO_REGISTERS, LOADS_AND_STORES, b);
  }
  for (size_t i = 0; i < skipped_count; i++)
    b->skipped = b->skipped || (b->start >= skipped[i].first && b->start < skipped[i].end);
  for (size_t i = 0; i < mark_count; i++)
    if (marks[i].address == b->start) b->mark = marks[i].layer;
  b->next = blocks;
  blocks = b;
  qemu_plugin_register_vcpu_tb_exec_cb(tb, runs, NO_REGISTERS, b);
}

static bool read_marks(const char *path) {
  FILE *file = fopen(path, "r");
  unsigned long address;
  int layer;
  if (file == NULL) return false;
  while (fscanf(file, "%lx %d", &address, &layer) == 2) {
    marks = realloc(marks, (mark_count + 1) * sizeof *marks);
    if (marks == NULL) abort();
    marks[mark_count].address = (uint32_t)address;
    marks[mark_count++].layer = layer;
    if (layer >= 0 && (size_t)layer >= layers) layers = (size_t)layer + 1;
  }
  fclose(file);
  return true;
}

static bool read_skipped(const char *text) {
  char *end;
  if (skipped_count == MOST_SKIPPED) return false;
  skipped[skipped_count].first = (uint32_t)strtoul(text, &end, 0);
  if (*end != '-') return false;
  skipped[skipped_count++].end = (uint32_t)strtoul(end + 1, &end, 0);
  return *end == '\0';
}

static bool read_option(const char *text) {
  if (strncmp(text, "begin=", 6) == 0) begin = (uint32_t)strtoul(text + 6, NULL, 0);
  else if (strncmp(text, "skip=", 5) == 0) return read_skipped(text + 5);
  else if (strncmp(text, "marks=", 6) == 0) return read_marks(text + 6);
  else if (strncmp(text, "out=", 4) == 0) out = fopen(text + 4, "w");
  else return false;
  return true;
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
  (void)info;
  for (int i = 0; i < argc; i++)
    if (!read_option(argv[i])) return -1;
  if (out == NULL || begin == 0U) return -1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
