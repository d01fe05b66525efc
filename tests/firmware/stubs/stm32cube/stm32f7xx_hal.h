#define STUB_CYCLE_COUNTER
#define __CORTEX_M 7
#include "hal_stub.h"
