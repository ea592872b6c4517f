// Stochastic rounding: noise that is drawn is noise that is given, axes share
// it, and the mean of many roundings is the number itself.

#include "weights.h"

static qq_scheme noisy(qq_rule rule, qq_noise noise, uint32_t shared)
{
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_INT8, rule);

    s.noise = noise;
    s.noise_shared = shared;
    s.key = qq_key_make(77, 0);
    return s;
}

// Drawn noise, made by the public call, and added by hand.
static void check_drawn(qq_rule rule, qq_noise noise, uint32_t shared,
                        qq_random_layout layout)
{
    const size_t shape[3] = {4, 5, 7};
    const qq_tensor x = weights_tensor(QQ_TYPE_F32, 3, shape, 1.0f);
    qq_scheme s = noisy(rule, noise, shared);
    size_t part[3];
    size_t count = 1;
    qq_array a, b;

    s.layout = layout;
    for (unsigned k = 0; k < 3; k++) {
        part[k] = shared >> k & 1 ? 1 : shape[k];
        count *= part[k];
    }
    float *numbers = (float *)malloc(4 * count);
    CHECK(qq_random_noise(s.key, layout, noise, count, 0, count, numbers) ==
          QQ_OK);
    CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
    for (size_t i = 0; i < 140; i++) {
        const size_t at[3] = {i / 35, i / 7 % 5, i % 7};
        size_t n = 0;
        for (unsigned k = 0; k < 3; k++)
            n = n * part[k] + (part[k] == 1 ? 0 : at[k]);
        const float scale = qq_tensor_value(&a.scale, 0);
        const float y = qq_tensor_value(&x, i) / scale + numbers[n];
        float r = rintf(y);
        r = r > 127.0f ? 127.0f : r;
        r = r < -128.0f ? -128.0f : r;
        if (rule == QQ_RULE_QQUANT && r < -127.0f)
            r = -127.0f;
        CHECK(qq_tensor_code(&a.value, i) == (int32_t)r);
    }
    const qq_tensor given = qq_tensor_make(numbers, QQ_TYPE_F32, 3, part);
    s.noise = QQ_NOISE_GIVEN;
    s.given_noise = &given;
    CHECK(weights_quantize(&x, &s, &b) == QQ_OK);
    CHECK(memcmp(a.value.data, b.value.data, 140) == 0);
    free(numbers);
    room_free();
}

static void test_drawn(void)
{
    for (uint32_t shared = 0; shared < 8; shared++) {
        const qq_random_layout new_way = QQ_RANDOM_PARTITIONABLE;
        const qq_random_layout old_way = QQ_RANDOM_LEGACY;
        check_drawn(QQ_RULE_QQUANT, QQ_NOISE_UNIFORM, shared, new_way);
        check_drawn(QQ_RULE_QQUANT, QQ_NOISE_LOW_BIT, shared, old_way);
        check_drawn(QQ_RULE_QQUANT, QQ_NOISE_AQT, shared, new_way);
        check_drawn(QQ_RULE_QWIX, QQ_NOISE_UNIFORM, shared, new_way);
        check_drawn(QQ_RULE_QWIX, QQ_NOISE_LOW_BIT, shared, old_way);
    }
}

// A given tensor broadcasts from its last axis on.
static void test_given(void)
{
    const size_t shape[2] = {3, 4}, row = 4, column[2] = {3, 1}, wrong = 3;
    float numbers[4] = {-0.4f, 0.0f, 0.2f, 0.49f};
    const qq_tensor x = weights_tensor(QQ_TYPE_F32, 2, shape, 1.0f);
    qq_tensor n = qq_tensor_make(numbers, QQ_TYPE_F32, 1, &row);
    qq_scheme s = noisy(QQ_RULE_QQUANT, QQ_NOISE_GIVEN, 0);
    qq_array a;

    s.given_noise = &n;
    for (int by_column = 0; by_column < 2; by_column++) {
        if (by_column)
            n = qq_tensor_make(numbers, QQ_TYPE_F32, 2, column);
        CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
        for (size_t i = 0; i < 12; i++) {
            const float y =
                qq_tensor_value(&x, i) / qq_tensor_value(&a.scale, 0) +
                numbers[by_column ? i / 4 : i % 4];
            const float r = fminf(fmaxf(rintf(y), -127.0f), 127.0f);
            CHECK(qq_tensor_code(&a.value, i) == (int32_t)r);
        }
    }
    n = qq_tensor_make(numbers, QQ_TYPE_F32, 1, &wrong);
    CHECK(weights_quantize(&x, &s, &a) == QQ_ERR_SCHEME);
    n = qq_tensor_make(numbers, QQ_TYPE_INT8, 1, &row);
    CHECK(weights_quantize(&x, &s, &a) == QQ_ERR_SCHEME);
    room_free();
}

// The mean of n roundings of one number, in steps; its standard deviation is
// at most half a step / sqrt(n).
static void test_mean(void)
{
    const size_t n = 40000;
    const double bound = 5.0 * 0.5 / sqrt((double)n);
    static const qq_noise noises[3] = {QQ_NOISE_UNIFORM, QQ_NOISE_AQT,
                                       QQ_NOISE_AQT_CUSTOM};

    for (int k = 0; k < 3; k++) {
        for (int part = 0; part < 8; part++) {
            const float value = 3.0f + (float)part / 8.0f;
            qq_scheme s = noisy(QQ_RULE_QQUANT, noises[k], 0);
            qq_tensor x = weights_tensor(QQ_TYPE_F32, 1, &n, 0.0f);
            double sum = 0.0;
            qq_array a;

            s.calibration.method = QQ_CALIB_FIXED;
            s.calibration.arg_count = 1;
            s.calibration.args[0] = 127.5; // scale 1
            for (size_t i = 0; i < n; i++)
                weights_set(&x, i, value);
            s.key = qq_key_make(1000 + part, 0);
            CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
            for (size_t i = 0; i < n; i++)
                sum += qq_tensor_code(&a.value, i);
            CHECK(fabs(sum / (double)n - (double)value) < bound);
            room_free();
        }
    }
}

// Types that Qwix rounds without noise; with a zero point noise comes last.
static void test_where(void)
{
    const size_t n = 100;
    const qq_tensor x = weights_tensor(QQ_TYPE_F32, 1, &n, 1.0f);
    qq_scheme s = noisy(QQ_RULE_QWIX, QQ_NOISE_UNIFORM, 0);
    qq_array a, b;

    s.type = QQ_TYPE_INT6;
    CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
    s.noise = QQ_NOISE_NONE;
    CHECK(weights_quantize(&x, &s, &b) == QQ_OK);
    CHECK(memcmp(a.value.data, b.value.data, 75) == 0);
    s = noisy(QQ_RULE_QQUANT, QQ_NOISE_UNIFORM, 0);
    s.calibration.method = QQ_CALIB_MINMAX;
    CHECK(weights_quantize(&x, &s, &a) == QQ_OK);
    s.noise = QQ_NOISE_NONE;
    CHECK(weights_quantize(&x, &s, &b) == QQ_OK);
    CHECK(memcmp(a.value.data, b.value.data, 100) != 0);
    for (size_t i = 0; i < n; i++)
        CHECK(abs(qq_tensor_code(&a.value, i) - qq_tensor_code(&b.value, i)) <=
              1);
    s.noise = QQ_NOISE_UNIFORM;
    s.type = QQ_TYPE_SIGN;
    s.calibration.method = QQ_CALIB_ABSMAX;
    CHECK(weights_quantize(&x, &s, &a) == QQ_ERR_SCHEME);
    room_free();
}

int main(void)
{
    test_drawn();
    test_given();
    test_mean();
    test_where();
    return check_done();
}
