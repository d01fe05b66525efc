#define STUB_CYCLE_COUNTER
#include "hal_stub.h"
