/* SPDX-License-Identifier: 0BSD */
/* Where QEMU's virt begins: the global pointer, the stack, and where traps go; then C. */
  .section .init.start, "ax"
  .globl _start
  .option arch, +zicsr
_start:
  .option push
  .option norelax
  la gp, tg_gp
  .option pop
  la sp, tg_stack_top
  la tp, tg_stack_top
  la t0, trap
  csrw mtvec, t0
  j tg_reset

  .balign 4
trap: /* the stack may be what is broken: the report starts on a fresh one */
  csrr a0, mcause
  csrr a1, mepc
  la sp, tg_stack_top
  j tg_report_fault
