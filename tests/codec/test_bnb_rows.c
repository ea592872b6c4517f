// int8 by rows against its equations, and the product in 64 bits.

#include "codec/bnb_product.h"
#include "codec/bnb_rows.h"
#include "bnb.h"

static void check_matrix(qq_type type, size_t rows, size_t columns,
                         float threshold)
{
    const size_t n = rows * columns;
    void *data = bnb_numbers(type, n);
    const qq_tensor x = bnb_tensor(data, type, 2, rows, columns);
    const size_t bytes = qq_bnb_rows_size(&x, threshold);
    void *out = bnb_alloc(bytes);
    void *back = bnb_alloc(4 * n);
    qq_bnb_rows r;
    qq_tensor values;
    size_t found = 0;

    CHECK(bytes ==
          (n == 0 ? 0 : 4 * rows + n + (threshold > 0 ? 4 * columns : 0)));
    CHECK(qq_bnb_quantize_rows(&x, threshold, out, bytes, &r) == QQ_OK);
    CHECK(qq_bnb_dequantize_rows(&r, QQ_TYPE_F32, back, 4 * n, &values) ==
          QQ_OK);
    const int8_t *codes = (const int8_t *)r.codes.data;
    const uint8_t *list = (const uint8_t *)r.columns.data;
    for (size_t j = 0; j < columns && n > 0; j++) {
        int out_of_it = 0;
        for (size_t i = 0; i < rows; i++)
            out_of_it |=
                threshold > 0 &&
                qqi_abs_f32(qqi_bnb_load(type, data, i * columns + j)) >=
                    threshold;
        if (out_of_it)
            CHECK(found < r.columns.shape[0] &&
                  qqi_load_i32(list + 4 * found) == (int32_t)j);
        found += (size_t)out_of_it;
        for (size_t i = 0; i < rows; i++) {
            float top = 0.0f;
            for (size_t k = 0; k < columns; k++) {
                const float a =
                    qqi_abs_f32(qqi_bnb_load(type, data, i * columns + k));
                if (!(threshold > 0 && a >= threshold) && a > top)
                    top = a;
            }
            CHECK(check_bits(qqi_load_f32((const uint8_t *)r.absmax.data +
                                          4 * i)) == check_bits(top));
            const float v = qqi_bnb_load(type, data, i * columns + j);
            const float q = top > 0.0f ? qqi_mul_f32(v, 127.0f / top) : 0.0f;
            const int want = out_of_it ? 0 : (int)qqi_rne_f32(q);
            CHECK(codes[i * columns + j] == want);
            CHECK(bnb_bits(
                      qqi_load_f32((uint8_t *)back + 4 * (i * columns + j))) ==
                  bnb_bits(qqi_mul_f32(qqi_mul_f32((float)want, top),
                                       7.874015718698502e-3f)));
        }
    }
    CHECK(found == r.columns.shape[0]);
    bnb_free(back);
    bnb_free(out);
    bnb_free(data);
}

static void test_special(void)
{
    // A row of zeros; one with no finite number; the smallest floats.
    float x[12];
    uint8_t out[12 + 16 + 12];
    qq_bnb_rows r;

    for (int i = 0; i < 12; i++)
        x[i] = 0.0f;
    x[1] = -0.0f;
    x[4] = qqi_f32_of(0x7fc00000u);
    x[5] = qqi_f32_of(0x7f800000u);
    x[6] = qqi_f32_of(0xff800000u);
    x[8] = qqi_f32_of(2);
    x[9] = -qqi_f32_of(2);
    x[10] = qqi_f32_of(1);
    const qq_tensor t = bnb_tensor(x, QQ_TYPE_F32, 2, 3, 4);
    CHECK(qq_bnb_quantize_rows(&t, 0.0f, out, 24, &r) == QQ_OK);
    static const int8_t want[12] = {0,    0, 0,   0,    0,  127,
                                    -127, 0, 127, -127, 64, 0};
    CHECK(memcmp(r.codes.data, want, 12) == 0);
    CHECK(check_bits(qqi_load_f32(out)) == 0);
    CHECK(check_bits(qqi_load_f32(out + 4)) == 0);
    CHECK(check_bits(qqi_load_f32(out + 8)) == 2);
    // An infinity is an outlier, a NaN is none.
    CHECK(qq_bnb_quantize_rows(&t, 6.0f, out, sizeof out, &r) == QQ_OK);
    CHECK(r.columns.shape[0] == 2);
    CHECK(qqi_load_i32(r.columns.data) == 1);
}

static void test_product(void)
{
    for (size_t k = 0; k < 70; k += 3) {
        const size_t m = 1 + k % 4, n = 1 + k % 5;
        int8_t *a = (int8_t *)bnb_alloc(m * k);
        int8_t *b = (int8_t *)bnb_alloc(n * k);
        for (size_t i = 0; i < m * k; i++)
            a[i] = (int8_t)((int)(check_u32() % 256) - 128);
        for (size_t i = 0; i < n * k; i++)
            b[i] = (int8_t)((int)(check_u32() % 256) - 128);
        const qq_tensor x = bnb_tensor(a, QQ_TYPE_INT8, 2, m, k);
        const qq_tensor y = bnb_tensor(b, QQ_TYPE_INT8, 2, n, k);
        float xs[4], ys[5], bias[5], z[20];
        qq_tensor sums, view;
        uint8_t *out = (uint8_t *)bnb_alloc(4 * m * n);
        for (int i = 0; i < 5; i++) {
            xs[i % 4] = qqi_abs_f32(check_uniform());
            ys[i] = qqi_abs_f32(check_uniform());
            bias[i] = check_uniform();
        }
        const qq_tensor xt = bnb_tensor(xs, QQ_TYPE_F32, 1, m, 0);
        const qq_tensor yt = bnb_tensor(ys, QQ_TYPE_F32, 1, n, 0);
        const qq_tensor bt = bnb_tensor(bias, QQ_TYPE_F32, 1, n, 0);
        CHECK(qq_bnb_rows_product(&x, &y, out, 4 * m * n, &sums) == QQ_OK);
        CHECK(qq_bnb_rows_scale(&sums, &xt, &yt, k % 2 ? &bt : NULL,
                                QQ_TYPE_F32, z, 4 * m * n, &view) == QQ_OK);
        for (size_t i = 0; i < m * n; i++) {
            int64_t sum = 0;
            for (size_t c = 0; c < k; c++)
                sum += a[i / n * k + c] * b[i % n * k + c];
            CHECK(qqi_load_i32(out + 4 * i) == sum);
            float want = qqi_mul_f32(
                qqi_mul_f32((float)sum, qqi_mul_f32(xs[i / n], ys[i % n])),
                6.200124e-05f);
            if (k % 2)
                want += bias[i % n];
            CHECK(bnb_bits(z[i]) == bnb_bits(want));
        }
        bnb_free(out);
        bnb_free(b);
        bnb_free(a);
    }
}

static void test_refusals(void)
{
    float x[8] = {1.0f}, s[2] = {1.0f, 1.0f};
    int8_t codes[8] = {1};
    uint8_t out[64];
    qq_tensor t = bnb_tensor(x, QQ_TYPE_F32, 2, 2, 4);
    qq_tensor c = bnb_tensor(codes, QQ_TYPE_INT8, 2, 2, 4);
    qq_tensor scale = bnb_tensor(s, QQ_TYPE_F32, 1, 2, 0);
    qq_tensor v;
    qq_bnb_rows r;

    CHECK(qq_bnb_quantize_rows(NULL, 0, out, 64, &r) == QQ_ERR_ARGUMENT);
    CHECK(qq_bnb_quantize_rows(&t, -1, out, 64, &r) == QQ_ERR_ARGUMENT);
    CHECK(qq_bnb_quantize_rows(&t, qqi_f32_of(0x7fc00000u), out, 64, &r) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_bnb_rows_size(&t, -1) == SIZE_MAX);
    CHECK(qq_bnb_quantize_rows(&t, 0, out, 15, &r) == QQ_ERR_SIZE);
    CHECK(qq_bnb_quantize_rows(&t, 0, out, 16, NULL) == QQ_ERR_ARGUMENT);
    t.rank = 0;
    CHECK(qq_bnb_quantize_rows(&t, 0, out, 64, &r) == QQ_ERR_SHAPE);
    t.rank = 2;
    t.type = QQ_TYPE_INT8;
    CHECK(qq_bnb_quantize_rows(&t, 0, out, 64, &r) == QQ_ERR_TYPE);
    t.type = QQ_TYPE_F32;
    CHECK(qq_bnb_quantize_rows(&t, 0, out, 16, &r) == QQ_OK);
    CHECK(qq_bnb_dequantize_rows(&r, QQ_TYPE_INT8, x, 32, &v) == QQ_ERR_TYPE);
    CHECK(qq_bnb_dequantize_rows(&r, QQ_TYPE_F32, x, 31, &v) == QQ_ERR_SIZE);
    r.absmax.shape[0] = 1;
    CHECK(qq_bnb_dequantize_rows(&r, QQ_TYPE_F32, x, 32, &v) == QQ_ERR_SHAPE);
    CHECK(qq_bnb_dequantize_rows(NULL, QQ_TYPE_F32, x, 32, &v) ==
          QQ_ERR_ARGUMENT);

    CHECK(qq_bnb_rows_product(&t, &c, out, 64, &v) == QQ_ERR_TYPE);
    CHECK(qq_bnb_rows_product(&c, &c, out, 15, &v) == QQ_ERR_SIZE);
    CHECK(qq_bnb_rows_product(&c, &c, out, 64, NULL) == QQ_ERR_ARGUMENT);
    qq_tensor other = c;
    other.shape[1] = 2;
    CHECK(qq_bnb_rows_product(&c, &other, out, 64, &v) == QQ_ERR_SHAPE);
    other.rank = 1;
    CHECK(qq_bnb_rows_product(&c, &other, out, 64, &v) == QQ_ERR_SHAPE);
    other = c;
    other.shape[0] = 1;
    other.shape[1] = 131072;
    CHECK(qq_bnb_rows_product(&other, &other, out, 64, &v) == QQ_ERR_SHAPE);

    qq_tensor sums;
    CHECK(qq_bnb_rows_product(&c, &c, out, 16, &sums) == QQ_OK);
#define SCALE(a, b, d, type, n)                                                \
    qq_bnb_rows_scale(&sums, a, b, d, type, x, n, &v)
    CHECK(SCALE(&scale, &scale, NULL, QQ_TYPE_F16, 8) == QQ_OK);
    CHECK(SCALE(&scale, &scale, NULL, QQ_TYPE_F16, 7) == QQ_ERR_SIZE);
    CHECK(SCALE(&scale, &scale, NULL, QQ_TYPE_F64, 32) == QQ_ERR_TYPE);
    CHECK(SCALE(NULL, &scale, NULL, QQ_TYPE_F16, 8) == QQ_ERR_ARGUMENT);
    CHECK(SCALE(&scale, &scale, &c, QQ_TYPE_F16, 8) == QQ_ERR_TYPE);
    CHECK(SCALE(&t, &scale, NULL, QQ_TYPE_F16, 8) == QQ_ERR_SHAPE);
    CHECK(SCALE(&scale, &scale, &t, QQ_TYPE_F16, 8) == QQ_ERR_SHAPE);
#undef SCALE
}

int main(void)
{
    for (size_t n = 0; n < 12; n++) {
        check_matrix(bnb_types[n % 3], n, 7, 0.0f);
        check_matrix(bnb_types[n % 3], n, 13, 6.0f);
        check_matrix(bnb_types[n % 3], 3, n, 0.5f);
    }
    test_special();
    test_product();
    test_refusals();
    return check_done();
}
