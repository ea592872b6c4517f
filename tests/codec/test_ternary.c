// codec/ternary.h against the equations of its three layouts.

#include "codec/ternary.h"
#include "room.h"

static const qq_ternary_layout layouts[3] = {
    QQ_TERNARY_CONSECUTIVE, QQ_TERNARY_STRIDED, QQ_TERNARY_BASE3};

// The byte that holds value i, and what one step of it is worth there.
static size_t place(qq_ternary_layout layout, size_t n, size_t i, int *unit)
{
    static const int powers[5] = {1, 3, 9, 27, 81};

    if (layout == QQ_TERNARY_CONSECUTIVE) {
        *unit = 1 << 2 * (i % 4);
        return i / 4;
    }
    if (layout == QQ_TERNARY_STRIDED) {
        *unit = 1 << 2 * (i / (n / 4));
        return i % (n / 4);
    }
    *unit = powers[i % 5];
    return i / 5;
}

static void test_one(qq_ternary_layout layout, size_t n)
{
    const size_t bytes = qq_ternary_size(layout, n);
    int8_t *values = (int8_t *)room(n);
    int8_t *back = (int8_t *)room(n);
    uint8_t *packed = room(bytes);
    uint8_t *want = room(bytes + 1);
    int unit;

    memset(want, 0, bytes + 1);
    for (size_t i = 0; i < n; i++) {
        values[i] = (int8_t)((int)(check_u32() % 3) - 1);
        const size_t at = place(layout, n, i, &unit);
        want[at] = (uint8_t)(want[at] + (values[i] + 1) * unit);
    }
    for (size_t i = n; layout == QQ_TERNARY_BASE3 && i % 5 != 0; i++) {
        const size_t at = place(layout, n, i, &unit);
        want[at] = (uint8_t)(want[at] + unit);
    }
    CHECK(qq_ternary_pack(layout, n, values, packed, bytes) == QQ_OK);
    CHECK(bytes == 0 || memcmp(packed, want, bytes) == 0);
    CHECK(qq_ternary_unpack(layout, n, packed, bytes, back) == QQ_OK);
    CHECK(n == 0 || memcmp(values, back, n) == 0);

    if (n > 0) {
        const size_t bad = check_u32() % n;
        memset(packed, 77, bytes);
        for (int v = -128; v < 128; v += v == -2 ? 4 : 1) {
            values[bad] = (int8_t)v;
            CHECK(qq_ternary_pack(layout, n, values, packed, bytes) ==
                  QQ_ERR_FORMAT);
        }
        for (size_t i = 0; i < bytes; i++)
            CHECK(packed[i] == 77);
        CHECK(qq_ternary_unpack(layout, n, packed, bytes - 1, back) ==
              QQ_ERR_SIZE);
        values[bad] = 0;
        CHECK(qq_ternary_pack(layout, n, values, packed, bytes - 1) ==
              QQ_ERR_SIZE);
    }
    free(values);
    free(back);
    free(packed);
    free(want);
}

// Every byte decodes, beside every other one.
static void test_bytes(void)
{
    int8_t v[10];

    for (unsigned b = 0; b < 256; b++) {
        const uint8_t twice[2] = {(uint8_t)b, (uint8_t)(b ^ 255)};
        for (unsigned k = 0; k < 2; k++) {
            CHECK(qq_ternary_unpack(layouts[k], 8, twice, 2, v) == QQ_OK);
            for (unsigned i = 0; i < 8; i++) {
                const unsigned byte = k == 0 ? i / 4 : i % 2;
                const unsigned shift = k == 0 ? 2 * (i % 4) : i / 2 * 2;
                CHECK(v[i] == (int)(twice[byte] >> shift & 3) - 1);
            }
        }
        CHECK(qq_ternary_unpack(layouts[2], 10, twice, 2, v) == QQ_OK);
        for (unsigned i = 0; i < 2; i++) {
            const int byte = twice[i] < 242 ? twice[i] : 242;
            const int8_t *d = v + 5 * i;
            CHECK(d[0] + 3 * d[1] + 9 * d[2] + 27 * d[3] + 81 * d[4] + 121 ==
                  byte);
            for (int j = 0; j < 5; j++)
                CHECK(d[j] >= -1 && d[j] <= 1);
        }
    }
}

// eformer's own example: a matrix of 8 by 4, packed along its first axis.
static void test_known(void)
{
    static const int8_t x[32] = {-1, 0, 1, 1, 1,  -1, 0,  0,  0,  0, 1,
                                 -1, 1, 1, 1, 1,  -1, -1, -1, -1, 0, 1,
                                 0,  1, 1, 0, -1, 0,  -1, 1,  1,  -1};
    static const uint8_t want[8] = {132, 69, 10, 66, 26, 168, 153, 41};
    static const int8_t row[4] = {-1, 0, 1, -1};
    uint8_t out[8];

    CHECK(qq_ternary_pack(QQ_TERNARY_STRIDED, 32, x, out, 8) == QQ_OK);
    CHECK(memcmp(out, want, 8) == 0);
    CHECK(qq_ternary_pack(QQ_TERNARY_STRIDED, 4, row, out, 1) == QQ_OK);
    CHECK(out[0] == 36);
    CHECK(qq_ternary_pack(QQ_TERNARY_BASE3, 1, row, out, 1) == QQ_OK);
    CHECK(out[0] == 120); // 121 - 1
}

static void test_refuse(void)
{
    const int8_t v[4] = {0, 0, 0, 0};
    int8_t back[4];
    uint8_t b[4] = {0};

    for (int k = 0; k < 3; k++) {
        CHECK(qq_ternary_pack(layouts[k], 4, NULL, b, 4) == QQ_ERR_ARGUMENT);
        CHECK(qq_ternary_pack(layouts[k], 4, v, NULL, 4) == QQ_ERR_ARGUMENT);
        CHECK(qq_ternary_unpack(layouts[k], 4, NULL, 4, back) ==
              QQ_ERR_ARGUMENT);
        CHECK(qq_ternary_unpack(layouts[k], 4, b, 4, NULL) == QQ_ERR_ARGUMENT);
    }
    for (int k = 0; k < 5; k += 4) {
        const qq_ternary_layout none = (qq_ternary_layout)k;
        CHECK(qq_ternary_size(none, 4) == SIZE_MAX);
        CHECK(qq_ternary_pack(none, 4, v, b, 4) == QQ_ERR_ARGUMENT);
        CHECK(qq_ternary_unpack(none, 4, b, 4, back) == QQ_ERR_ARGUMENT);
    }
    for (size_t n = 1; n < 4; n++) {
        CHECK(qq_ternary_size(QQ_TERNARY_STRIDED, n) == SIZE_MAX);
        CHECK(qq_ternary_pack(QQ_TERNARY_STRIDED, n, v, b, 4) == QQ_ERR_SHAPE);
        CHECK(qq_ternary_unpack(QQ_TERNARY_STRIDED, n, b, 4, back) ==
              QQ_ERR_SHAPE);
    }
    CHECK(qq_ternary_size(QQ_TERNARY_CONSECUTIVE, SIZE_MAX) ==
          SIZE_MAX / 4 + 1);
    CHECK(qq_ternary_size(QQ_TERNARY_BASE3, SIZE_MAX) == SIZE_MAX / 5);
}

int main(void)
{
    for (size_t n = 0; n < 130; n++)
        for (int k = 0; k < 3; k++)
            if (layouts[k] != QQ_TERNARY_STRIDED || n % 4 == 0)
                test_one(layouts[k], n);
    test_bytes();
    test_known();
    test_refuse();
    return check_done();
}
