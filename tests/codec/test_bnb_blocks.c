// The 8-bit block format of bitsandbytes against a naive search.

#include "codec/bnb_blocks.h"
#include "bnb.h"

static void test_map(void)
{
    float s[256], u[256];

    qq_bnb_dynamic_map(1, s);
    qq_bnb_dynamic_map(0, u);
    CHECK(qqi_bnb_ascends(s) && qqi_bnb_ascends(u));
    for (int i = 1; i < 256; i++)
        CHECK(s[i] > s[i - 1] && u[i] > u[i - 1]);
    CHECK(check_bits(s[127]) == 0 && check_bits(u[0]) == 0);
    CHECK(s[255] >= 1.0f && s[255] <= 1.0f && u[255] >= 1.0f && u[255] <= 1.0f);
    for (int i = 0; i < 127; i++)
        CHECK(check_bits(-s[i]) == check_bits(s[254 - i]));
    // The formula in double: middles of n + 1 points, times a power of ten.
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        int at = is_signed ? 128 : 1;
        double power = 1e-6;
        for (int i = 0; i < 7; i++, power *= 10.0) {
            const int n = is_signed ? 1 << i : 2 << i;
            for (int j = 0; j < n; j++, at++) {
                const double want = (0.1 + 0.9 * (j + 0.5) / n) * power;
                const double got = (double)(is_signed ? s : u)[at];
                CHECK(got > want * (1 - 3e-7) && got < want * (1 + 3e-7));
            }
        }
        CHECK(at == 255);
    }
    float bad[256];
    memcpy(bad, s, sizeof bad);
    bad[9] = bad[7];
    CHECK(!qqi_bnb_ascends(bad));
    bad[9] = qqi_f32_of(0x7fc00000u);
    CHECK(!qqi_bnb_ascends(bad));
}

// The lowest code of the nearest level, the lower one of two.
static unsigned naive_nearest(const float *levels, float v)
{
    unsigned best = 0;

    for (unsigned i = 1; i < 256; i++) {
        // Exact: a double holds the distance of floats of like size.
        const double d = (double)levels[i] - (double)v;
        const double e = (double)levels[best] - (double)v;
        if ((d < 0 ? -d : d) < (e < 0 ? -e : e))
            best = i;
    }
    return best;
}

static void test_nearest(void)
{
    float levels[256];

    for (int map = 0; map < 3; map++) {
        if (map < 2)
            qq_bnb_dynamic_map(map, levels);
        else // equal levels, and steps
            for (int i = 0; i < 256; i++)
                levels[i] = (float)(i / 5 - 25) / 25.0f;
        const uint8_t *bytes = (const uint8_t *)levels;
        for (int i = 0; i < 255; i++) {
            const float middle = (levels[i] + levels[i + 1]) / 2.0f;
            for (uint32_t up = 0; up < 5; up++) {
                const float v = qqi_f32_of(qqi_f32_bits(middle) + up - 2);
                if (!(v < 2.0f && v > -2.0f)) // around 0 bits wrap
                    continue;
                CHECK(qqi_bnb_nearest(bytes, v) == naive_nearest(levels, v));
            }
            CHECK(levels[qqi_bnb_nearest(bytes, levels[i])] <= levels[i] &&
                  levels[qqi_bnb_nearest(bytes, levels[i])] >= levels[i]);
        }
        for (size_t i = 0; i < check_count(5000); i++) {
            float v = check_uniform() * 1.1f;
            for (uint32_t k = check_u32() % 4; k > 0; k--)
                v *= 0.01f;
            CHECK(qqi_bnb_nearest(bytes, v) == naive_nearest(levels, v));
        }
    }
}

static void check_array(qq_type dtype, size_t n, size_t block_size)
{
    void *data = bnb_numbers(dtype, n);
    const qq_tensor x = bnb_tensor(data, dtype, 2, 1, n);
    float levels[256];
    qq_bnb_blocks b, given;
    qq_tensor values;

    qq_bnb_dynamic_map(1, levels);
    const size_t bytes = qq_bnb_blocks_size(&x, block_size, NULL);
    const size_t less = qq_bnb_blocks_size(&x, block_size, levels);
    CHECK(less + (n ? 1024 : 0) == bytes);
    void *out = bnb_alloc(bytes);
    void *own = bnb_alloc(less);
    void *back = bnb_alloc(4 * n);
    CHECK(qq_bnb_quantize_blocks(&x, block_size, NULL, out, bytes, &b) ==
          QQ_OK);
    CHECK(qq_bnb_quantize_blocks(&x, block_size, levels, own, less, &given) ==
          QQ_OK);
    if (n > 0) {
        CHECK(memcmp(b.codes.data, given.codes.data, n) == 0);
        CHECK(memcmp(b.quant_map.data, levels, sizeof levels) == 0);
    }
    CHECK(qq_bnb_dequantize_blocks(&b, QQ_TYPE_F32, back, 4 * n, &values) ==
          QQ_OK);
    CHECK(values.rank == 2 && values.shape[1] == n);
    for (size_t i = 0; i < n; i++) {
        const size_t from = i / block_size * block_size;
        const size_t count = n - from < block_size ? n - from : block_size;
        const float top = qqi_bnb_absmax(dtype, data, from, count);
        const float v = qqi_bnb_load(dtype, data, i);
        const unsigned code = ((const uint8_t *)b.codes.data)[i];
        CHECK(code == naive_nearest(levels, top > 0.0f ? v / top : 0.0f));
        CHECK(bnb_bits(qqi_load_f32((uint8_t *)back + 4 * i)) ==
              bnb_bits(qqi_mul_f32(levels[code], top)));
    }
    bnb_free(back);
    bnb_free(own);
    bnb_free(out);
    bnb_free(data);
}

static void test_special(void)
{
    float x[4] = {qqi_f32_of(0x7fc00000u), qqi_f32_of(0x7f800000u),
                  qqi_f32_of(0xff800000u), 0.0f};
    const qq_tensor t = bnb_tensor(x, QQ_TYPE_F32, 1, 4, 0);
    uint8_t out[4 + 1024 + 4];
    qq_bnb_blocks b;

    for (int round = 0; round < 2; round++, x[3] = 3.0f) {
        CHECK(qq_bnb_quantize_blocks(&t, 7, NULL, out, sizeof out, &b) ==
              QQ_OK);
        const uint8_t *c = (const uint8_t *)b.codes.data;
        CHECK(c[0] == 127 && c[1] == 255 && c[2] == 0);
        CHECK(c[3] == (round ? 255 : 127));
        CHECK(check_bits(qqi_load_f32(out)) == (round ? 0x40400000u : 0));
    }
}

static void test_refusals(void)
{
    float x[8] = {1.0f}, levels[256];
    uint8_t out[1100], before[1100];
    qq_tensor t = bnb_tensor(x, QQ_TYPE_F32, 1, 8, 0);
    qq_tensor v;
    qq_bnb_blocks b;
    const size_t n = qq_bnb_blocks_size(&t, 8, NULL);

    qq_bnb_dynamic_map(1, levels);
    memset(out, 0xa5, sizeof out);
    memcpy(before, out, sizeof out);
    CHECK(n == 4 + 1024 + 8);
    CHECK(qq_bnb_quantize_blocks(NULL, 8, NULL, out, n, &b) == QQ_ERR_ARGUMENT);
    CHECK(qq_bnb_quantize_blocks(&t, 0, NULL, out, n, &b) == QQ_ERR_ARGUMENT);
    CHECK(qq_bnb_quantize_blocks(&t, 8, NULL, out, n - 1, &b) == QQ_ERR_SIZE);
    CHECK(qq_bnb_quantize_blocks(&t, 8, NULL, NULL, n, &b) == QQ_ERR_ARGUMENT);
    CHECK(qq_bnb_quantize_blocks(&t, 8, NULL, out, n, NULL) == QQ_ERR_ARGUMENT);
    levels[3] = 2.0f;
    CHECK(qq_bnb_quantize_blocks(&t, 8, levels, out, n, &b) == QQ_ERR_ARGUMENT);
    CHECK(qq_bnb_blocks_size(&t, 8, levels) == SIZE_MAX);
    t.type = QQ_TYPE_F64;
    CHECK(qq_bnb_quantize_blocks(&t, 8, NULL, out, n, &b) == QQ_ERR_TYPE);
    CHECK(qq_bnb_blocks_size(&t, 8, NULL) == SIZE_MAX);
    CHECK(memcmp(out, before, sizeof out) == 0);
    t.type = QQ_TYPE_F32;
    CHECK(qq_bnb_quantize_blocks(&t, 8, NULL, out, n, &b) == QQ_OK);
    qq_bnb_blocks bad = b;
    bad.block_size = 4;
    CHECK(qq_bnb_dequantize_blocks(&bad, QQ_TYPE_F32, x, sizeof x, &v) ==
          QQ_ERR_SHAPE);
    bad.block_size = 0;
    CHECK(qq_bnb_dequantize_blocks(&bad, QQ_TYPE_F32, x, sizeof x, &v) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_bnb_dequantize_blocks(&b, QQ_TYPE_UINT8, x, sizeof x, &v) ==
          QQ_ERR_TYPE);
    CHECK(qq_bnb_dequantize_blocks(&b, QQ_TYPE_F32, x, sizeof x - 1, &v) ==
          QQ_ERR_SIZE);
    bad = b;
    bad.quant_map.shape[0] = 255;
    CHECK(qq_bnb_dequantize_blocks(&bad, QQ_TYPE_F32, x, sizeof x, &v) ==
          QQ_ERR_SHAPE);
    bad = b;
    bad.codes.type = QQ_TYPE_INT8;
    CHECK(qq_bnb_dequantize_blocks(&bad, QQ_TYPE_F32, x, sizeof x, &v) ==
          QQ_ERR_TYPE);
    CHECK(qq_bnb_dequantize_blocks(&b, QQ_TYPE_F16, x, 16, &v) == QQ_OK);
}

int main(void)
{
    test_map();
    test_nearest();
    for (size_t n = 0; n < 40; n++)
        check_array(bnb_types[n % 3], n, 1 + n % 7);
    check_array(QQ_TYPE_F32, 3000, 256);
    check_array(QQ_TYPE_BF16, 1000, 4096);
    test_special();
    test_refusals();
    return check_done();
}
