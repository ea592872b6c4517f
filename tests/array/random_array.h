// Arrays with random shapes, tiles and codes, and what stands at an index of
// one, found by the definition alone: scale of number i is that of tile i / t.

#ifndef QQUANT_TESTS_ARRAY_RANDOM_ARRAY_H
#define QQUANT_TESTS_ARRAY_RANDOM_ARRAY_H

#include "check.h"
#include "qquant.h"

// Blocks of exactly their size, one byte off any alignment, until room_free.
static void *room_blocks[64];
static size_t room_count;

static inline void *room(size_t bytes)
{
    uint8_t *p = (uint8_t *)malloc(bytes + 1);

    if (p == NULL || room_count == 64)
        abort();
    memset(p, 0xa5, bytes + 1);
    room_blocks[room_count++] = p;
    return p + 1;
}

static inline void room_free(void)
{
    while (room_count > 0)
        free(room_blocks[--room_count]);
}

static inline size_t below(size_t n)
{
    return n == 0 ? 0 : check_u32() % n;
}

// Random codes; floats are small whole numbers and a half, never NaN.
static inline qq_tensor random_tensor(qq_type type, unsigned rank,
                                      const size_t *shape)
{
    qq_tensor t = qq_tensor_make(NULL, type, rank, shape);
    const size_t count = qq_tensor_count(&t);
    const size_t bytes = qq_tensor_bytes(&t);
    const unsigned bits = qq_type_bits(type);
    uint8_t *p = (uint8_t *)room(bytes);

    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(check_u32() >> 24);
    if (bits < 8 && count * bits % 8 != 0)
        p[bytes - 1] = (uint8_t)(p[bytes - 1] & ((1u << count * bits % 8) - 1));
    for (size_t i = 0; i < count && bits >= 16; i++) {
        const float x = (float)(int32_t)(check_u32() % 401) / 2 - 100.0f;
        const double d = (double)x;
        const uint32_t u = qq_type_encode(type, x);
        const uint16_t h = (uint16_t)(u & 0xffff);
        if (type == QQ_TYPE_F64)
            memcpy(p + 8 * i, &d, 8);
        else if (bits == 32)
            memcpy(p + 4 * i, &u, 4);
        else
            memcpy(p + 2 * i, &h, 2);
    }
    t.data = p;
    return t;
}

// Tiles of an axis of n: one, one for each number, and those between.
static inline size_t random_tile(size_t n, int short_ones)
{
    if (n <= 1)
        return 1;
    const uint32_t kind = check_u32() % 4;
    if (kind == 0)
        return n;
    if (kind == 1)
        return 1;
    size_t t = 1 + below(n);
    while (!short_ones && n % t != 0)
        t = 1 + below(n);
    return t;
}

static inline qq_tensor random_part(qq_type type, const qq_tensor *value,
                                    int short_ones, size_t *tile)
{
    size_t shape[QQ_MAX_RANK];

    for (unsigned i = 0; i < value->rank; i++) {
        const size_t n = value->shape[i];
        tile[i] = random_tile(n, short_ones);
        shape[i] = n == 0 ? 0 : (n + tile[i] - 1) / tile[i];
    }
    return random_tensor(type, value->rank, shape);
}

// short_ones: last tiles may be short. Zero points where the type has them.
static inline qq_array random_array(unsigned rank, const size_t *shape,
                                    int short_ones)
{
    static const qq_type types[] = {
        QQ_TYPE_INT8, QQ_TYPE_INT4,   QQ_TYPE_INT2, QQ_TYPE_INT3,
        QQ_TYPE_INT5, QQ_TYPE_INT16,  QQ_TYPE_SIGN, QQ_TYPE_TERNARY,
        QQ_TYPE_NF4,  QQ_TYPE_E4M3FN, QQ_TYPE_E2M1, QQ_TYPE_E3M2};
    static const qq_type scales[] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};
    const unsigned k = check_u32() % (sizeof types / sizeof types[0]);
    qq_array a;

    memset(&a, 0, sizeof a);
    a.type = types[k];
    a.scale2 = 1.0f;
    a.value = random_tensor(a.type, rank, shape);
    a.scale =
        random_part(scales[check_u32() % 3], &a.value, short_ones, a.tile);
    a.zero_point.type = QQ_TYPE_NONE;
    a.bias.type = QQ_TYPE_NONE;
    for (unsigned i = 0; i < QQ_MAX_RANK; i++)
        a.zero_tile[i] = i < rank ? 1 : 0;
    if (k < 6 && check_u32() % 2)
        a.zero_point = random_part(a.type, &a.value, short_ones, a.zero_tile);
    return a;
}

// Sizes of 1 to most, now and then 0 if empty is set.
static inline unsigned random_shape(size_t *shape, unsigned max_rank,
                                    size_t most, int empty)
{
    const unsigned rank = check_u32() % (max_rank + 1);

    for (unsigned i = 0; i < rank; i++) {
        shape[i] = 1 + below(most);
        if (empty && check_u32() % 16 == 0)
            shape[i] = 0;
    }
    return rank;
}

// The number at row-major place i of a shape, as indices, and back.
static inline void place_to_at(size_t i, unsigned rank, const size_t *shape,
                               size_t *at)
{
    for (unsigned k = rank; k-- > 0;) {
        at[k] = i % shape[k];
        i /= shape[k];
    }
}

static inline size_t at_to_place(unsigned rank, const size_t *shape,
                                 const size_t *at)
{
    size_t i = 0;

    for (unsigned k = 0; k < rank; k++)
        i = i * shape[k] + at[k];
    return i;
}

static inline size_t element_of(const qq_tensor *t, const size_t *tile,
                                const size_t *at)
{
    size_t tile_at[QQ_MAX_RANK];

    for (unsigned k = 0; k < t->rank; k++)
        tile_at[k] = t->shape[k] == 1 ? 0 : at[k] / tile[k];
    return at_to_place(t->rank, t->shape, tile_at);
}

// Number i of x and number j of y are the same: code, scale, zero point.
static inline int same_number(const qq_array *x, size_t i, const qq_array *y,
                              size_t j)
{
    size_t p[QQ_MAX_RANK], q[QQ_MAX_RANK];

    place_to_at(i, x->value.rank, x->value.shape, p);
    place_to_at(j, y->value.rank, y->value.shape, q);
    if (qq_tensor_code(&x->value, i) != qq_tensor_code(&y->value, j))
        return 0;
    if (qq_tensor_code(&x->scale, element_of(&x->scale, x->tile, p)) !=
        qq_tensor_code(&y->scale, element_of(&y->scale, y->tile, q)))
        return 0;
    if ((x->zero_point.type == QQ_TYPE_NONE) !=
        (y->zero_point.type == QQ_TYPE_NONE))
        return 0;
    return x->zero_point.type == QQ_TYPE_NONE ||
           qq_tensor_code(&x->zero_point,
                          element_of(&x->zero_point, x->zero_tile, p)) ==
               qq_tensor_code(&y->zero_point,
                              element_of(&y->zero_point, y->zero_tile, q));
}

static inline int same_shape(const qq_tensor *t, unsigned rank,
                             const size_t *shape)
{
    int same = t->rank == rank;

    for (unsigned i = 0; same && i < rank; i++)
        same = t->shape[i] == shape[i];
    return same;
}

#endif // QQUANT_TESTS_ARRAY_RANDOM_ARRAY_H
