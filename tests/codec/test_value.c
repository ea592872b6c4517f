// codec/value.h: every code of every type, the nearest code for any float,
// and what becomes of NaN, infinities, zeros and subnormals.

#include "codec/value.h"
#include "check.h"
#include "num/flush.h"

static int is_nan(float x)
{
    return x != x;
}

static int is_small(qq_type type)
{
    return qqi_type_find(type)->info.kind == QQ_KIND_SMALL;
}

// The code that a code becomes when it is decoded and encoded.
static uint32_t back_of(qq_type type, uint32_t code, float x)
{
    const qq_type storage = qqi_type_storage(type);
    const qqi_minifloat *small = qqi_type_minifloat(type);

    if (storage == QQ_TYPE_TERNARY && code == 3)
        return 2;
    if (storage == QQ_TYPE_BNB_FP4 && code == 8)
        return 0;
    if (small && x - x != 0.0f && !is_nan(x)) // an infinity
        return small->max | (x < 0.0f ? 0x80u : 0);
    if (small && is_nan(x))
        return small->nan | (small->signed_nan ? code & 0x80 : 0);
    if (storage == QQ_TYPE_F16 && is_nan(x))
        return code | 0x200;
    if (storage == QQ_TYPE_BF16 && is_nan(x))
        return code | 0x40;
    return code;
}

static void test_codes(const qqi_type_row *row)
{
    const unsigned bits = row->info.bits;
    const uint32_t codes = 1u << bits;

    for (uint32_t c = 0; c < codes; c++) {
        const float x = qq_type_decode(row->type, c);
        const uint32_t back = qq_type_encode(row->type, x);
        CHECK(back == back_of(row->type, c, x));
        // Bits above the type's width count for nothing.
        const float y = qq_type_decode(row->type, c | 0xffffffffu << bits);
        CHECK(check_bits(x) == check_bits(y));
        if (!is_nan(x) && x - x == 0.0f && row->type != QQ_TYPE_TERNARY)
            CHECK((x < 0.0f ? -x : x) <= row->info.largest);
    }
}

static void test_integers(const qqi_type_row *row)
{
    for (int64_t v = row->info.min; v <= row->info.max; v++) {
        const uint32_t c = qq_type_encode(row->type, (float)v);
        if (row->type == QQ_TYPE_SIGN && v == 0)
            continue;
        CHECK(qqi_decode_integer(row->type, c) == (int32_t)v);
        CHECK(qq_type_decode(row->type, c) == (float)v);
    }
    CHECK(qq_type_encode(row->type, 1e30f) ==
          qq_type_encode(row->type, (float)row->info.max));
    CHECK(qq_type_encode(row->type, -1e30f) ==
          qq_type_encode(row->type, (float)row->info.min));
}

// The code's value is the nearest of all; of two as near the even code. All
// differences are exact in double.
static void test_nearest(const qqi_type_row *row, float x)
{
    const uint32_t codes = 1u << row->info.bits;
    const float largest = row->info.largest;
    const uint32_t c = qq_type_encode(row->type, x);
    const double at = (double)qq_type_decode(row->type, c);
    const float cut = x > largest ? largest : x < -largest ? -largest : x;
    const double v = (double)cut;
    const double mine = at < v ? v - at : at - v;
    int best = 1;

    for (uint32_t o = 0; o < codes; o++) {
        const float y = qq_type_decode(row->type, o);
        if (y - y != 0.0f || (double)y == at)
            continue;
        const double d = (double)y < v ? v - (double)y : (double)y - v;
        best &= mine < d || (mine == d && c % 2 == 0);
    }
    CHECK(best);
    // A zero keeps its sign where there is a -0.
    if (is_small(row->type) && at == 0.0 &&
        !qqi_type_minifloat(row->type)->fnuz)
        CHECK(c >> (row->info.bits - 1) == check_bits(x) >> 31);
}

static void test_walk(const qqi_type_row *row)
{
    const qq_kind kind = row->info.kind;
    const int nearest = kind == QQ_KIND_INTEGER || kind == QQ_KIND_SMALL;

    if (!nearest || row->info.bits > 8 || row->type == QQ_TYPE_SIGN ||
        row->type == QQ_TYPE_TERNARY)
        return;
    for (size_t k = 0; k < check_count(300); k++) {
        const float scale = row->info.largest * (k % 4 == 0 ? 2.0f : 0.1f);
        test_nearest(row, check_uniform() * scale);
        test_nearest(row, check_f32((check_u32() & 0x87ffffff) | 0x38000000));
    }
    // Middles of neighbours.
    for (uint32_t c = 0; c + 1 < 1u << row->info.bits; c++) {
        const float a = qq_type_decode(row->type, c);
        const float b = qq_type_decode(row->type, c + 1);
        if (a - a == 0.0f && b - b == 0.0f)
            test_nearest(row, (a + b) / 2.0f);
    }
}

enum { NAN_UP, NAN_DOWN, INF, MINUS_INF, ZERO, MINUS_ZERO, TINY, MINUS_TINY };

static const uint32_t inputs[8] = {0x7fc00000, 0xffc00000, 0x7f800000,
                                   0xff800000, 0x00000000, 0x80000000,
                                   0x00000001, 0x80000001};

typedef struct special {
    qq_type type;
    uint32_t want[8];
} special;

static const special specials[] = {
    {QQ_TYPE_F32,
     {0x7fc00000, 0xffc00000, 0x7f800000, 0xff800000, 0, 0x80000000, 1,
      0x80000001}},
    {QQ_TYPE_F64, {0, 0, 0, 0, 0, 0, 0, 0}},
    {QQ_TYPE_F16, {0x7e00, 0xfe00, 0x7c00, 0xfc00, 0, 0x8000, 0, 0x8000}},
    {QQ_TYPE_BF16, {0x7fc0, 0xffc0, 0x7f80, 0xff80, 0, 0x8000, 0, 0x8000}},
    {QQ_TYPE_INT32, {0, 0, 0x7fffffff, 0x80000000, 0, 0, 0, 0}},
    {QQ_TYPE_SIGN, {0, 0, 1, 0, 1, 1, 1, 0}},
    {QQ_TYPE_TERNARY, {1, 1, 2, 0, 1, 1, 1, 1}},
    {QQ_TYPE_INT2, {0, 0, 1, 2, 0, 0, 0, 0}},
    {QQ_TYPE_INT3, {0, 0, 3, 4, 0, 0, 0, 0}},
    {QQ_TYPE_INT4, {0, 0, 7, 8, 0, 0, 0, 0}},
    {QQ_TYPE_INT5, {0, 0, 15, 16, 0, 0, 0, 0}},
    {QQ_TYPE_INT6, {0, 0, 31, 32, 0, 0, 0, 0}},
    {QQ_TYPE_INT7, {0, 0, 63, 64, 0, 0, 0, 0}},
    {QQ_TYPE_INT8, {0, 0, 127, 128, 0, 0, 0, 0}},
    {QQ_TYPE_INT16, {0, 0, 32767, 32768, 0, 0, 0, 0}},
    {QQ_TYPE_UINT2, {0, 0, 3, 0, 0, 0, 0, 0}},
    {QQ_TYPE_UINT4, {0, 0, 15, 0, 0, 0, 0, 0}},
    {QQ_TYPE_UINT8, {0, 0, 255, 0, 0, 0, 0, 0}},
    {QQ_TYPE_E4M3FN, {0x7f, 0xff, 0x7e, 0xfe, 0, 0x80, 0, 0x80}},
    {QQ_TYPE_E5M2, {0x7e, 0xfe, 0x7b, 0xfb, 0, 0x80, 0, 0x80}},
    {QQ_TYPE_E4M3, {0x7c, 0xfc, 0x77, 0xf7, 0, 0x80, 0, 0x80}},
    {QQ_TYPE_E4M3FNUZ, {0x80, 0x80, 0x7f, 0xff, 0, 0, 0, 0}},
    {QQ_TYPE_E5M2FNUZ, {0x80, 0x80, 0x7f, 0xff, 0, 0, 0, 0}},
    {QQ_TYPE_E4M3B11FNUZ, {0x80, 0x80, 0x7f, 0xff, 0, 0, 0, 0}},
    {QQ_TYPE_E3M4, {0x78, 0xf8, 0x6f, 0xef, 0, 0x80, 0, 0x80}},
    {QQ_TYPE_E2M3, {0x20, 0x20, 0x1f, 0x3f, 0, 0x20, 0, 0x20}},
    {QQ_TYPE_E3M2, {0x20, 0x20, 0x1f, 0x3f, 0, 0x20, 0, 0x20}},
    {QQ_TYPE_E2M1, {8, 8, 7, 15, 0, 8, 0, 8}},
    {QQ_TYPE_E8M0, {255, 255, 254, 255, 0, 0, 0, 255}},
    {QQ_TYPE_NF4, {0, 0, 15, 0, 7, 7, 7, 7}},
    {QQ_TYPE_BNB_FP4, {0, 0, 3, 11, 0, 0, 0, 0}},
    {QQ_TYPE_BOOK, {0, 0, 0, 0, 0, 0, 0, 0}},
    {QQ_TYPE_MXFP8, {0x7f, 0xff, 0x7e, 0xfe, 0, 0x80, 0, 0x80}},
    {QQ_TYPE_MXFP8_16, {0x7f, 0xff, 0x7e, 0xfe, 0, 0x80, 0, 0x80}},
    {QQ_TYPE_MXFP4, {8, 8, 7, 15, 0, 8, 0, 8}},
    {QQ_TYPE_NVFP4, {8, 8, 7, 15, 0, 8, 0, 8}},
};

static void test_specials(void)
{
    CHECK(sizeof specials / sizeof *specials == QQI_TYPE_COUNT);
    for (int mode = 0; mode < 2; mode++)
        for (int k = 0; k < QQI_TYPE_COUNT; k++) {
            const special *s = &specials[k];
            CHECK(s->type == qqi_type_rows[k].type);
            for (int i = 0; i < 8; i++) {
                flush(mode);
                const uint32_t c =
                    qq_type_encode(s->type, check_f32(inputs[i]));
                flush(0);
                if (!CHECK(c == s->want[i]))
                    printf("%s of %08x: %x\n", qq_type_name(s->type), inputs[i],
                           c);
            }
        }
    for (int t = -1; t < 1; t++) {
        CHECK(qq_type_encode((qq_type)t, 1.0f) == 0);
        CHECK(qq_type_decode((qq_type)t, 1) == 0.0f);
        CHECK(qqi_decode_integer((qq_type)t, 1) == 0);
    }
}

static void test_plain(void)
{
    // Finite numbers stay finite; 65520 would be the first to be infinite.
    CHECK(qq_type_encode(QQ_TYPE_F16, 65519.996f) == 0x7bff);
    CHECK(qq_type_encode(QQ_TYPE_F16, 65520.0f) == 0x7bff);
    CHECK(qq_type_encode(QQ_TYPE_F16, -3e38f) == 0xfbff);
    CHECK(qq_type_encode(QQ_TYPE_BF16, 3.4e38f) == 0x7f7f);
    CHECK(qq_type_encode(QQ_TYPE_BF16, -3.4e38f) == 0xff7f);
    CHECK(qq_type_encode(QQ_TYPE_F16, 1.0f) == 0x3c00);
    CHECK(qq_type_encode(QQ_TYPE_BF16, 1.0f) == 0x3f80);
    CHECK(qq_type_encode(QQ_TYPE_F32, 1.5f) == 0x3fc00000);
    CHECK(qq_type_encode(QQ_TYPE_F32, check_f32(0xff812345)) == 0xffc12345);
    CHECK(check_bits(qq_type_decode(QQ_TYPE_F32, 0x7f800001)) == 0x7fc00001);
    CHECK(check_bits(qq_type_decode(QQ_TYPE_F16, 0x7c01)) == 0x7fc02000);
    CHECK(qq_type_decode(QQ_TYPE_INT32, 0xffffffff) == -1.0f);
    CHECK(qq_type_encode(QQ_TYPE_INT32, -2147483648.0f) == 0x80000000);
    CHECK(qq_type_encode(QQ_TYPE_E8M0, 1.0f) == 127);
    CHECK(qq_type_encode(QQ_TYPE_E8M0, 1.4999999f) == 127);
    CHECK(qq_type_encode(QQ_TYPE_E8M0, 1.5f) == 128);
}

// Overflow without saturation: the first number that rounds beyond the
// largest, the last one that does not, and both infinities.
static void test_unsaturated(void)
{
    static const struct {
        qq_type type;
        float last, first;
        uint32_t top, over, under;
    } rows[] = {{QQ_TYPE_F16, 65519.996f, 65520.0f, 0x7bff, 0x7c00, 0xfc00},
                {QQ_TYPE_E4M3FN, 464.0f, 464.00003f, 0x7e, 0x7f, 0xff},
                {QQ_TYPE_E5M2, 61439.996f, 61440.0f, 0x7b, 0x7c, 0xfc},
                {QQ_TYPE_E4M3, 247.99998f, 248.0f, 0x77, 0x78, 0xf8},
                {QQ_TYPE_E3M4, 15.749999f, 15.75f, 0x6f, 0x70, 0xf0},
                {QQ_TYPE_E4M3FNUZ, 247.99998f, 248.0f, 0x7f, 0x80, 0x80},
                {QQ_TYPE_E2M1, 6.0f, 1e30f, 0x7, 0x7, 0xf},
                {QQ_TYPE_INT4, 7.0f, 1e30f, 0x7, 0x7, 0x8}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const qq_type t = rows[i].type;
        const float infinity = check_f32(0x7f800000u);
        CHECK(qq_type_encode_unsaturated(t, rows[i].last) == rows[i].top);
        CHECK(qq_type_encode_unsaturated(t, rows[i].first) == rows[i].over);
        CHECK(qq_type_encode_unsaturated(t, -rows[i].first) == rows[i].under);
        CHECK(qq_type_encode_unsaturated(t, infinity) == rows[i].over);
        CHECK(qq_type_encode_unsaturated(t, -infinity) == rows[i].under);
    }
}

int main(void)
{
    for (int i = 0; i < QQI_TYPE_COUNT; i++) {
        const qqi_type_row *row = &qqi_type_rows[i];
        if (row->info.bits <= 16 && row->type != QQ_TYPE_BOOK)
            test_codes(row);
        if (row->info.kind == QQ_KIND_INTEGER && row->info.bits <= 16)
            test_integers(row);
        test_walk(row);
    }
    test_specials();
    test_plain();
    test_unsaturated();
    return check_done();
}
