// qquant floor 2: rotation of rows (api/rotation.h says what it computes).

#ifndef QQUANT_NUM_ROTATION_H
#define QQUANT_NUM_ROTATION_H

#include "api/rotation.h"
#include "num/bits.h"
#include "num/sqrt.h"
#include "num/threefry.h"

// What qq_rotation_make leaves: "rot1".
#define QQI_ROTATION_INIT 0x31746f72u

QQ_API qq_rotation qq_rotation_make(size_t k, size_t limit, uint32_t seed)
{
    qq_rotation r;

    QQ_MEMSET(&r, 0, sizeof r);
    r.init = QQI_ROTATION_INIT;
    r.seed = seed;
    r.k = k;
    r.block = 1;
    while (r.block <= k / 2 && k % (2 * r.block) == 0 &&
           (limit == 0 || r.block <= limit / 2))
        r.block *= 2;
    return r;
}

QQI_FN int qqi_rotation_ok(const qq_rotation *r)
{
    return r != NULL && r->init == QQI_ROTATION_INIT && r->block > 0 &&
           r->k % r->block == 0 && (r->block & (r->block - 1)) == 0;
}

// Signs of the columns 64 j to 64 j + 63, from bit 0 up.
QQI_FN uint64_t qqi_rotation_signs(uint32_t seed, size_t j)
{
    const uint64_t at = j;
    const uint32_t counter[2] = {(uint32_t)(at >> 32),
                                 (uint32_t)(at & 0xffffffffu)};
    uint32_t out[2];
    qq_key key;

    key.word[0] = 0;
    key.word[1] = seed;
    qq_threefry(key, counter, out);
    return (uint64_t)out[1] << 32 | out[0];
}

// What follows works on floats at any address.

// Negates what has a sign; k floats.
QQI_FN void qqi_rotation_flip(uint32_t seed, size_t k, uint8_t *x)
{
    float y[64];

    for (size_t j = 0; j < k; j += 64) {
        const uint64_t signs = qqi_rotation_signs(seed, j / 64);
        const size_t count = k - j < 64 ? k - j : 64;
        QQ_MEMCPY(y, x + 4 * j, 4 * count);
        for (size_t i = 0; i < count; i++)
            y[i] = signs >> i & 1 ? -y[i] : y[i];
        QQ_MEMCPY(x + 4 * j, y, 4 * count);
    }
}

// Sums and differences of two runs of 16.
QQI_INLINE void qqi_hadamard_run(float *a, float *b)
{
    for (int i = 0; i < 16; i++) {
        const float u = a[i], v = b[i];
        a[i] = u + v;
        b[i] = u - v;
    }
}

// Two stages in one pass: h and 2 h apart, h a multiple of 16.
QQI_FN void qqi_hadamard_fours(uint8_t *x, size_t block, size_t h)
{
    float y[4][16];

    for (size_t i = 0; i < block; i += 4 * h)
        for (size_t j = i; j < i + h; j += 16) {
            for (size_t l = 0; l < 4; l++)
                QQ_MEMCPY(y[l], x + 4 * (j + l * h), sizeof y[l]);
            qqi_hadamard_run(y[0], y[1]);
            qqi_hadamard_run(y[2], y[3]);
            qqi_hadamard_run(y[0], y[2]);
            qqi_hadamard_run(y[1], y[3]);
            for (size_t l = 0; l < 4; l++)
                QQ_MEMCPY(x + 4 * (j + l * h), y[l], sizeof y[l]);
        }
}

// The last stage, where one is left: halves of the block apart.
QQI_FN void qqi_hadamard_halves(uint8_t *x, size_t block)
{
    float y[2][16];
    uint8_t *half = x + 2 * block;

    for (size_t j = 0; j < 2 * block; j += sizeof y[0]) {
        QQ_MEMCPY(y[0], x + j, sizeof y[0]);
        QQ_MEMCPY(y[1], half + j, sizeof y[1]);
        qqi_hadamard_run(y[0], y[1]);
        QQ_MEMCPY(x + j, y[0], sizeof y[0]);
        QQ_MEMCPY(half + j, y[1], sizeof y[1]);
    }
}

// The stages of 1, 2, 4, 8 within 16 numbers.
QQI_FN void qqi_hadamard_sixteen(uint8_t *at)
{
    float x[16], y[16];

    QQ_MEMCPY(x, at, sizeof x);
    for (int i = 0; i < 16; i += 2) {
        y[i] = x[i] + x[i + 1];
        y[i + 1] = x[i] - x[i + 1];
    }
    for (int i = 0; i < 16; i += 4)
        for (int j = i; j < i + 2; j++) {
            x[j] = y[j] + y[j + 2];
            x[j + 2] = y[j] - y[j + 2];
        }
    for (int i = 0; i < 16; i += 8)
        for (int j = i; j < i + 4; j++) {
            y[j] = x[j] + x[j + 4];
            y[j + 4] = x[j] - x[j + 4];
        }
    for (int j = 0; j < 8; j++) {
        x[j] = y[j] + y[j + 8];
        x[j + 8] = y[j] - y[j + 8];
    }
    QQ_MEMCPY(at, x, sizeof x);
}

// A block of 1, 2, 4 or 8.
QQI_FN void qqi_hadamard_small(uint8_t *at, size_t block)
{
    float x[8];

    QQ_MEMCPY(x, at, 4 * block);
    for (size_t h = 1; h < block; h *= 2)
        for (size_t i = 0; i < block; i += 2 * h)
            for (size_t j = i; j < i + h; j++) {
                const float a = x[j], b = x[j + h];
                x[j] = a + b;
                x[j + h] = a - b;
            }
    QQ_MEMCPY(at, x, 4 * block);
}

// A block in place, but for the last product.
QQI_FN void qqi_hadamard(uint8_t *x, size_t block)
{
    size_t h = 16;

    if (block < 16) {
        qqi_hadamard_small(x, block);
        return;
    }
    for (size_t i = 0; i < block; i += 16)
        qqi_hadamard_sixteen(x + 4 * i);
    for (; h <= block / 4; h *= 4)
        qqi_hadamard_fours(x, block, h);
    if (h < block)
        qqi_hadamard_halves(x, block);
}

// k floats by scale; NaN becomes the one.
QQI_FN void qqi_rotation_end(float scale, size_t k, uint8_t *x)
{
    for (size_t j = 0; j < k; j++)
        qqi_store_f32(x + 4 * j,
                      qqi_canon_f32(qqi_load_f32(x + 4 * j) * scale));
}

// A row of k floats at any address.
QQI_FN void qqi_rotate(uint32_t seed, size_t k, size_t block, int back,
                       uint8_t *x)
{
    const float scale = 1.0f / qqi_sqrt_f32((float)block);

    if (!back)
        qqi_rotation_flip(seed, k, x);
    for (size_t j = 0; j < k; j += block)
        qqi_hadamard(x + 4 * j, block);
    if (back)
        qqi_rotation_flip(seed, k, x);
    qqi_rotation_end(scale, k, x);
}

QQ_API qq_status qq_rotation_rows(const qq_rotation *r, int back, size_t rows,
                                  float *x, size_t ldx)
{
    size_t all;

    if (!qqi_rotation_ok(r) || (x == NULL && rows > 0 && r->k > 0))
        return QQ_ERR_ARGUMENT;
    if (ldx < r->k || !qqi_mul_size(rows, ldx, &all) ||
        !qqi_mul_size(all, sizeof(float), &all))
        return QQ_ERR_SHAPE;
    for (size_t i = 0; i < rows && r->k > 0; i++) {
        void *row = x + i * ldx;
        qqi_rotate(r->seed, r->k, r->block, back, (uint8_t *)row);
    }
    return QQ_OK;
}

#endif // QQUANT_NUM_ROTATION_H
