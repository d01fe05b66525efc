#include "hal_stub.h"
