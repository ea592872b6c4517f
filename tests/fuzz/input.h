// Bytes of a fuzzer as numbers: every reader answers 0 once they are used up.

#ifndef QQUANT_TESTS_FUZZ_INPUT_H
#define QQUANT_TESTS_FUZZ_INPUT_H

#include "qquant.h"

#include <stdlib.h>
#include <string.h>

typedef struct fuzz_input {
    const uint8_t *data;
    size_t size;
} fuzz_input;

static inline uint32_t fuzz_u8(fuzz_input *in)
{
    if (in->size == 0)
        return 0;
    in->size--;
    return *in->data++;
}

static inline uint32_t fuzz_u32(fuzz_input *in)
{
    uint32_t x = fuzz_u8(in);
    x |= fuzz_u8(in) << 8;
    x |= fuzz_u8(in) << 16;
    return x | fuzz_u8(in) << 24;
}

static inline float fuzz_f32(fuzz_input *in)
{
    const uint32_t bits = fuzz_u32(in);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// A buffer of exactly size bytes, so that a sanitizer sees the first one
// beyond; never NULL.
static inline void *fuzz_room(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (p == NULL)
        abort();
    return p;
}

// What must hold, whatever the input.
static inline void fuzz_require(int holds)
{
    if (!holds)
        abort();
}

// A shape of up to four small axes, now and then larger or empty.
static inline unsigned fuzz_shape(fuzz_input *in, size_t shape[QQ_MAX_RANK])
{
    const unsigned rank = fuzz_u8(in) % 5;
    for (unsigned a = 0; a < rank; a++)
        shape[a] = fuzz_u8(in) % (a == rank - 1 ? 70 : 7);
    return rank;
}

// A tensor of the type with a copy of the input as its data, of exact size;
// the caller frees it. One of no type has no data.
static inline void *fuzz_tensor(fuzz_input *in, qq_type type, qq_tensor *t)
{
    size_t shape[QQ_MAX_RANK] = {0};
    const unsigned rank = fuzz_shape(in, shape);
    *t = qq_tensor_make(NULL, type, rank, shape);
    const size_t size = qq_tensor_bytes(t);
    const size_t bytes = size == SIZE_MAX ? 0 : size;
    uint8_t *data = (uint8_t *)fuzz_room(bytes);
    for (size_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)fuzz_u8(in);
    t->data = data;
    return data;
}

#endif // QQUANT_TESTS_FUZZ_INPUT_H
