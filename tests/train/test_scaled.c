// Tensors with several scales, biases and a mask, against plain arithmetic.

#include <math.h>

#include "check.h"
#include "qquant.h"

static const size_t shape[2] = {3, 4};
static const size_t rows[2] = {3, 1};
static const size_t columns[2] = {1, 4};

static void check_formula(void)
{
    float x[12] = {0}, scale[3] = {0.5f, 3, 0.1f}, second[4] = {1, 2, 4, 0.3f};
    float bias[3] = {1, -2, 0.25f}, mask[4] = {1, 0, 1, 1};
    float v[12], y[12];
    const qq_tensor tx = qq_tensor_make(x, QQ_TYPE_F32, 2, shape);
    const qq_tensor scales[2] = {
        qq_tensor_make(scale, QQ_TYPE_F32, 2, rows),
        qq_tensor_make(second, QQ_TYPE_F32, 2, columns)};
    const qq_tensor biases[1] = {qq_tensor_make(bias, QQ_TYPE_F32, 2, rows)};
    const qq_tensor m = qq_tensor_make(mask, QQ_TYPE_F32, 2, columns);
    qq_aqt_tensor t = {
        qq_tensor_make(NULL, QQ_TYPE_NONE, 0, NULL), scales, 2, biases, 1, &m};
    qq_tensor r;

    for (int i = 0; i < 12; i++)
        x[i] = 4 * check_uniform();
    CHECK(qq_aqt_scale_size(&tx, &t) == sizeof v);
    CHECK(qq_aqt_scale(&tx, &t, v, sizeof v, &t.value) == QQ_OK);
    CHECK(t.value.type == QQ_TYPE_F32 && t.value.data == v);
    CHECK(qq_aqt_dequantize(&t, QQ_TYPE_F32, y, sizeof y, &r) == QQ_OK);
    for (int i = 0; i < 12; i++) {
        volatile float w = x[i] + bias[i / 4];
        w = w * mask[i % 4];
        w = w * (1 / scale[i / 4]);
        w = w * (1 / second[i % 4]);
        CHECK(v[i] == w);
        w = w * scale[i / 4];
        w = w * second[i % 4];
        w = w * mask[i % 4];
        w = w - bias[i / 4];
        CHECK(y[i] == w);
    }
}

// bf16 with f32 is f32; the end is cast to the type asked for.
static void check_types(void)
{
    uint16_t x[12] = {0}, y[12];
    float scale[3] = {1, 3, 7}, v[12];
    const qq_tensor tx = qq_tensor_make(x, QQ_TYPE_BF16, 2, shape);
    const qq_tensor scales[1] = {qq_tensor_make(scale, QQ_TYPE_F32, 2, rows)};
    qq_aqt_tensor t = {tx, scales, 1, NULL, 0, NULL};
    qq_tensor r;

    for (int i = 0; i < 12; i++)
        x[i] = qq_bf16_from_f32(check_uniform());
    CHECK(qq_aqt_scale_size(&tx, &t) == sizeof v);
    CHECK(qq_aqt_scale(&tx, &t, v, sizeof v, &t.value) == QQ_OK);
    CHECK(t.value.type == QQ_TYPE_F32);
    CHECK(v[4] == qq_f32_from_bf16(x[4]) * (1.0f / 3));
    CHECK(qq_aqt_dequantize(&t, QQ_TYPE_BF16, y, sizeof y, &r) == QQ_OK);
    CHECK(r.type == QQ_TYPE_BF16 && y[0] == x[0]);
    t.scale_count = 0;
    CHECK(qq_aqt_scale_size(&tx, &t) == sizeof x); // nothing but x: bf16
}

// 1 / 0 counts as 1, on the way there; 0 on the way back stays 0.
static void check_zero_scale(void)
{
    const float x[2] = {3, -0.0f}, zero = 0;
    const size_t two[1] = {2}, one[1] = {1};
    const qq_tensor tx = qq_tensor_make(x, QQ_TYPE_F32, 1, two);
    const qq_tensor scale = qq_tensor_make(&zero, QQ_TYPE_F32, 1, one);
    qq_aqt_tensor t = {tx, &scale, 1, NULL, 0, NULL};
    float v[2], y[2];
    qq_tensor r;

    CHECK(qq_aqt_scale(&tx, &t, v, sizeof v, &t.value) == QQ_OK);
    CHECK(v[0] == 3 && check_bits(v[1]) == 0x80000000u);
    CHECK(qq_aqt_dequantize(&t, QQ_TYPE_F32, y, sizeof y, &r) == QQ_OK);
    CHECK(check_bits(y[0]) == 0 && check_bits(y[1]) == 0x80000000u);
}

static void check_refused(void)
{
    float x[12] = {0}, v[12];
    const size_t two[2] = {2, 4};
    const qq_tensor tx = qq_tensor_make(x, QQ_TYPE_F32, 2, shape);
    qq_tensor scale = qq_tensor_make(x, QQ_TYPE_F32, 2, two);
    qq_aqt_tensor t = {tx, &scale, 1, NULL, 0, NULL};
    qq_tensor r;

    CHECK(qq_aqt_scale(&tx, &t, v, sizeof v, &r) == QQ_ERR_SHAPE);
    CHECK(qq_aqt_scale_size(&tx, &t) == SIZE_MAX);
    CHECK(qq_aqt_dequantize(&t, QQ_TYPE_F32, v, sizeof v, &r) == QQ_ERR_SHAPE);
    scale = qq_tensor_make(x, QQ_TYPE_INT8, 2, rows);
    CHECK(qq_aqt_scale(&tx, &t, v, sizeof v, &r) == QQ_ERR_TYPE);
    scale.type = QQ_TYPE_F32;
    CHECK(qq_aqt_scale(&tx, &t, v, 47, &r) == QQ_ERR_SIZE);
    CHECK(qq_aqt_scale(&tx, &t, v, sizeof v, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_aqt_scale(&tx, NULL, v, sizeof v, &r) == QQ_ERR_ARGUMENT);
    CHECK(qq_aqt_dequantize(&t, QQ_TYPE_INT8, v, sizeof v, &r) == QQ_ERR_TYPE);
    t.bias_count = 1;
    CHECK(qq_aqt_scale(&tx, &t, v, sizeof v, &r) == QQ_ERR_ARGUMENT);
}

int main(void)
{
    check_formula();
    check_types();
    check_zero_scale();
    check_refused();
    return check_done();
}
