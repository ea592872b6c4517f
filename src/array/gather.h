// qquant floor 5: numbers of any width, collected from anywhere, in a row.
//
// A walk is a list of axes, the last one fastest, each with a size and with
// the distance between neighbours in the source, in numbers. Permuted axes,
// steps, reversals and repetitions (distance 0) are all walks; so each move of
// array/move.h makes one and leaves the rest to qqi_gather. Distances count
// modulo the range of size_t, so that a step back is a large one forward.

#ifndef QQUANT_ARRAY_GATHER_H
#define QQUANT_ARRAY_GATHER_H

#include "array/tensor.h"
#include "codec/bits.h"

// A repetition takes two axes for each one of the tensor.
#define QQI_WALK_AXES (2 * QQ_MAX_RANK)

typedef struct qqi_walk {
    size_t size[QQI_WALK_AXES];
    size_t stride[QQI_WALK_AXES];
    size_t start; // where the first number lies
    unsigned axes;
} qqi_walk;

QQI_INLINE QQI_WRAPS size_t qqi_wrap_add_size(size_t a, size_t b)
{
    return a + b;
}

QQI_INLINE QQI_WRAPS size_t qqi_wrap_sub_size(size_t a, size_t b)
{
    return a - b;
}

QQI_INLINE QQI_WRAPS size_t qqi_wrap_mul_size(size_t a, size_t b)
{
    return a * b;
}

// One more axis, faster than those before. Sizes of 1 are left out, and an
// axis that goes on where the one before steps is joined to that.
QQI_FN void qqi_walk_add(qqi_walk *w, size_t size, size_t stride)
{
    if (size == 1)
        return;
    if (w->axes > 0 &&
        w->stride[w->axes - 1] == qqi_wrap_mul_size(size, stride)) {
        w->size[w->axes - 1] *= size;
        w->stride[w->axes - 1] = stride;
        return;
    }
    w->size[w->axes] = size;
    w->stride[w->axes] = stride;
    w->axes++;
}

// n numbers of whole bytes from p on, stride numbers apart.
QQI_FN void qqi_gather_bytes(size_t width, const uint8_t *data, size_t at,
                             size_t stride, size_t n, uint8_t *out)
{
    if (stride == 1) {
        QQ_MEMCPY(out, data + at * width, n * width);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = data + at * width;
        if (width == 1)
            out[i] = *p;
        else if (width == 2)
            QQ_MEMCPY(out + 2 * i, p, 2);
        else if (width == 4)
            QQ_MEMCPY(out + 4 * i, p, 4);
        else
            QQ_MEMCPY(out + 8 * i, p, 8);
        if (i + 1 < n)
            at = qqi_wrap_add_size(at, stride);
    }
}

// n codes of less than a byte, as numbers first ... of out.
QQI_FN void qqi_gather_bits(unsigned bits, const uint8_t *data, size_t at,
                            size_t stride, size_t n, size_t first, uint8_t *out)
{
    uint8_t codes[QQI_MANY];

    while (n > 0) {
        const size_t k = n < QQI_MANY ? n : QQI_MANY;
        if (stride == 1) {
            qqi_unpack_codes(bits, QQ_ORDER_LOW_FIRST, 0, at, k, data, codes);
            at += k;
        } else {
            for (size_t i = 0; i < k; i++) {
                codes[i] = (uint8_t)qqi_load_bits(bits, data, at);
                at = qqi_wrap_add_size(at, stride);
            }
        }
        qqi_pack_codes(bits, QQ_ORDER_LOW_FIRST, first, k, codes, out);
        first += k;
        n -= k;
    }
}

// n numbers in a row, as numbers first ... of out; all bits before them stay.
QQI_FN void qqi_gather_row(qq_type type, const void *data, size_t at,
                           size_t stride, size_t n, size_t first, void *out)
{
    const uint8_t *from = (const uint8_t *)data;
    const unsigned bits = qq_type_bits(type);
    const size_t width = bits / 8;
    uint8_t *to = (uint8_t *)out;

    if (bits < 8)
        qqi_gather_bits(bits, from, at, stride, n, first, to);
    else
        qqi_gather_bytes(width, from, at, stride, n, to + first * width);
}

// All numbers of a walk, none of whose sizes is 0.
QQI_FN void qqi_gather(qq_type type, const void *data, const qqi_walk *w,
                       void *out)
{
    size_t index[QQI_WALK_AXES] = {0};
    const unsigned last = w->axes > 0 ? w->axes - 1 : 0;
    const size_t n = w->axes > 0 ? w->size[last] : 1;
    const size_t stride = w->axes > 0 ? w->stride[last] : 1;
    size_t at = w->start;

    for (size_t first = 0;; first += n) {
        qqi_gather_row(type, data, at, stride, n, first, out);
        // On to the next row: from the fastest of the outer axes up.
        unsigned a = last;
        for (; a > 0; a--) {
            const size_t step = w->stride[a - 1];
            if (++index[a - 1] < w->size[a - 1]) {
                at = qqi_wrap_add_size(at, step);
                break;
            }
            index[a - 1] = 0;
            const size_t back = qqi_wrap_mul_size(w->size[a - 1] - 1, step);
            at = qqi_wrap_sub_size(at, back);
        }
        if (a == 0)
            return;
    }
}

#endif // QQUANT_ARRAY_GATHER_H
