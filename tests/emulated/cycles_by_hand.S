@ Functions whose Cortex-M4 cycles are worked out by hand in test_cycles.py; then dots on the UART for ever.
  .syntax unified
  .cpu cortex-m4
  .fpu fpv4-sp-d16
  .thumb
  .text
  .word 0x20010000, start + 1, fault + 1, fault + 1, fault + 1, fault + 1, fault + 1
  .balign 64
  .thumb_func
start:
  ldr r0, =0xE000ED88      @ FPU on
  mov r1, #0xF00000
  str r1, [r0]
  isb
  bl t_spin
  bl t_pair
  bl t_many
  bl t_stall
  bl t_arith
  bl t_unaligned
  bl t_wide
  bl t_it
  bl t_calls
  ldr r0, =0x40004000      @ the UART of QEMU's mps2 boards: transmit
  movs r1, #1
  str r1, [r0, #8]
  movs r1, #'.'
1: ldr r2, [r0, #4]
  tst r2, #1
  bne 1b
  str r1, [r0]
  b 1b
  .thumb_func
fault:
  b fault
  .ltorg
.macro fn name
  .balign 16
  .global \name
  .type \name, %function
  .thumb_func
\name:
.endm
fn t_spin
  movs r0, #100
1: subs r0, #1
  bne 1b
  bx lr
fn t_pair
  mov r0, #0x20000000
  movs r4, #10
1: ldr r1, [r0]
  ldr r2, [r0, #4]
  ldr r3, [r0, #8]
  str r3, [r0, #12]
  subs r4, #1
  bne 1b
  bx lr
fn t_many
  mov r0, #0x20000000
  push {r4, r5, lr}
  ldmia r0, {r1-r4}
  ldrd r2, r3, [r0, #8]
  strd r2, r3, [r0, #8]
  stmia r0!, {r1-r3}
  ldr r1, [r0], #4
  pop {r4, r5, pc}
fn t_stall
  mov r0, #0x20000000
  movs r3, #8
  adds r1, r0, #4
  ldr r2, [r1]
  nop
  str r0, [r0]
  ldr r1, [r0]
  ldr r2, [r1]
  nop
  str r2, [r0, r3]
  ldr r2, [r0]
  str r2, [r0, r3]
  bx lr
fn t_arith
  movs r0, #9
  movs r1, #3
  mul r2, r0, r1
  mla r2, r0, r1, r2
  mls r2, r0, r1, r2
  smull r2, r3, r0, r1
  smlal r2, r3, r0, r1
  smlad r2, r0, r1, r2
  smmla r2, r0, r1, r2
  smlabb r2, r0, r1, r2
  sxtb16 r2, r0
  pkhbt r2, r0, r1
  ssat r2, #8, r0
  sdiv r2, r0, r1
  vmov s0, r0
  vcvt.f32.s32 s0, s0
  vadd.f32 s1, s0, s0
  vmla.f32 s1, s0, s0
  vfma.f32 s1, s0, s0
  vdiv.f32 s1, s0, s0
  vsqrt.f32 s1, s0
  vpush {s0-s3}
  vldr s2, [sp]
  vpop {s0-s3}
  bx lr
fn t_unaligned
  mov r0, #0x20000000
  ldr r1, [r0, #1]
  nop
  ldr r1, [r0, #2]
  nop
  ldrh r1, [r0, #1]
  nop
  ldrh r1, [r0, #2]
  bx lr
fn t_wide
  movs r0, #50
1: adds.w r1, r0, #1        @ 32 bits, at an odd halfword
  subs r0, #1
  bne 1b
  bx lr
fn t_it
  movs r0, #1
  cmp r0, #1
  it eq
  addeq r0, #1
  add.w r0, r0, #1
  it eq
  moveq r1, r0
  bx lr
fn t_calls
  push {r4, lr}
  bl 2f
  cbz r0, 1f
  nop
1: adr r1, 3f
  tbb [pc, r0]
3: .byte 1, 1
4: pop {r4, pc}
  .balign 4
2: movs r0, #0
  b 5f
  nop
5: mov pc, lr
