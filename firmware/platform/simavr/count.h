/* SPDX-License-Identifier: 0BSD */
/* Counts instructions and cycles from the first instruction of a function to its return; interrupts do not count. */
#ifndef COUNT_H
#define COUNT_H

#include <simavr/sim_avr.h>

/* Read what to count: lines of two numbers, first the address of the function and 0, then addresses where code of a
 * layer has ended, and that layer. The counts go into FILE.counts, in lines of two numbers, instructions and cycles: of
 * the whole, of each layer, and of what lies behind the last one. Returns 0 when the file cannot be read. */
int count_open(const char *file);

/* What avr_run() does, counted. */
int count_run(avr_t *avr);

#endif
