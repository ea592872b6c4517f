// Buffers of exactly the bytes that are asked for, so that a sanitizer sees
// each step beyond them.

#ifndef QQUANT_TESTS_ROOM_H
#define QQUANT_TESTS_ROOM_H

#include "check.h"

// bytes of 255; a size that is no size ends the program.
static inline uint8_t *room(size_t bytes)
{
    // gcc 12 at -O3 follows sizes into paths that do not exist, and warns.
    const volatile size_t size = bytes;

    if (size >= SIZE_MAX / 2)
        exit(2);
    uint8_t *p = (uint8_t *)malloc(size);
    if (bytes > 0 && p == NULL)
        exit(2);
    if (bytes > 0)
        memset(p, 255, bytes);
    return p;
}

// Random ones.
static inline uint8_t *room_random(size_t bytes)
{
    uint8_t *p = room(bytes);

    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(check_u32() & 255);
    return p;
}

#endif // QQUANT_TESTS_ROOM_H
