// Numbers limited to bounds, gradients masked by them.

#include "weights.h"

static float clipped(float v, float low, float high)
{
    return v < low ? low : v > high ? high : v;
}

static void test_random(void)
{
    static const qq_type inputs[3] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};

    for (size_t k = 0; k < check_count(400); k++) {
        const size_t tile[2] = {1 + below(4), 1 + below(9)};
        const size_t parts[2] = {1 + below(4), 1 + below(9)};
        const size_t shape[2] = {tile[0] * parts[0], tile[1] * parts[1]};
        const qq_type type = inputs[k % 3];
        const qq_tensor x = weights_tensor(type, 2, shape, 1.0f);
        const qq_tensor g = weights_tensor(inputs[below(3)], 2, shape, 1.0f);
        const qq_tensor low = weights_tensor(type, 2, parts, 0.3f);
        const qq_tensor high = weights_tensor(type, 2, parts, 0.3f);
        const qq_calibration c = {{0.5, 0}, 1, QQ_CALIB_ABSMAX};
        const size_t n = qq_tensor_count(&x);
        qq_tensor y, h;
        qq_bounds b;

        memset(&b, 0, sizeof b);
        for (size_t t = 0; t < parts[0] * parts[1]; t++) {
            weights_set(&low, t, -fabsf(qq_tensor_value(&low, t)));
            weights_set(&high, t, fabsf(qq_tensor_value(&high, t)));
        }
        weights_set(&x, below(n), NAN);
        if (k % 2) {
            b.absmax = high;
        } else {
            b.min = low;
            b.max = high;
        }
        const size_t bytes = qq_tensor_bytes(&x);
        CHECK(qq_clip_to_bounds(&x, &b, room(bytes), bytes, &y) == QQ_OK);
        const size_t g_bytes = qq_tensor_bytes(&g);
        CHECK(qq_clip_gradient(&g, &x, &b, &c, room(g_bytes), g_bytes, &h) ==
              QQ_OK);
        for (size_t i = 0; i < n; i++) {
            const size_t t =
                i / shape[1] / tile[0] * parts[1] + i % shape[1] / tile[1];
            const float top = qq_tensor_value(&high, t);
            const float bottom = k % 2 ? -top : qq_tensor_value(&low, t);
            const float v = qq_tensor_value(&x, i);
            const float got = qq_tensor_value(&y, i);
            const float want = clipped(v, bottom, top);
            CHECK(isnan(v) ? isnan(got) : got >= want && got <= want);
            const float d =
                v >= bottom && v <= top ? qq_tensor_value(&g, i) : 0.0f;
            CHECK(check_bits(qq_tensor_value(&h, i)) == check_bits(d));
        }
        // In place.
        CHECK(qq_clip_to_bounds(&x, &b, (void *)(uintptr_t)x.data, bytes, &y) ==
              QQ_OK);
        room_free();
    }
}

// absmax and minmax without a factor below 1 let everything through.
static void test_passes(void)
{
    const float x[4] = {-2.0f, -1.0f, 1.0f, NAN};
    const float g[4] = {1.0f, 2.0f, -0.0f, 4.0f};
    const float one = 1.0f;
    const size_t n = 4, single = 1;
    const qq_tensor tx = qq_tensor_make(x, QQ_TYPE_F32, 1, &n);
    const qq_tensor tg = qq_tensor_make(g, QQ_TYPE_F32, 1, &n);
    qq_calibration c = {{0, 0}, 0, QQ_CALIB_ABSMAX};
    float out[4];
    qq_tensor view;
    qq_bounds b;

    memset(&b, 0, sizeof b);
    b.absmax = qq_tensor_make(&one, QQ_TYPE_F32, 1, &single);
    CHECK(qq_clip_gradient(&tg, &tx, &b, &c, out, 16, &view) == QQ_OK);
    CHECK(memcmp(out, g, 16) == 0);
    c.method = QQ_CALIB_MINMAX;
    c.arg_count = 1;
    c.args[0] = 1.0;
    CHECK(qq_clip_gradient(&tg, &tx, &b, &c, out, 16, &view) == QQ_OK);
    CHECK(memcmp(out, g, 16) == 0);
    c.method = QQ_CALIB_RMS;
    c.args[0] = 3.0;
    CHECK(qq_clip_gradient(&tg, &tx, &b, &c, out, 16, &view) == QQ_OK);
    CHECK(!(out[0] > 0.0f) && out[1] >= 2.0f && !(out[3] > 0.0f));
    c.method = QQ_CALIB_ABSMAX;
    c.args[0] = 0.999;
    CHECK(qq_clip_gradient(&tg, &tx, &b, &c, out, 16, &view) == QQ_OK);
    CHECK(!(out[0] > 0.0f) && !(out[3] > 0.0f));
}

static void test_errors(void)
{
    const float x[4] = {0};
    const size_t n = 4, three = 3, single = 1;
    const qq_tensor tx = qq_tensor_make(x, QQ_TYPE_F32, 1, &n);
    const qq_tensor short_one = qq_tensor_make(x, QQ_TYPE_F32, 1, &three);
    const qq_calibration c = {{0, 0}, 0, QQ_CALIB_ABSMAX};
    float out[4];
    qq_tensor view;
    qq_bounds b;

    memset(&b, 0, sizeof b);
    CHECK(qq_clip_to_bounds(&tx, &b, out, 16, &view) == QQ_ERR_ARGUMENT);
    CHECK(qq_clip_to_bounds(&tx, NULL, out, 16, &view) == QQ_ERR_ARGUMENT);
    b.absmax = short_one;
    CHECK(qq_clip_to_bounds(&tx, &b, out, 16, &view) == QQ_ERR_SHAPE);
    b.absmax = qq_tensor_make(x, QQ_TYPE_INT8, 1, &single);
    CHECK(qq_clip_to_bounds(&tx, &b, out, 16, &view) == QQ_ERR_TYPE);
    b.absmax = qq_tensor_make(x, QQ_TYPE_F32, 1, &single);
    CHECK(qq_clip_to_bounds(&tx, &b, out, 15, &view) == QQ_ERR_SIZE);
    CHECK(qq_clip_to_bounds(NULL, &b, out, 16, &view) == QQ_ERR_ARGUMENT);
    CHECK(qq_clip_gradient(&short_one, &tx, &b, &c, out, 16, &view) ==
          QQ_ERR_SHAPE);
    CHECK(qq_clip_gradient(&tx, &tx, &b, NULL, out, 16, &view) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_clip_gradient(&tx, &tx, &b, &c, out, 16, NULL) == QQ_ERR_ARGUMENT);
}

int main(void)
{
    test_random();
    test_passes();
    test_errors();
    return check_done();
}
