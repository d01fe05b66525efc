/* Start and output of a bare core in QEMU: semihosting, no library. */
#include <stddef.h>
#include <stdint.h>

void run_all(void);
void print(const char *text);
void start(void);

#if defined(__riscv)
/* the three instructions must not be compressed, nor lie across a page */
void semihost(uintptr_t operation, uintptr_t argument);
__asm__(
    ".text\n.balign 16\n.globl semihost\nsemihost:\n.option push\n.option norvc\n"
    "slli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\nret\n.option pop\n");
#else
static void semihost(uintptr_t operation, uintptr_t argument) {
  register uintptr_t r0 __asm__("r0") = operation;
  register uintptr_t r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab\n" : "+r"(r0) : "r"(r1) : "memory");
}
#endif

void print(const char *text) { semihost(4, (uintptr_t)text); }

void *memcpy(void *to, const void *from, size_t n) {
  volatile char *t = (volatile char *)to;
  const char *f = (const char *)from;
  while (n--) *t++ = *f++;
  return to;
}

void *memset(void *to, int value, size_t n) {
  volatile char *t = (volatile char *)to;
  while (n--) *t++ = (char)value;
  return to;
}

void start(void) {
#if defined(__ARM_FP)
  *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20;
  __asm__ volatile("dsb\nisb\n");
#elif defined(__riscv_flen)
  __asm__ volatile(".option push\n.option arch, +zicsr\ncsrs mstatus, %0\n.option pop" : : "r"(0x2000));
#endif
  run_all();
  semihost(0x18, 0x20026);
  for (;;) {
  }
}

#if defined(__riscv)
__asm__(".section .vectors\n.globl _start\n_start: la sp, stack_top\nj start\n");
#else
extern uint32_t stack_top;
__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {&stack_top, (const void *)&start};
#endif
