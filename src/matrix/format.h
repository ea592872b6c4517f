// qquant floor 7: the types that are multiplied, and what their codes mean.
//
// A type with plain codes is one row of the list.

#ifndef QQUANT_MATRIX_FORMAT_H
#define QQUANT_MATRIX_FORMAT_H

#include "codec/book.h"
#include "codec/many.h"
#include "codec/nf4.h"
#include "kernel/kernel.h"
#include "type.h"

// X(type, bits, meaning, mul, add, flip): a stored code u is the code of the
// tensor, cut to its bits, ^ flip; it stands for mul * u - add. Books: what
// stands in the product's book, less add.
#define QQI_MATRIX_TYPES(X)                                                    \
    X(SIGN, 1, PLAIN, 2, 1, 0)                                                 \
    X(TERNARY, 2, PLAIN, 1, 1, 0)                                              \
    X(INT2, 2, PLAIN, 1, 2, 2)                                                 \
    X(INT3, 3, PLAIN, 1, 4, 4)                                                 \
    X(INT4, 4, PLAIN, 1, 8, 8)                                                 \
    X(INT5, 5, PLAIN, 1, 16, 16)                                               \
    X(INT6, 6, PLAIN, 1, 32, 32)                                               \
    X(INT7, 7, PLAIN, 1, 64, 64)                                               \
    X(INT8, 8, PLAIN, 1, 128, 128)                                             \
    X(UINT2, 2, PLAIN, 1, 0, 0)                                                \
    X(UINT4, 4, PLAIN, 1, 0, 0)                                                \
    X(UINT8, 8, PLAIN, 1, 0, 0)                                                \
    X(NF4, 4, BOOK, 1, 127, 0)                                                 \
    X(BNB_FP4, 4, BOOK, 1, 127, 0)                                             \
    X(E2M1, 4, BOOK, 1, 12, 0)                                                 \
    X(MXFP4, 4, BOOK, 1, 12, 0)                                                \
    X(NVFP4, 4, BOOK, 1, 12, 0)                                                \
    X(BOOK, 4, BOOK, 1, 128, 0)                                                \
    X(E4M3FN, 8, E4M3FN, 1, 0, 0)                                              \
    X(E5M2, 8, E5M2, 1, 0, 0)                                                  \
    X(MXFP8, 8, E4M3FN, 1, 0, 0)                                               \
    X(MXFP8_16, 8, E4M3FN, 1, 0, 0)

typedef struct qqi_matrix_format {
    qq_type type;
    unsigned bits; // of a book of 16 levels; one of 4 has 2
    qqi_code code;
    int32_t mul;
    int32_t add;
    uint8_t flip;
} qqi_matrix_format;

#define QQI_MATRIX_ROW(type, bits, code, mul, add, flip)                       \
    {QQ_TYPE_##type, bits, QQI_CODE_##code, mul, add, flip},
static const qqi_matrix_format qqi_matrix_formats[] = {
    QQI_MATRIX_TYPES(QQI_MATRIX_ROW)};

// Where types stand in it.
#define QQI_MATRIX_AT(type, bits, code, mul, add, flip) QQI_MATRIX_AT_##type,
enum qqi_matrix_at { QQI_MATRIX_TYPES(QQI_MATRIX_AT) QQI_MATRIX_FORMATS };

// NULL for a type that is not multiplied. Products ask: no search.
QQI_FN const qqi_matrix_format *qqi_matrix_find(qq_type type)
{
    int at;

    switch ((int)type) {
#define QQI_MATRIX_CASE(type, bits, code, mul, add, flip)                      \
case QQ_TYPE_##type:                                                           \
    at = QQI_MATRIX_AT_##type;                                                 \
    break;
        QQI_MATRIX_TYPES(QQI_MATRIX_CASE)
    default:
        return NULL;
    }
    return &qqi_matrix_formats[at];
}

// Levels as integers: rounded levels * 127 for nf4 and bnb_fp4, levels * 2 for
// e2m1.
static const int8_t qqi_nf4_int8[16] = {
    -127, -88, -67, -50, -36, -23, -12, 0, 10, 20, 31, 43, 56, 71, 92, 127};
static const int8_t qqi_bnb_fp4_int8[16] = {
    0, 1, 85, 127, 42, 64, 21, 32, 0, -1, -85, -127, -42, -64, -21, -32};
static const int8_t qqi_e2m1_int8[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                         0, -1, -2, -3, -4, -6, -8, -12};

// Whether an array in a packed matrix has integers for its codes.
QQI_INLINE int qqi_format_is_float(const qqi_matrix_format *f)
{
    return f->code == QQI_CODE_E4M3FN || f->code == QQI_CODE_E5M2;
}

// The integers of a book of 16, and the unit they are counted in. levels:
// those of QQ_TYPE_BOOK.
QQI_FN const int8_t *qqi_format_book(const qqi_matrix_format *f,
                                     const int8_t *levels, float *unit)
{
    // 1/127 to nearest even.
    *unit = qqi_f32_of(0x3c010204u);
    if (f->type == QQ_TYPE_NF4)
        return qqi_nf4_int8;
    if (f->type == QQ_TYPE_BNB_FP4)
        return qqi_bnb_fp4_int8;
    *unit = f->type == QQ_TYPE_BOOK ? 1.0f : 0.5f;
    return f->type == QQ_TYPE_BOOK ? levels : qqi_e2m1_int8;
}

// Level i of a book as a number.
QQI_FN float qqi_format_level(const qqi_matrix_format *f, const int8_t *levels,
                              size_t i)
{
    const float *known = qq_book_levels(f->type);

    if (f->type == QQ_TYPE_BOOK)
        return (float)levels[i];
    return known != NULL ? known[i] : qqi_e2m1_levels[i];
}

#endif // QQUANT_MATRIX_FORMAT_H
