// The element types of the case format, and what their bits stand for.

#include "number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What is subtracted from the exponent, as Google, OCP and IEEE define it.
static const struct golden_type golden_floats[] = {
    {"f64", GOLDEN_FLOAT, 64, 11, 52, 1023, GOLDEN_IEEE, QQ_TYPE_F64},
    {"f32", GOLDEN_FLOAT, 32, 8, 23, 127, GOLDEN_IEEE, QQ_TYPE_F32},
    {"f16", GOLDEN_FLOAT, 16, 5, 10, 15, GOLDEN_IEEE, QQ_TYPE_F16},
    {"bf16", GOLDEN_FLOAT, 16, 8, 7, 127, GOLDEN_IEEE, QQ_TYPE_BF16},
    {"e4m3fn", GOLDEN_FLOAT, 8, 4, 3, 7, GOLDEN_ONE_NAN, QQ_TYPE_E4M3FN},
    {"e5m2", GOLDEN_FLOAT, 8, 5, 2, 15, GOLDEN_IEEE, QQ_TYPE_E5M2},
    {"e4m3", GOLDEN_FLOAT, 8, 4, 3, 7, GOLDEN_IEEE, QQ_TYPE_E4M3},
    {"e4m3fnuz", GOLDEN_FLOAT, 8, 4, 3, 8, GOLDEN_MINUS_NAN, QQ_TYPE_E4M3FNUZ},
    {"e5m2fnuz", GOLDEN_FLOAT, 8, 5, 2, 16, GOLDEN_MINUS_NAN, QQ_TYPE_E5M2FNUZ},
    {"e4m3b11fnuz", GOLDEN_FLOAT, 8, 4, 3, 11, GOLDEN_MINUS_NAN,
     QQ_TYPE_E4M3B11FNUZ},
    {"e3m4", GOLDEN_FLOAT, 8, 3, 4, 3, GOLDEN_IEEE, QQ_TYPE_E3M4},
    {"e8m0", GOLDEN_FLOAT, 8, 8, 0, 127, GOLDEN_ONE_NAN, QQ_TYPE_E8M0},
    {"e2m1", GOLDEN_FLOAT, 4, 2, 1, 1, GOLDEN_FINITE, QQ_TYPE_E2M1},
};

static const struct {
    const char *name;
    qq_type qq;
} golden_integers[] = {
    {"i2", QQ_TYPE_INT2},  {"i3", QQ_TYPE_INT3},   {"i4", QQ_TYPE_INT4},
    {"i5", QQ_TYPE_INT5},  {"i6", QQ_TYPE_INT6},   {"i7", QQ_TYPE_INT7},
    {"i8", QQ_TYPE_INT8},  {"i16", QQ_TYPE_INT16}, {"i32", QQ_TYPE_INT32},
    {"u2", QQ_TYPE_UINT2}, {"u4", QQ_TYPE_UINT4},  {"u8", QQ_TYPE_UINT8},
};

int golden_type_of(const char *name, struct golden_type *type)
{
    for (size_t i = 0; i < sizeof golden_floats / sizeof *golden_floats; i++) {
        if (strcmp(name, golden_floats[i].name) == 0) {
            *type = golden_floats[i];
            return 1;
        }
    }
    memset(type, 0, sizeof *type);
    if (strlen(name) >= sizeof type->name)
        return 0;
    strcpy(type->name, name);
    type->bits = 1;
    type->kind = GOLDEN_BOOL;
    if (strcmp(name, "bool") == 0)
        return 1;

    // iN and uN, N from 1 to 64 without a leading zero.
    char *end;
    const long bits = strtol(name + 1, &end, 10);
    if ((*name != 'i' && *name != 'u') || name[1] < '1' || name[1] > '9' ||
        *end != '\0' || bits > 64)
        return 0;
    type->kind = *name == 'i' ? GOLDEN_INT : GOLDEN_UINT;
    type->bits = (unsigned)bits;
    for (size_t i = 0; i < sizeof golden_integers / sizeof *golden_integers;
         i++)
        if (strcmp(name, golden_integers[i].name) == 0)
            type->qq = golden_integers[i].qq;
    return 1;
}

// Bits of an integer that its type can hold.
static int golden_read_integer(const char *p, size_t n, uint64_t *bits,
                               const struct golden_type *type)
{
    const int minus = n > 0 && *p == '-';
    uint64_t v = 0;

    if (n == (size_t)minus)
        return 0;
    for (size_t i = (size_t)minus; i < n; i++) {
        const unsigned digit = (unsigned)p[i] - '0';
        if (digit > 9 || v > (UINT64_MAX - digit) / 10)
            return 0;
        v = v * 10 + digit;
    }
    const unsigned width =
        type->kind == GOLDEN_INT ? type->bits - 1 : type->bits;
    const uint64_t top = width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
    if (minus && (type->kind != GOLDEN_INT || v > top + 1))
        return 0;
    if (!minus && v > top)
        return 0;
    *bits = minus ? 0 - v : v;
    return 1;
}

int golden_read_word(const char *p, size_t n, const struct golden_type *type,
                     uint64_t *bits)
{
    if (type->kind != GOLDEN_FLOAT)
        return golden_read_integer(p, n, bits, type);

    // e2m1 has two digits, too.
    uint64_t v = 0;
    if (n != (type->bits < 8 ? 2 : type->bits / 4))
        return 0;
    for (size_t i = 0; i < n; i++) {
        static const char digits[] = "0123456789abcdef";
        const char ch =
            p[i] >= 'A' && p[i] <= 'F' ? (char)(p[i] - 'A' + 'a') : p[i];
        const char *at = ch != '\0' ? strchr(digits, ch) : NULL;
        if (at == NULL)
            return 0;
        v = v << 4 | (uint64_t)(at - digits);
    }
    if (type->bits < 8 && v >> type->bits != 0)
        return 0;
    *bits = v;
    return 1;
}

double golden_value(const struct golden_type *type, uint64_t bits)
{
    if (type->kind == GOLDEN_INT)
        return (double)(int64_t)bits;
    if (type->kind != GOLDEN_FLOAT)
        return (double)bits;

    const unsigned m = type->mantissa;
    const uint64_t mantissa = bits & (((uint64_t)1 << m) - 1);
    const uint64_t ones = ((uint64_t)1 << type->exponent) - 1;
    const uint64_t exponent = bits >> m & ones;
    const int minus = (int)(bits >> (m + type->exponent) & 1);
    const int power = (int)exponent - type->bias - (int)m;
    double v;

    if (type->special == GOLDEN_MINUS_NAN && minus && exponent == 0 &&
        mantissa == 0)
        return (double)NAN;
    if (type->special == GOLDEN_ONE_NAN && exponent == ones &&
        mantissa == ((uint64_t)1 << m) - 1)
        return (double)NAN;
    if (type->special == GOLDEN_IEEE && exponent == ones)
        v = mantissa != 0 ? (double)NAN : (double)INFINITY;
    else if (exponent == 0 && type->mantissa != 0)
        v = ldexp((double)mantissa, power + 1);
    else
        v = ldexp((double)(mantissa | (uint64_t)1 << m), power);
    return minus ? -v : v;
}

int golden_is_nan(const struct golden_type *type, uint64_t bits)
{
    const double v = golden_value(type, bits);

    return v != v;
}

void golden_print(const struct golden_type *type, uint64_t bits, char *out,
                  size_t size)
{
    if (type->kind == GOLDEN_INT)
        snprintf(out, size, "%lld", (long long)(int64_t)bits);
    else if (type->kind != GOLDEN_FLOAT)
        snprintf(out, size, "%llu", (unsigned long long)bits);
    else
        snprintf(out, size, "%0*llx (%.9g)",
                 type->bits < 8 ? 2 : (int)type->bits / 4,
                 (unsigned long long)bits, golden_value(type, bits));
}
