// What the tests of the bitsandbytes formats share.

#ifndef QQUANT_TESTS_CODEC_BNB_H
#define QQUANT_TESTS_CODEC_BNB_H

#include "check.h"
#include "codec/bnb_float.h"

// A block of exactly that many bytes at an odd address, so that a sanitizer
// sees every byte beyond. Freed with bnb_free.
static inline void *bnb_alloc(size_t bytes)
{
    uint8_t *p = (uint8_t *)malloc(bytes + 1);

    if (p == NULL)
        exit(2);
    memset(p, 0xa5, bytes + 1);
    return p + 1;
}

static inline void bnb_free(void *p)
{
    free((uint8_t *)p - 1);
}

static inline qq_tensor bnb_tensor(const void *data, qq_type type,
                                   unsigned rank, size_t a, size_t b)
{
    qq_tensor t;

    memset(&t, 0, sizeof t);
    t.data = data;
    t.type = type;
    t.rank = rank;
    t.shape[0] = a;
    t.shape[1] = b;
    return t;
}

// n numbers of a type, about normal, with zeros and large ones among them.
static inline void *bnb_numbers(qq_type type, size_t n)
{
    void *x = bnb_alloc(n * qqi_bnb_width(type));

    for (size_t i = 0; i < n; i++) {
        float v = check_uniform() + check_uniform() + check_uniform();
        const uint32_t dice = check_u32() % 16;
        if (dice == 0)
            v = 0.0f;
        else if (dice == 1)
            v *= 16.0f;
        qqi_bnb_store(type, x, i, v);
    }
    return x;
}

// NaN and infinities come out as one NaN, zeros with their sign.
static inline uint32_t bnb_bits(float x)
{
    return check_bits(qqi_canon_f32(x));
}

static const qq_type bnb_types[3] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};

#endif // QQUANT_TESTS_CODEC_BNB_H
