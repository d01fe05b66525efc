#include <stdio.h>

void run_all(void);
void print(const char *text);
void print(const char *text) { fputs(text, stdout); }

int main(void) {
  run_all();
  return 0;
}
