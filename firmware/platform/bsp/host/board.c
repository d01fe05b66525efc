/* SPDX-License-Identifier: 0BSD */
/* The host as a board: the serial port is a TCP port of 127.0.0.1, given as the first argument, which serves one
   client at a time; without an argument it is stdin and stdout. The clock counts nanoseconds. */
#define _POSIX_C_SOURCE 200809L
#include "../tg_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int listener = -1;
static int input = STDIN_FILENO;   /* -1: no client */
static int output = STDOUT_FILENO; /* -1: no client, what is sent is lost as on an open wire */
static unsigned char received[4096], pending[4096];
static size_t received_count, received_next, pending_count;
static int port;

/* The C library hands the arguments to constructors too, so the application keeps its `int main(void)`. */
__attribute__((constructor)) static void read_arguments(int argc, char **argv) {
  if (argc > 1) port = atoi(argv[1]);
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void hang_up(void) {
  if (listener < 0) exit(0); /* stdin has ended, and so has the board */
  close(input);
  input = output = -1;
  received_count = received_next = pending_count = 0;
}

/* A client that waits becomes the client. Returns whether there is one. */
static int answer_call(int wait) {
  struct pollfd call = {.fd = listener, .events = POLLIN, .revents = 0};
  const int one = 1;
  if (output >= 0) return 1;
  if (poll(&call, 1, wait ? -1 : 0) <= 0) return 0;
  input = output = accept(listener, NULL, NULL);
  if (output < 0) return 0;
  setsockopt(output, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return 1;
}

static void flush(void) {
  size_t done = 0;
  if (pending_count > 0 && answer_call(0)) {
    while (done < pending_count) {
      const ssize_t n = write(output, pending + done, pending_count - done);
      if (n < 0) {
        hang_up();
        return;
      }
      done += (size_t)n;
    }
  }
  pending_count = 0;
}

void tg_init(void) {
  struct sockaddr_in address;
  const int one = 1;
  if (port == 0 || listener >= 0) return;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  signal(SIGPIPE, SIG_IGN);
  input = output = -1;
  listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0) fail("socket");
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) fail("the port");
  if (listen(listener, 1) != 0) fail("the port");
}

/* Read what is there into `received`; with `wait`, until there is something. */
static int fill(int wait) {
  while (received_next == received_count) {
    struct pollfd data = {.fd = -1, .events = POLLIN, .revents = 0};
    ssize_t n;
    flush();
    if (listener >= 0 && !answer_call(wait)) return 0;
    data.fd = input;
    if (!wait && poll(&data, 1, 0) <= 0) return 0;
    n = read(input, received, sizeof received);
    if (n <= 0) {
      hang_up();
      if (!wait) return 0;
    } else {
      received_next = 0;
      received_count = (size_t)n;
    }
  }
  return 1;
}

int tg_getc(void) {
  while (!fill(1)) {
  }
  return received[received_next++];
}

int tg_poll(void) { return fill(0) ? received[received_next++] : -1; }

void tg_putc(int c) {
  pending[pending_count++] = (unsigned char)c;
  if (c == '\n' || pending_count == sizeof pending) flush();
}

uint32_t tg_ticks(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint32_t)((uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec);
}

uint32_t tg_ticks_hz(void) { return 1000000000U; }
