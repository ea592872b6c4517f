// qquant floor 7: work in parts, and scratch in pieces.

#ifndef QQUANT_MATRIX_PARTS_H
#define QQUANT_MATRIX_PARTS_H

#include "api/status.h"
#include "num/bits.h"

// Part i of count things: from, and below to.
QQI_FN void qqi_share(size_t count, size_t parts, size_t i, size_t *from,
                      size_t *to)
{
    if (parts == 1) {
        *from = 0;
        *to = count;
        return;
    }
    const size_t each = count / parts;
    const size_t more = count % parts;

    *from = each * i + (i < more ? i : more);
    *to = *from + each + (i < more ? 1 : 0);
}

// The caller's threads, or the calling one.
typedef struct qqi_threads {
    size_t parts;
    qq_parallel_for parallel;
    void *user;
} qqi_threads;

QQI_INLINE qqi_threads qqi_threads_make(size_t parts, qq_parallel_for parallel,
                                        void *user)
{
    qqi_threads t;

    t.parts = parts;
    t.parallel = parallel;
    t.user = user;
    return t;
}

QQI_FN void qqi_threads_run(const qqi_threads *t, void (*part)(void *, size_t),
                            void *arg)
{
    if (t->parallel != NULL && t->parts > 1) {
        t->parallel(t->user, t->parts, part, arg);
        return;
    }
    for (size_t i = 0; i < t->parts; i++)
        part(arg, i);
}

// Pieces of a block of bytes, each from a multiple of 64. With base NULL they
// are only counted; at is SIZE_MAX once that is beyond size_t.
typedef struct qqi_pieces {
    uint8_t *base;
    size_t at;
} qqi_pieces;

// Slack for aligning the block is the first 64 bytes.
QQI_INLINE qqi_pieces qqi_pieces_make(void *memory)
{
    const size_t off = (size_t)((uintptr_t)memory % 64);
    qqi_pieces p;

    p.base = (uint8_t *)memory;
    if (memory != NULL && off > 0)
        p.base += 64 - off;
    p.at = 0;
    return p;
}

// count things of that many bytes; NULL while pieces are counted.
QQI_FN void *qqi_piece(qqi_pieces *p, size_t count, size_t bytes)
{
    const size_t from = p->at;
    size_t all;

    if (from == SIZE_MAX || !qqi_mul_size(count, bytes, &all) ||
        !qqi_add_size(all, 63, &all) ||
        !qqi_add_size(from, all / 64 * 64, &p->at)) {
        p->at = SIZE_MAX;
        return NULL;
    }
    return p->base != NULL ? p->base + from : NULL;
}

// The bytes of all pieces, with slack; 0 where there are none.
QQI_INLINE size_t qqi_pieces_bytes(const qqi_pieces *p)
{
    if (p->at == 0)
        return 0;
    return p->at > SIZE_MAX - 64 ? SIZE_MAX : p->at + 64;
}

// a * b, or SIZE_MAX, which no piece has.
QQI_INLINE size_t qqi_times(size_t a, size_t b)
{
    size_t c;

    return qqi_mul_size(a, b, &c) ? c : SIZE_MAX;
}

// Statuses of scratch.
QQI_FN qq_status qqi_check_scratch(size_t need, const void *p, size_t bytes)
{
    if (need == SIZE_MAX)
        return QQ_ERR_SIZE;
    if (need > 0 && p == NULL)
        return QQ_ERR_ARGUMENT;
    return bytes < need ? QQ_ERR_SCRATCH : QQ_OK;
}

// n rows of k numbers, ld apart, of that many bytes each.
QQI_FN qq_status qqi_check_rows(size_t n, size_t k, const void *p, size_t ld,
                                size_t bytes)
{
    size_t all;

    if (n > 0 && k > 0 && p == NULL)
        return QQ_ERR_ARGUMENT;
    if (ld < k || (n > 0 && (!qqi_mul_size(n - 1, ld, &all) ||
                             !qqi_add_size(all, k, &all) ||
                             !qqi_mul_size(all, bytes, &all))))
        return QQ_ERR_SHAPE;
    return QQ_OK;
}

// 1 where all numbers of n rows are finite.
QQI_FN int qqi_rows_finite(size_t n, size_t k, const float *w, size_t ldw)
{
    const uint64_t exponents = 0x7f8000007f800000u;

    // Two at a time: an exponent of all ones carries into the sign.
    for (size_t i = 0; i < n; i++) {
        const float *row = w + i * ldw;
        uint64_t bits, all = 0;
        size_t j = 0;
        for (; j + 2 <= k; j += 2) {
            QQ_MEMCPY(&bits, row + j, sizeof bits);
            all |= (bits & exponents) + 0x0080000000800000u;
        }
        if ((all & 0x8000000080000000u) != 0 ||
            (j < k && !qqi_is_finite_f32(row[j])))
            return 0;
    }
    return 1;
}

#endif // QQUANT_MATRIX_PARTS_H
