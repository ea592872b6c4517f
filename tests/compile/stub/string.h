// Stands in for a C library where only the syntax is looked at.

#ifndef QQUANT_TESTS_STUB_STRING_H
#define QQUANT_TESTS_STUB_STRING_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);

#ifdef __cplusplus
}
#endif

#endif // QQUANT_TESTS_STUB_STRING_H
