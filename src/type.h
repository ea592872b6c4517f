// qquant floor 3: THE LIST of stored types, and what is made from it.
//
// A new type is an enumerator in api/type.h and a row here; its meaning, how a
// code becomes a number, stands in codec/value.h.

#ifndef QQUANT_TYPE_H
#define QQUANT_TYPE_H

#include "api/type.h"
#include "num/bits.h"

// X(enumerator, name, storage, kind, bits, min, max, largest, bound, tile,
//   weight, affine): the members of qq_type_info, and after largest the
// symmetric bound of Qwix: its scale is absmax / bound, which for integers is
// the largest code and a half (int16: 32768). 0 where there is none.
#define QQI_TYPES(X)                                                           \
    X(F32, f32, F32, FLOAT, 32, 0, 0, 3.40282347e38f, 0, 0, 0, 0)              \
    X(F64, f64, F64, FLOAT, 64, 0, 0, 3.40282347e38f, 0, 0, 0, 0)              \
    X(F16, f16, F16, FLOAT, 16, 0, 0, 65504, 0, 0, 0, 0)                       \
    X(BF16, bf16, BF16, FLOAT, 16, 0, 0, 3.38953139e38f, 0, 0, 0, 0)           \
    X(INT32, int32, INT32, INTEGER, 32, INT32_MIN, INT32_MAX, 2147483648.0f,   \
      0, 0, 0, 0)                                                              \
    X(SIGN, sign, SIGN, INTEGER, 1, -1, 1, 1, 1, 0, 1, 0)                      \
    X(TERNARY, ternary, TERNARY, INTEGER, 2, -1, 1, 1, 1.5f, 0, 1, 0)          \
    X(INT2, int2, INT2, INTEGER, 2, -2, 1, 2, 1.5f, 0, 1, 1)                   \
    X(INT3, int3, INT3, INTEGER, 3, -4, 3, 4, 3.5f, 0, 1, 1)                   \
    X(INT4, int4, INT4, INTEGER, 4, -8, 7, 8, 7.5f, 0, 1, 1)                   \
    X(INT5, int5, INT5, INTEGER, 5, -16, 15, 16, 15.5f, 0, 1, 1)               \
    X(INT6, int6, INT6, INTEGER, 6, -32, 31, 32, 31.5f, 0, 1, 1)               \
    X(INT7, int7, INT7, INTEGER, 7, -64, 63, 64, 63.5f, 0, 1, 1)               \
    X(INT8, int8, INT8, INTEGER, 8, -128, 127, 128, 127.5f, 0, 1, 1)           \
    X(INT16, int16, INT16, INTEGER, 16, -32768, 32767, 32768, 32768, 0, 1, 1)  \
    X(UINT2, uint2, UINT2, INTEGER, 2, 0, 3, 3, 3.5f, 0, 1, 1)                 \
    X(UINT4, uint4, UINT4, INTEGER, 4, 0, 15, 15, 15.5f, 0, 1, 1)              \
    X(UINT8, uint8, UINT8, INTEGER, 8, 0, 255, 255, 255.5f, 0, 1, 1)           \
    X(E4M3FN, e4m3fn, E4M3FN, SMALL, 8, 0, 0, 448, 448, 0, 1, 0)               \
    X(E5M2, e5m2, E5M2, SMALL, 8, 0, 0, 57344, 57344, 0, 1, 0)                 \
    X(E4M3, e4m3, E4M3, SMALL, 8, 0, 0, 240, 240, 0, 1, 0)                     \
    X(E4M3FNUZ, e4m3fnuz, E4M3FNUZ, SMALL, 8, 0, 0, 240, 240, 0, 1, 0)         \
    X(E5M2FNUZ, e5m2fnuz, E5M2FNUZ, SMALL, 8, 0, 0, 57344, 57344, 0, 1, 0)     \
    X(E4M3B11FNUZ, e4m3b11fnuz, E4M3B11FNUZ, SMALL, 8, 0, 0, 30, 30, 0, 1, 0)  \
    X(E3M4, e3m4, E3M4, SMALL, 8, 0, 0, 15.5f, 15.5f, 0, 1, 0)                 \
    X(E2M3, e2m3, E2M3, SMALL, 6, 0, 0, 7.5f, 7.5f, 0, 1, 0)                   \
    X(E3M2, e3m2, E3M2, SMALL, 6, 0, 0, 28, 28, 0, 1, 0)                       \
    X(E2M1, e2m1, E2M1, SMALL, 4, 0, 0, 6, 6, 0, 1, 0)                         \
    X(E8M0, e8m0, E8M0, EXPONENT, 8, 0, 0, 1.70141183e38f, 0, 0, 0, 0)         \
    X(NF4, nf4, NF4, BOOK, 4, 0, 15, 1, 1, 0, 1, 0)                            \
    X(BNB_FP4, bnb_fp4, BNB_FP4, BOOK, 4, 0, 15, 1, 1, 0, 1, 0)                \
    X(BOOK, book, BOOK, BOOK, 8, 0, 255, 0, 0, 0, 1, 0)                        \
    X(MXFP8, mxfp8, E4M3FN, SMALL, 8, 0, 0, 448, 448, 32, 1, 0)                \
    X(MXFP8_16, mxfp8_16, E4M3FN, SMALL, 8, 0, 0, 448, 448, 16, 1, 0)          \
    X(MXFP4, mxfp4, E2M1, SMALL, 4, 0, 0, 6, 6, 32, 1, 0)                      \
    X(NVFP4, nvfp4, E2M1, SMALL, 4, 0, 0, 6, 6, 16, 1, 0)

// X(enumerator, what NumPy, JAX and ml_dtypes call it where we do not).
#define QQI_TYPE_ALIASES(X)                                                    \
    X(F32, "float32")                                                          \
    X(F64, "float64")                                                          \
    X(F16, "float16")                                                          \
    X(BF16, "bfloat16")                                                        \
    X(E4M3FN, "float8_e4m3fn")                                                 \
    X(E5M2, "float8_e5m2")                                                     \
    X(E4M3, "float8_e4m3")                                                     \
    X(E4M3FNUZ, "float8_e4m3fnuz")                                             \
    X(E5M2FNUZ, "float8_e5m2fnuz")                                             \
    X(E4M3B11FNUZ, "float8_e4m3b11fnuz")                                       \
    X(E3M4, "float8_e3m4")                                                     \
    X(E2M3, "float6_e2m3fn")                                                   \
    X(E3M2, "float6_e3m2fn")                                                   \
    X(E2M1, "float4_e2m1fn")                                                   \
    X(E8M0, "float8_e8m0fnu")

typedef struct qqi_type_row {
    qq_type type;
    float bound;
    qq_type_info info;
} qqi_type_row;

#define QQI_TYPE_ROW(type, name, storage, kind, bits, min, max, largest,       \
                     bound, tile, weight, affine)                              \
    {QQ_TYPE_##type,                                                           \
     bound,                                                                    \
     {#name, QQ_TYPE_##storage, QQ_KIND_##kind, bits, min, max, largest, tile, \
      weight, affine}},
static const qqi_type_row qqi_type_rows[] = {QQI_TYPES(QQI_TYPE_ROW)};

// QQI_TYPE_AT_F32, ...: the places of the rows.
#define QQI_TYPE_AT(type, name, storage, kind, bits, min, max, largest, bound, \
                    tile, weight, affine)                                      \
    QQI_TYPE_AT_##type,
enum { QQI_TYPES(QQI_TYPE_AT) QQI_TYPE_COUNT };

// The row of a type; NULL for a number that is no type.
QQI_FN const qqi_type_row *qqi_type_find(qq_type type)
{
#define QQI_TYPE_CASE(type, name, storage, kind, bits, min, max, largest,      \
                      bound, tile, weight, affine)                             \
case QQ_TYPE_##type:                                                           \
    return &qqi_type_rows[QQI_TYPE_AT_##type];

    switch ((int)type) {
        QQI_TYPES(QQI_TYPE_CASE)
    default:
        return NULL;
    }
}

// How a code of the type is stored: e2m1 for mxfp4, else the type itself.
QQI_FN qq_type qqi_type_storage(qq_type type)
{
    const qqi_type_row *row = qqi_type_find(type);

    return row ? row->info.storage : QQ_TYPE_NONE;
}

// The symmetric bound of Qwix; 0 where there is none.
QQI_FN float qqi_type_bound(qq_type type)
{
    const qqi_type_row *row = qqi_type_find(type);

    return row ? row->bound : 0.0f;
}

// 1: the code is two's complement, so that it is sign-extended when read.
QQI_FN int qqi_type_is_signed(qq_type type)
{
    return (type >= QQ_TYPE_INT2 && type <= QQ_TYPE_INT16) ||
           type == QQ_TYPE_INT32;
}

QQI_FN int qqi_same_text(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

QQ_API qq_status qq_type_get(qq_type type, qq_type_info *info)
{
    const qqi_type_row *row = qqi_type_find(type);

    if (!row)
        return QQ_ERR_TYPE;
    if (!info)
        return QQ_ERR_ARGUMENT;
    *info = row->info;
    return QQ_OK;
}

QQ_API const char *qq_type_name(qq_type type)
{
    const qqi_type_row *row = qqi_type_find(type);

    return row ? row->info.name : "none";
}

QQ_API qq_type qq_type_from_name(const char *name)
{
    if (!name)
        return QQ_TYPE_NONE;
    for (int i = 0; i < QQI_TYPE_COUNT; i++)
        if (qqi_same_text(name, qqi_type_rows[i].info.name))
            return qqi_type_rows[i].type;

#define QQI_TYPE_IF_ALIAS(type, alias)                                         \
    if (qqi_same_text(name, alias))                                            \
        return QQ_TYPE_##type;

    QQI_TYPE_ALIASES(QQI_TYPE_IF_ALIAS)
    return QQ_TYPE_NONE;
}

QQ_API unsigned qq_type_bits(qq_type type)
{
    const qqi_type_row *row = qqi_type_find(type);

    return row ? row->info.bits : 0;
}

// ceil(count * bits / 8); SIZE_MAX beyond size_t. Eight codes are whole bytes.
QQI_INLINE size_t qqi_bits_bytes(unsigned bits, size_t count)
{
    size_t whole, all;

    if (!qqi_mul_size(count / 8, bits, &whole) ||
        !qqi_add_size(whole, (count % 8 * bits + 7) / 8, &all))
        return SIZE_MAX;
    return all;
}

QQ_API size_t qq_type_bytes(qq_type type, size_t count)
{
    const qqi_type_row *row = qqi_type_find(type);

    return row ? qqi_bits_bytes(row->info.bits, count) : SIZE_MAX;
}

// The same of a count that is known to fit, as in a tensor that has passed
// qq_tensor_check; compilers follow SIZE_MAX into memset and warn.
QQI_FN size_t qqi_stored_bytes(qq_type type, size_t count)
{
    const unsigned bits = qq_type_bits(type);

    return count / 8 * bits + (count % 8 * bits + 7) / 8;
}

#endif // QQUANT_TYPE_H
