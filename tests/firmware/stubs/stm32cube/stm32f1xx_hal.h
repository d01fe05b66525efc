#define STUB_NO_ALTERNATE
#define STUB_CYCLE_COUNTER
#include "hal_stub.h"
