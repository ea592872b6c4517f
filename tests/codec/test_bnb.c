// The 4-bit formats of bitsandbytes against a naive search of the levels.

#include "codec/bnb.h"
#include "codec/bnb_decode.h"
#include "bnb.h"

// The code whose level is nearest to v, by the middles in f32.
static unsigned naive_code(qq_type type, float v)
{
    const float *levels = qq_book_levels(type);
    unsigned best = type == QQ_TYPE_NF4 ? 7 : 0;

    for (unsigned round = 0; round < 16; round++) {
        for (unsigned i = 0; i < 16; i++) {
            const float middle = (levels[i] + levels[best]) / 2.0f;
            const int other_zero = type == QQ_TYPE_BNB_FP4 && i == 8;
            if (!other_zero && ((levels[i] > levels[best] && v > middle) ||
                                (levels[i] < levels[best] && v <= middle)))
                best = i;
        }
    }
    return best;
}

static void test_tables(void)
{
    const float *nf4 = qq_book_levels(QQ_TYPE_NF4);

    for (int i = 0; i < 15; i++) {
        const float middle = (nf4[i] + nf4[i + 1]) / 2.0f;
        CHECK(qqi_rank_f32(middle) == qqi_bnb_nf4_last[i]);
        for (int up = -1; up <= 1; up++) {
            const float v = qqi_f32_of(qqi_f32_bits(middle) + (uint32_t)up);
            CHECK(qqi_bnb_code(QQ_TYPE_NF4, v) == naive_code(QQ_TYPE_NF4, v));
        }
    }
    for (uint32_t i = 0; i < check_count(20000); i++) {
        const float v = check_uniform() * 1.25f;
        CHECK(qqi_bnb_code(QQ_TYPE_NF4, v) == naive_code(QQ_TYPE_NF4, v));
        CHECK(qqi_bnb_code(QQ_TYPE_BNB_FP4, v) ==
              naive_code(QQ_TYPE_BNB_FP4, v));
    }
}

// One array, quantized and read back, number by number.
static void check_array(qq_type dtype, qq_type type, size_t n,
                        size_t block_size)
{
    void *data = bnb_numbers(dtype, n);
    const qq_tensor x = bnb_tensor(data, dtype, 1, n, 0);
    qq_bnb_options o = qq_bnb_options_init();
    qq_bnb_weight w;
    qq_tensor values;

    o.type = type;
    o.block_size = block_size;
    const size_t bytes = qq_bnb_size(&x, &o);
    void *out = bnb_alloc(bytes);
    void *back = bnb_alloc(n * qqi_bnb_width(dtype));
    CHECK(bytes == 4 * ((n + block_size - 1) / block_size) + (n + 1) / 2);
    CHECK(qq_bnb_scratch_size(&x, &o) == 0);
    CHECK(qq_bnb_quantize(&x, &o, out, bytes, NULL, 0, &w) == QQ_OK);
    CHECK(qq_bnb_dequantize(&w, QQ_TYPE_NONE, back, n * qqi_bnb_width(dtype),
                            &values) == QQ_OK);
    CHECK(values.type == dtype && values.rank == 1 && values.shape[0] == n);
    const uint8_t *packed = (const uint8_t *)w.packed.data;
    for (size_t i = 0; i < n; i++) {
        const size_t from = i / block_size * block_size;
        const size_t end = from + block_size < n ? from + block_size : n;
        float top = 0.0f;
        for (size_t j = from; j < end; j++) {
            const float a = qqi_abs_f32(qqi_bnb_load(dtype, data, j));
            top = a > top ? a : top;
        }
        const float v = qqi_bnb_load(dtype, data, i);
        const float q = top > 0.0f ? end - from == block_size
                                         ? qqi_mul_f32(v, 1.0f / top)
                                         : v / top
                                   : 0.0f;
        const unsigned code = (unsigned)packed[i / 2] >> (i % 2 ? 0 : 4) & 15u;
        CHECK(code == naive_code(type, q));
        uint8_t want[4], got[4];
        qqi_bnb_store(dtype, want, 0,
                      qqi_mul_f32(qq_book_levels(type)[code], top));
        memcpy(got, (uint8_t *)back + i * qqi_bnb_width(dtype),
               qqi_bnb_width(dtype));
        CHECK(memcmp(want, got, qqi_bnb_width(dtype)) == 0);
    }
    if (n % 2 != 0)
        CHECK((packed[n / 2] & 15) == (type == QQ_TYPE_NF4 ? 7 : 0));
    bnb_free(back);
    bnb_free(out);
    bnb_free(data);
}

static void test_arrays(void)
{
    for (size_t n = 0; n < 140; n += n < 70 ? 1 : 7)
        for (int t = 0; t < 3; t++)
            for (int f = 0; f < 2; f++)
                check_array(bnb_types[t], f ? QQ_TYPE_BNB_FP4 : QQ_TYPE_NF4, n,
                            32);
    for (size_t block_size = 32; block_size <= 4096; block_size *= 2)
        check_array(QQ_TYPE_F32, QQ_TYPE_NF4, 5000, block_size);
}

// Quantizes 32 numbers; codes in *codes, the scale is returned.
static float one_block(qq_type type, const float *x, unsigned *codes)
{
    const qq_tensor t = bnb_tensor(x, QQ_TYPE_F32, 1, 32, 0);
    qq_bnb_options o = qq_bnb_options_init();
    uint8_t out[20];
    qq_bnb_weight w;

    o.type = type;
    o.block_size = 32;
    CHECK(qq_bnb_quantize(&t, &o, out, sizeof out, NULL, 0, &w) == QQ_OK);
    for (int i = 0; i < 32; i++)
        codes[i] = (unsigned)out[4 + i / 2] >> (i % 2 ? 0 : 4) & 15u;
    return qqi_load_f32(out);
}

static void test_special(void)
{
    const float inf = qqi_f32_of(0x7f800000u);
    const float nan = qqi_f32_of(0x7fc00000u);
    const float least = qqi_f32_of(1);
    float x[32] = {0};
    unsigned codes[32];

    for (int f = 0; f < 2; f++) {
        const qq_type type = f ? QQ_TYPE_BNB_FP4 : QQ_TYPE_NF4;
        const unsigned zero = f ? 0 : 7, high = f ? 3 : 15, low = f ? 11 : 0;
        memset(x, 0, sizeof x);
        CHECK(check_bits(one_block(type, x, codes)) == 0);
        for (int i = 0; i < 32; i++)
            CHECK(codes[i] == zero);
        x[0] = nan;
        x[1] = inf;
        x[2] = -inf;
        CHECK(check_bits(one_block(type, x, codes)) == 0);
        CHECK(codes[0] == zero && codes[1] == high && codes[2] == low);
        x[3] = 2.0f;
        x[4] = -2.0f;
        x[5] = -0.0f;
        CHECK(check_bits(one_block(type, x, codes)) == 0x40000000u);
        CHECK(codes[0] == zero && codes[1] == high && codes[2] == low);
        CHECK(codes[3] == high && codes[4] == low && codes[5] == zero);
        // The reciprocal of the least float is infinite.
        memset(x, 0, sizeof x);
        x[0] = least;
        x[1] = -least;
        CHECK(check_bits(one_block(type, x, codes)) == 1);
        CHECK(codes[0] == high && codes[1] == low && codes[2] == zero);
    }
}

static void test_nested(void)
{
    for (size_t n = 1; n < 40000; n += n < 200 ? 33 : 7777) {
        void *data = bnb_numbers(QQ_TYPE_F16, n);
        const qq_tensor x = bnb_tensor(data, QQ_TYPE_F16, 1, n, 0);
        qq_bnb_options o = qq_bnb_options_init();
        qq_bnb_weight plain, w;
        qq_tensor scales, again, values;

        const size_t flat = qq_bnb_size(&x, NULL);
        uint8_t *one = (uint8_t *)bnb_alloc(flat);
        CHECK(qq_bnb_quantize(&x, NULL, one, flat, NULL, 0, &plain) == QQ_OK);
        o.nested_block_size = 1 + check_u32() % 300;
        const size_t bytes = qq_bnb_size(&x, &o);
        const size_t room = qq_bnb_scratch_size(&x, &o);
        void *out = bnb_alloc(bytes);
        void *scratch = bnb_alloc(room);
        CHECK(qq_bnb_quantize(&x, &o, out, bytes, scratch, room, &w) == QQ_OK);
        CHECK(memcmp(w.packed.data, plain.packed.data, (n + 1) / 2) == 0);

        const size_t blocks = (n + 63) / 64;
        CHECK(w.absmax.shape[0] == blocks && room == 4 * blocks);
        double mean = 0.0;
        for (size_t i = 0; i < blocks; i++)
            mean += (double)qqi_load_f32(one + 4 * i);
        CHECK(bnb_bits(w.nested_offset) ==
              bnb_bits((float)(mean / (double)blocks)));
        float *s = (float *)malloc(4 * blocks);
        float *t = (float *)malloc(4 * blocks);
        CHECK(qq_bnb_scales(&w, s, 4 * blocks, &scales) == QQ_OK);
        for (size_t i = 0; i < blocks; i++) {
            const uint8_t code = ((const uint8_t *)w.absmax.data)[i];
            const size_t of = i / o.nested_block_size;
            const float top =
                qqi_load_f32((const uint8_t *)w.nested_absmax.data + 4 * of);
            const float want =
                qqi_mul_f32(qqi_bnb_dynamic(1, code), top) + w.nested_offset;
            CHECK(bnb_bits(s[i]) == bnb_bits(want));
            // Neighbouring levels are at most 0.0141 of the largest apart.
            const float wide = qqi_load_f32(one + 4 * i);
            CHECK(qqi_abs_f32(s[i] - wide) <= 0.008f * top + 1e-6f);
        }
        // No map stands for the dynamic map, no levels for the type's own.
        w.nested_quant_map.type = QQ_TYPE_NONE;
        w.quant_map.type = QQ_TYPE_NONE;
        CHECK(qq_bnb_scales(&w, t, 4 * blocks, &again) == QQ_OK);
        CHECK(memcmp(s, t, 4 * blocks) == 0);
        void *back = bnb_alloc(4 * n);
        CHECK(qq_bnb_dequantize(&w, QQ_TYPE_F32, back, 4 * n, &values) ==
              QQ_OK);
        bnb_free(back);
        free(t);
        free(s);
        bnb_free(scratch);
        bnb_free(out);
        bnb_free(one);
        bnb_free(data);
    }
}

// Every byte decodes, with the levels of a checkpoint, too.
static void test_bytes(void)
{
    uint8_t packed[128], absmax[32];
    float levels[16], out[256];
    qq_bnb_weight w;
    qq_tensor values;

    memset(&w, 0, sizeof w);
    for (unsigned i = 0; i < 128; i++)
        packed[i] = (uint8_t)(2 * i + 1);
    for (unsigned i = 0; i < 8; i++)
        qqi_store_f32(absmax + 4 * i, qqi_f32_of(0x10000000u * (2 * i)));
    for (unsigned i = 0; i < 16; i++)
        levels[i] = (float)i - 8.5f;
    w.packed = bnb_tensor(packed, QQ_TYPE_UINT8, 2, 128, 1);
    w.absmax = bnb_tensor(absmax, QQ_TYPE_F32, 1, 8, 0);
    w.quant_map = bnb_tensor(levels, QQ_TYPE_F32, 1, 16, 0);
    w.rank = 2;
    w.shape[0] = 8;
    w.shape[1] = 32;
    w.type = QQ_TYPE_NF4;
    w.dtype = QQ_TYPE_F32;
    w.block_size = 32;
    CHECK(qq_bnb_dequantize(&w, QQ_TYPE_NONE, out, sizeof out, &values) ==
          QQ_OK);
    for (unsigned i = 0; i < 256; i++) {
        const unsigned code = i % 2 ? packed[i / 2] & 15u : packed[i / 2] / 16u;
        const float s = qqi_load_f32(absmax + 4 * (i / 32));
        CHECK(bnb_bits(out[i]) == bnb_bits(qqi_mul_f32(levels[code], s)));
    }
}

static void test_refusals(void)
{
    static uint8_t out[2048], scratch[64], before[2048];
    float x[64] = {1.0f};
    qq_tensor t = bnb_tensor(x, QQ_TYPE_F32, 2, 2, 32);
    qq_bnb_options o = qq_bnb_options_init();
    qq_bnb_options zero;
    qq_bnb_weight w, same;

    memset(&zero, 0, sizeof zero);
    memset(&w, 0x5a, sizeof w);
    memcpy(&same, &w, sizeof w);
    memset(out, 0xa5, sizeof out);
    memcpy(before, out, sizeof out);
    const size_t n = qq_bnb_size(&t, &o);
    CHECK(n == 4 + 32);
#define REFUSED(status, x, o, p, n, s, m)                                      \
    CHECK(qq_bnb_quantize(x, o, p, n, s, m, &w) == (status))
    REFUSED(QQ_ERR_ARGUMENT, NULL, &o, out, n, NULL, 0);
    REFUSED(QQ_ERR_ARGUMENT, &t, &zero, out, n, NULL, 0);
    REFUSED(QQ_ERR_SIZE, &t, &o, out, n - 1, NULL, 0);
    REFUSED(QQ_ERR_SIZE, &t, &o, NULL, 0, NULL, 0);
    REFUSED(QQ_ERR_ARGUMENT, &t, &o, NULL, n, NULL, 0);
    REFUSED(QQ_ERR_ARGUMENT, &t, &o, out, n, NULL, 1);
    CHECK(qq_bnb_quantize(&t, &o, out, n, NULL, 0, NULL) == QQ_ERR_ARGUMENT);
    t.type = QQ_TYPE_F64;
    REFUSED(QQ_ERR_TYPE, &t, &o, out, n, NULL, 0);
    CHECK(qq_bnb_size(&t, &o) == SIZE_MAX);
    CHECK(qq_bnb_scratch_size(&t, &o) == SIZE_MAX);
    t.type = QQ_TYPE_F32;
    t.data = NULL;
    REFUSED(QQ_ERR_ARGUMENT, &t, &o, out, n, NULL, 0);
    t.data = x;
    t.rank = QQ_MAX_RANK + 1;
    REFUSED(QQ_ERR_SHAPE, &t, &o, out, n, NULL, 0);
    t.rank = 2;
    t.shape[0] = SIZE_MAX / 32;
    REFUSED(QQ_ERR_SHAPE, &t, &o, out, n, NULL, 0);
    t.shape[0] = 2;
    static const size_t sizes[] = {0, 1, 2, 16, 31, 48, 8192, SIZE_MAX - 63};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        o.block_size = sizes[i];
        REFUSED(QQ_ERR_ARGUMENT, &t, &o, out, n, NULL, 0);
    }
    o.block_size = 64;
    o.type = QQ_TYPE_INT4;
    REFUSED(QQ_ERR_TYPE, &t, &o, out, n, NULL, 0);
    o.type = QQ_TYPE_NF4;
    o.nested_block_size = 256;
    REFUSED(QQ_ERR_SCRATCH, &t, &o, out, sizeof out, scratch, 3);
    CHECK(memcmp(out, before, sizeof out) == 0);
    CHECK(memcmp(&w, &same, sizeof w) == 0);
    REFUSED(QQ_OK, &t, &o, out, sizeof out, scratch, 4);
#undef REFUSED
}

static void test_weight_refusals(void)
{
    uint8_t packed[32] = {0}, scales[4] = {0};
    float out[64];
    qq_bnb_weight good, w;
    qq_tensor v;

    memset(&good, 0, sizeof good);
    good.packed = bnb_tensor(packed, QQ_TYPE_UINT8, 1, 32, 0);
    good.absmax = bnb_tensor(scales, QQ_TYPE_F32, 1, 1, 0);
    good.rank = 1;
    good.shape[0] = 64;
    good.type = QQ_TYPE_BNB_FP4;
    good.dtype = QQ_TYPE_F32;
    good.block_size = 64;
    w = good;
#define BAD(status)                                                            \
    CHECK(qq_bnb_dequantize(&w, QQ_TYPE_NONE, out, sizeof out, &v) ==          \
          (status));                                                           \
    w = good
    CHECK(qq_bnb_dequantize(NULL, QQ_TYPE_F32, out, sizeof out, &v) ==
          QQ_ERR_ARGUMENT);
    BAD(QQ_OK);
    w.packed.shape[0] = 31;
    BAD(QQ_ERR_SHAPE);
    w.packed.type = QQ_TYPE_INT8;
    BAD(QQ_ERR_TYPE);
    w.packed.data = NULL;
    BAD(QQ_ERR_ARGUMENT);
    w.absmax.type = QQ_TYPE_UINT8;
    BAD(QQ_ERR_TYPE);
    w.absmax.shape[0] = 2;
    BAD(QQ_ERR_SHAPE);
    w.quant_map = good.absmax;
    BAD(QQ_ERR_SHAPE);
    w.block_size = 100;
    BAD(QQ_ERR_ARGUMENT);
    w.type = QQ_TYPE_INT4;
    BAD(QQ_ERR_TYPE);
    w.dtype = QQ_TYPE_NONE;
    BAD(QQ_ERR_TYPE);
    w.rank = 9;
    BAD(QQ_ERR_SHAPE);
    w.nested_block_size = 256;
    BAD(QQ_ERR_TYPE); // f32 scales where codes should be
    w.nested_block_size = 256;
    w.absmax.type = QQ_TYPE_UINT8;
    BAD(QQ_ERR_TYPE); // no nested scales
#undef BAD
    CHECK(qq_bnb_dequantize(&w, QQ_TYPE_INT8, out, sizeof out, &v) ==
          QQ_ERR_TYPE);
    CHECK(qq_bnb_dequantize(&w, QQ_TYPE_F32, out, sizeof out - 1, &v) ==
          QQ_ERR_SIZE);
    CHECK(qq_bnb_scales(&w, out, 3, &v) == QQ_ERR_SIZE);
    CHECK(qq_bnb_scales(&w, out, 4, &v) == QQ_OK);
    CHECK(qq_bnb_scales(&w, out, 4, NULL) == QQ_ERR_ARGUMENT);
}

int main(void)
{
    test_tables();
    test_arrays();
    test_special();
    test_nested();
    test_bytes();
    test_refusals();
    test_weight_refusals();
    return check_done();
}
