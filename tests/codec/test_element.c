// codec/element.h: any element of packed data, and doubles in one rounding.

#include "codec/element.h"
#include "room.h"

#include <math.h>

// Elements written in any order read back, codes and values.
static void test_row(const qqi_type_row *row)
{
    const qq_type type = row->type;
    const size_t n = 37;
    const unsigned bits = row->info.bits;
    const size_t bytes = qq_type_bytes(type, n);
    uint8_t *data = room(bytes + 1);
    uint8_t *p = data + 1; // not aligned
    uint32_t codes[37] = {0};

    memset(data, 0, bytes + 1);
    for (int k = 0; k < 200; k++) {
        const size_t i = check_u32() % n;
        codes[i] = check_u32();
        if (k % 2) {
            qqi_store_code(type, p, i, codes[i]);
        } else {
            const float x = check_uniform() * 10.0f;
            qqi_store_value(type, p, i, x);
            codes[i] = qq_type_encode(type, x);
        }
        if (bits < 32)
            codes[i] &= (1u << bits) - 1;
    }
    for (size_t i = 0; i < n && bits < 64; i++) {
        const uint32_t c = qqi_load_code(type, p, i);
        const float x = qqi_load_value(type, p, i);
        const float y =
            type == QQ_TYPE_BOOK ? (float)c : qq_type_decode(type, c);
        CHECK(c == codes[i]);
        CHECK(check_bits(x) == check_bits(y));
        // A code is cut, and carries its sign where it is signed.
        const int32_t v = qqi_load_integer(type, p, i);
        const int neg = qqi_type_is_signed(type) && c >> (bits - 1);
        CHECK((int64_t)v == (int64_t)c - ((int64_t)neg << bits) ||
              (bits == 32 && (uint32_t)v == c));
        if (x == x)
            CHECK(qqi_load_wide(type, p, i) ==
                  (type == QQ_TYPE_INT32 ? (double)v : (double)x));
    }
    free(data);
}

static void test_f64(void)
{
    double data[3];

    qqi_store_value(QQ_TYPE_F64, data, 0, 0.1f);
    qqi_store_wide(QQ_TYPE_F64, data, 1, 0.1);
    qqi_store_wide(QQ_TYPE_F64, data, 2, 1e300);
    CHECK(data[0] == (double)0.1f && data[1] == 0.1 && data[2] == 1e300);
    CHECK(qqi_load_value(QQ_TYPE_F64, data, 1) == 0.1f);
    CHECK(qqi_load_wide(QQ_TYPE_F64, data, 1) == 0.1);
    CHECK(qqi_load_code(QQ_TYPE_F64, data, 1) == 0);
    CHECK(qqi_load_integer(QQ_TYPE_F64, data, 1) == 0);
    qqi_store_code(QQ_TYPE_F64, data, 1, 7);
    CHECK(data[1] == 0.1);
}

static uint32_t store(qq_type type, double x)
{
    uint8_t bytes[8] = {0};

    qqi_store_wide(type, bytes, 0, x);
    return qqi_load_code(type, bytes, 0);
}

// Just beside the middle of two codes, by less than a float can tell.
static void test_beside(const qqi_type_row *row)
{
    const unsigned bits = row->info.bits;
    const uint32_t step = bits <= 8 ? 1 : 61;

    for (uint32_t c = 0; c + 1 < 1u << bits; c += step) {
        const double a = (double)qq_type_decode(row->type, c);
        const double b = (double)qq_type_decode(row->type, c + 1);
        if (a - a != 0.0 || b - b != 0.0 || a == b ||
            (c + 1) << 1 == 1u << bits)
            continue;
        const double mid = (a + b) / 2.0;
        const double low = nextafter(mid, a);
        const double high = nextafter(mid, b);
        CHECK(store(row->type, low) == c);
        CHECK(store(row->type, high) == c + 1);
        CHECK(store(row->type, mid) == qq_type_encode(row->type, (float)mid));
        CHECK(store(row->type, a) == c);
    }
}

static void test_wide(void)
{
    const double inf = HUGE_VAL;

    CHECK(store(QQ_TYPE_F32, 1e300) == 0x7f7fffff);
    CHECK(store(QQ_TYPE_F32, -1e300) == 0xff7fffff);
    CHECK(store(QQ_TYPE_F32, inf) == 0x7f800000);
    CHECK(store(QQ_TYPE_F32, 0.1) == check_bits(0.1f));
    CHECK(store(QQ_TYPE_F16, 1e300) == 0x7bff);
    CHECK(store(QQ_TYPE_F16, -inf) == 0xfc00);
    CHECK(store(QQ_TYPE_BF16, 1e300) == 0x7f7f);
    CHECK(store(QQ_TYPE_E4M3FN, inf) == 0x7e);
    CHECK(store(QQ_TYPE_INT32, 2147483646.5) == 0x7ffffffe);
    CHECK(store(QQ_TYPE_INT32, 1e300) == 0x7fffffff);
    CHECK(store(QQ_TYPE_INT32, -1e300) == 0x80000000);
    CHECK(store(QQ_TYPE_INT8, 0.5000000001) == 1);
    CHECK(store(QQ_TYPE_INT8, 0.5) == 0);
    CHECK(store(QQ_TYPE_SIGN, -1e-300) == 0);
    CHECK(store(QQ_TYPE_SIGN, 1e-300) == 1);
    CHECK(store(QQ_TYPE_NF4, 0.7) == qq_type_encode(QQ_TYPE_NF4, 0.7f));
}

int main(void)
{
    for (int i = 0; i < QQI_TYPE_COUNT; i++) {
        const qqi_type_row *row = &qqi_type_rows[i];
        if (row->info.storage != row->type)
            continue;
        test_row(row);
        if (row->info.kind == QQ_KIND_SMALL || row->type == QQ_TYPE_F16 ||
            row->type == QQ_TYPE_BF16 || qqi_type_is_signed(row->type))
            if (row->info.bits <= 16)
                test_beside(row);
    }
    test_f64();
    test_wide();
    return check_done();
}
