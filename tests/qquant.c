// The implementation, compiled once for all tests.

#define QQUANT_IMPLEMENTATION
#include "qquant.h"
