/* SPDX-License-Identifier: 0BSD */
/* An AVR in simavr, cycle by cycle, with its USART0 on a TCP port of 127.0.0.1 that serves one client at a time.
 *
 *   bridge MCU HZ FIRMWARE.elf PORT [FILE]
 *
 * FILE says what to count (count.h). The program starts with the first client, as an Arduino does when its port is
 * opened. Without a client it stands still; a later one finds it as the last one left it. While the program sleeps, this
 * process does, too; one that polls without sleeping cannot be told from one that computes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <simavr/sim_io.h>
#include <simavr/sim_time.h>

#include "count.h"

enum {
  STEPS = 256,          /* instructions between two looks at the socket; a byte takes 1389 cycles at 115200 baud */
  LONGEST_NAP_US = 5000 /* an Arduino's timers wake it every few cycles: many of its naps are one of ours */
};

static int listener = -1;
static int client = -1;
static int ready = 1; /* the UART takes another byte */
static int waiting;   /* a byte is there, or the client has gone */

static void hang_up(void) {
  close(client);
  client = -1;
}

static void answer_call(void) {
  const int one = 1;
  client = accept(listener, NULL, NULL);
  if (client < 0) return;
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(client, F_SETFL, O_NONBLOCK);
}

static void send_all(const char *bytes, size_t count) {
  while (client >= 0 && count > 0) {
    const ssize_t n = send(client, bytes, count, MSG_NOSIGNAL);
    if (n > 0) {
      bytes += n;
      count -= (size_t)n;
    } else if (errno == EAGAIN) {
      struct pollfd full = {.fd = client, .events = POLLOUT, .revents = 0};
      poll(&full, 1, -1);
    } else {
      hang_up();
    }
  }
}

static void on_output(avr_irq_t *irq, uint32_t value, void *param) {
  const char byte = (char)value;
  (void)irq;
  (void)param;
  send_all(&byte, 1);
}

static void on_xon(avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq;
  (void)value;
  (void)param;
  ready = 1;
}

static void on_xoff(avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq;
  (void)value;
  (void)param;
  ready = 0;
}

/* The program sleeps until its next interrupt: as long in our time, unless a byte comes. */
static void on_sleep(avr_t *avr, avr_cycle_count_t cycles) {
  static avr_cycle_count_t slept;
  const uint64_t us = (slept += cycles) * 1000000U / avr->frequency;
  const struct timespec time = {.tv_sec = (time_t)(us / 1000000U), .tv_nsec = (long)(us % 1000000U) * 1000L};
  struct pollfd input = {.fd = client, .events = POLLIN, .revents = 0};
  if (us < LONGEST_NAP_US) return;
  slept = 0;
  waiting = ppoll(&input, 1, &time, NULL) > 0;
}

static void receive(avr_irq_t *input) {
  unsigned char byte;
  const ssize_t n = ready ? recv(client, &byte, 1, 0) : -1;
  if (n == 1) {
    avr_raise_irq(input, byte);
  } else if (n == 0 || (ready && errno != EAGAIN)) {
    hang_up();
  }
}

static avr_t *load(const char *mcu, const char *hz, const char *elf) {
  static elf_firmware_t firmware;
  avr_t *avr;
  if (elf_read_firmware(elf, &firmware) != 0) {
    fprintf(stderr, "cannot read %s\n", elf);
    return NULL;
  }
  avr = avr_make_mcu_by_name(mcu);
  if (avr == NULL) {
    fprintf(stderr, "simavr knows no %s\n", mcu);
    return NULL;
  }
  avr_init(avr);
  avr->frequency = (uint32_t)strtoul(hz, NULL, 10);
  firmware.frequency = avr->frequency;
  avr->log = LOG_ERROR;
  avr->sleep = on_sleep;
  avr_load_firmware(avr, &firmware);
  return avr;
}

static avr_irq_t *connect_uart(avr_t *avr) {
  uint32_t flags = 0;
  avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
  flags &= ~(uint32_t)(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
  avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), on_output, NULL);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XON), on_xon, NULL);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XOFF), on_xoff, NULL);
  return avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
}

static int open_port(const char *number) {
  const int one = 1;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(number))};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 1) == 0) return 1;
  perror("port");
  return 0;
}

int main(int argc, char **argv) {
  static const char fault[] = "\n!fault the program left its code or its memory\n";
  avr_t *avr;
  avr_irq_t *input;
  if (argc < 5 || argc > 6) {
    fprintf(stderr, "usage: bridge MCU HZ ELF PORT [FILE]\n");
    return 2;
  }
  if (argc == 6 && !count_open(argv[5])) {
    fprintf(stderr, "cannot read %s\n", argv[5]);
    return 1;
  }
  avr = load(argv[1], argv[2], argv[3]);
  if (avr == NULL) return 1;
  input = connect_uart(avr);
  if (!open_port(argv[4])) return 1;
  for (unsigned step = 0;; step++) {
    int state;
    while (client < 0) answer_call();
    state = argc == 6 ? count_run(avr) : avr_run(avr);
    if (state == cpu_Done || state == cpu_Crashed) {
      send_all(fault, sizeof fault - 1);
      fprintf(stderr, "the program ended in cycle %llu\n", (unsigned long long)avr->cycle);
      return state == cpu_Crashed;
    }
    if (step % STEPS == 0 || waiting) {
      waiting = 0;
      receive(input);
    }
  }
}
