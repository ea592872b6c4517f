// Statistics of pieces are those of the whole: to the bit where they come one
// after another, extremes always, sums nearly where they are merged.

#include "weights.h"

static const qq_calibration methods[5] = {{{0, 0}, 0, QQ_CALIB_ABSMAX},
                                          {{0.9, 0}, 1, QQ_CALIB_MINMAX},
                                          {{3, 0}, 1, QQ_CALIB_RMS},
                                          {{1.5, 0}, 1, QQ_CALIB_ABSMEAN},
                                          {{1, 2}, 2, QQ_CALIB_ABSMEAN}};

// Rows first ... first + n - 1 of a matrix.
static qq_tensor rows_of(const qq_tensor *x, size_t first, size_t n)
{
    qq_tensor r = *x;

    r.shape[0] = n;
    r.data = (const uint8_t *)x->data + first * x->shape[1] * 4;
    return r;
}

static int same(const void *a, const void *b, size_t bytes)
{
    return memcmp(a, b, bytes) == 0;
}

static void check_pieces(qq_scheme *s, const qq_tensor *x)
{
    const size_t rows = x->shape[0];
    const size_t bytes = qq_statistics_size(s, 2, x->shape);
    void *all = room(bytes);
    void *low = room(bytes);
    void *high = room(bytes);
    const size_t cut = 1 + below(rows - 1);
    qq_bounds b;

    CHECK(qq_statistics_init(s, 2, x->shape, all, bytes) == QQ_OK);
    CHECK(qq_statistics_init(s, 2, x->shape, low, bytes) == QQ_OK);
    CHECK(qq_statistics_init(s, 2, x->shape, high, bytes) == QQ_OK);
    for (size_t at = 0; at < rows;) {
        const size_t n = 1 + below(rows - at);
        const qq_tensor piece = rows_of(x, at, n);
        CHECK(qq_statistics_update(all, bytes, &piece, s) == QQ_OK);
        at += n;
    }
    const qq_tensor first = rows_of(x, 0, cut);
    const qq_tensor second = rows_of(x, cut, rows - cut);
    CHECK(qq_statistics_update(low, bytes, &first, s) == QQ_OK);
    CHECK(qq_statistics_update(high, bytes, &second, s) == QQ_OK);
    CHECK(qq_statistics_merge(low, bytes, high, bytes) == QQ_OK);
    for (size_t k = 0; k < 5; k++) {
        s->calibration = methods[k];
        const size_t n = qq_calibrate_size(x, s);
        void *want = room(n);
        void *got = room(n);
        CHECK(qq_calibrate(x, s, want, n, &b) == QQ_OK);
        CHECK(qq_statistics_bounds(all, bytes, s, got, n, &b) == QQ_OK);
        CHECK(same(want, got, n));
        CHECK((b.absmax.type == QQ_TYPE_NONE) == (k == 1));
        CHECK(qq_statistics_bounds(low, bytes, s, got, n, &b) == QQ_OK);
        for (size_t i = 0; i < n / 4; i++) {
            float p, q;
            memcpy(&p, (const uint8_t *)want + 4 * i, 4);
            memcpy(&q, (const uint8_t *)got + 4 * i, 4);
            CHECK(check_ulp(p, q) <= (k < 2 ? 0u : 1u));
        }
    }
}

static void test_pieces(void)
{
    for (size_t k = 0; k < check_count(200); k++) {
        const size_t shape[2] = {2 + below(20), 1 + below(70)};
        const qq_tensor x = weights_tensor(QQ_TYPE_F32, 2, shape, 1.0f);
        qq_scheme s = qq_scheme_init(QQ_TYPE_INT8);

        weights_set(&x, below(qq_tensor_count(&x)), NAN);
        weights_set(&x, below(qq_tensor_count(&x)), INFINITY);
        if (k % 3 == 1)
            CHECK(qq_scheme_channel(&s, 1, 2) == QQ_OK);
        if (k % 3 == 2)
            CHECK(qq_scheme_tile(&s, 1, 2, 1 + below(9)) == QQ_OK);
        check_pieces(&s, &x);
        room_free();
    }
}

static void test_errors(void)
{
    const size_t shape[2] = {4, 6}, other[2] = {4, 8};
    const qq_tensor x = weights_tensor(QQ_TYPE_F32, 2, shape, 1.0f);
    const qq_tensor y = weights_tensor(QQ_TYPE_F32, 2, other, 1.0f);
    qq_scheme s = qq_scheme_init(QQ_TYPE_INT8);
    uint8_t out[24];
    qq_bounds b;

    CHECK(qq_scheme_channel(&s, 1, 2) == QQ_OK);
    const size_t n = qq_statistics_size(&s, 2, shape);
    uint8_t *p = (uint8_t *)room(n);
    CHECK(qq_statistics_init(&s, 2, shape, p, n - 1) == QQ_ERR_SIZE);
    CHECK(qq_statistics_init(&s, 2, shape, NULL, n) == QQ_ERR_ARGUMENT);
    CHECK(qq_statistics_init(&s, 1, shape, p, n) == QQ_ERR_AXIS);
    CHECK(qq_statistics_update(p, n, &x, &s) == QQ_ERR_FORMAT);
    CHECK(qq_statistics_init(&s, 2, shape, p, n) == QQ_OK);
    CHECK(qq_statistics_update(p, n, &y, &s) == QQ_ERR_SHAPE);
    CHECK(qq_statistics_update(p, n - 1, &x, &s) == QQ_ERR_SIZE);
    CHECK(qq_statistics_update(NULL, n, &x, &s) == QQ_ERR_ARGUMENT);
    CHECK(qq_statistics_update(p, n, &x, &s) == QQ_OK);
    CHECK(qq_statistics_bounds(p, n, &s, out, 23, &b) == QQ_ERR_SIZE);
    CHECK(qq_statistics_bounds(p, n, &s, out, 24, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_statistics_bounds(p, n, &s, out, 24, &b) == QQ_OK);
    CHECK(b.absmax.shape[1] == 6 && b.absmax.rank == 2);
    s.calibration.method = QQ_CALIB_MSE;
    CHECK(qq_statistics_bounds(p, n, &s, out, 24, &b) == QQ_ERR_UNSUPPORTED);
    CHECK(qq_statistics_size(&s, 2, shape) == SIZE_MAX);
    s = qq_scheme_init_rule(QQ_TYPE_INT8, QQ_RULE_QWIX);
    CHECK(qq_statistics_size(&s, 2, shape) == SIZE_MAX);
    // A head that claims more than there is.
    memset(p + 8, 0xff, 64);
    CHECK(qq_statistics_merge(p, n, p, n) == QQ_ERR_FORMAT);
    room_free();
}

int main(void)
{
    test_pieces();
    test_errors();
    return check_done();
}
