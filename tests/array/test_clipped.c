// The share of clipped numbers, by the definition, in double.

#include <math.h>

#include "qquant.h"

#include "random_array.h"

// value = (code - zero) * scale of number i, exactly: all factors are small.
static double decoded(const qq_array *a, size_t i, double *scale)
{
    size_t p[QQ_MAX_RANK];

    place_to_at(i, a->value.rank, a->value.shape, p);
    double code = (double)qq_tensor_value(&a->value, i);
    *scale =
        (double)qq_tensor_value(&a->scale, element_of(&a->scale, a->tile, p)) *
        (double)a->scale2;
    if (a->zero_point.type != QQ_TYPE_NONE)
        code -= (double)qq_tensor_value(
            &a->zero_point, element_of(&a->zero_point, a->zero_tile, p));
    return code * *scale;
}

static int is_clipped(const qq_array *a, size_t i, double x)
{
    double s;
    const double v = decoded(a, i, &s), size = fabs(s);
    const float code = qq_tensor_value(&a->value, i); // may be NaN
    qq_type_info info;

    (void)qq_type_get(a->value.type, &info);
    if (a->value.type == QQ_TYPE_NF4)
        return x / s > 1 + (1 - 0.7229568362236023) / 2 ||
               x / s < -1 - (1 - 0.6961928009986877) / 2;
    if (a->value.type == QQ_TYPE_E4M3FN)
        return fabs(x) > 464 * size;
    if (a->value.type == QQ_TYPE_E2M1)
        return fabs(x) > 7 * size;
    if (a->value.type == QQ_TYPE_E3M2)
        return fabs(x) > 30 * size;
    const float high = (float)info.max, low = info.min < 0 ? -high : 0;
    const int up = s < 0 ? code <= low : code >= high;
    const int down = s < 0 ? code >= high : code <= low;
    return (up && x - v > size / 2) || (down && v - x > size / 2);
}

static void test_random(void)
{
    size_t shape[QQ_MAX_RANK] = {0};
    const unsigned rank = random_shape(shape, 3, 6, 1);
    qq_array a = random_array(rank, shape, 1);
    const size_t n = qq_tensor_count(&a.value);
    float *x = (float *)malloc(n * sizeof *x + 1);
    size_t clipped = 0;
    double share;

    if (x == NULL)
        abort();
    if (check_u32() % 4 == 0)
        a.scale2 = 0.25f;
    for (size_t i = 0; i < n; i++) {
        double s;
        const double v = decoded(&a, i, &s);
        // Around the value, by steps that meet the half exactly.
        x[i] = (float)(v + s * ((double)(check_u32() % 17) - 8) / 8);
        if (check_u32() % 8 == 0)
            x[i] = (float)(s * 1000 * (double)check_uniform());
        if (check_u32() % 64 == 0)
            x[i] = check_f32(check_u32() % 2 ? 0x7f800000 : 0xff800000);
        clipped += (size_t)is_clipped(&a, i, (double)x[i]);
        if (check_u32() % 64 == 0) {
            clipped -= (size_t)is_clipped(&a, i, (double)x[i]);
            x[i] = check_f32(0x7fc00000);
        }
    }
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, rank, shape);
    CHECK(qq_clipped_share(&t, &a, &share) == QQ_OK);
    CHECK(share == (n == 0 ? 0.0 : (double)clipped / (double)n));
    free(x);
    room_free();
}

// A book of the caller, in no order; its steps at the ends are 1 and 4.
static void test_book(void)
{
    static const float levels[5] = {3, -2, -6, 2, 0};
    static const float x[8] = {3.5f, 3.75f, 0, -8, -8.25f, 100, -100, 2};
    const size_t eight = 8, one = 1;
    const float scale = 1;
    const uint8_t codes[8] = {0, 0, 4, 2, 2, 0, 2, 3};
    qq_array a;
    double share;

    memset(&a, 0, sizeof a);
    a.type = QQ_TYPE_BOOK;
    a.scale2 = 1;
    a.value = qq_tensor_make(codes, QQ_TYPE_BOOK, 1, &eight);
    a.scale = qq_tensor_make(&scale, QQ_TYPE_F32, 1, &one);
    a.tile[0] = 8;
    a.levels = levels;
    a.level_count = 5;
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 1, &eight);
    CHECK(qq_clipped_share(&t, &a, &share) == QQ_OK);
    CHECK(share == 0.5); // 3.75, -8.25, 100, -100
}

static void test_refusals(void)
{
    const size_t shape[2] = {2, 3}, other[2] = {3, 2};
    const qq_array a = random_array(2, shape, 0);
    const qq_tensor x = random_tensor(QQ_TYPE_F32, 2, shape);
    const qq_tensor y = random_tensor(QQ_TYPE_F32, 2, other);
    const qq_tensor z = random_tensor(QQ_TYPE_INT8, 2, shape);
    double share;

    CHECK(qq_clipped_share(NULL, &a, &share) == QQ_ERR_ARGUMENT);
    CHECK(qq_clipped_share(&x, NULL, &share) == QQ_ERR_ARGUMENT);
    CHECK(qq_clipped_share(&x, &a, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_clipped_share(&y, &a, &share) == QQ_ERR_SHAPE);
    CHECK(qq_clipped_share(&z, &a, &share) == QQ_ERR_TYPE);
    room_free();
}

int main(void)
{
    for (size_t i = check_count(10000); i > 0; i--)
        test_random();
    test_book();
    test_refusals();
    return check_done();
}
