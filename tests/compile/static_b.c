// The second private copy; this file calls one function of it.

#define QQUANT_STATIC 1
#define QQUANT_IMPLEMENTATION
#include "qquant.h"

int static_b(void);

int static_b(void)
{
    return qq_version() != 0;
}
