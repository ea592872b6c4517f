// What solvers find is what products multiply: packed matrices of fits (every
// grid that has one, offsets, halves, rotations) and of OneBit's planes give y
// as the values do.

#include "fitting.h"

// y = V x^T the slow way; how far a product may be from it.
static void check_product(const qq_matrix *m, size_t n, size_t k,
                          const float *v, const float *x, size_t rows)
{
    qq_matmul_options o = qq_matmul_options_init();
    float *y = solve_floats(rows * n);

    o.input = QQ_INPUT_F32;
    const size_t need = qq_matmul_scratch_size(m, &o, rows);
    void *scratch = room(need);
    CHECK(qq_matmul(m, &o, rows, x, k, y, n, scratch, need) == QQ_OK);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) {
            double sum = 0.0, size = 1e-3;
            for (size_t j = 0; j < k; j++) {
                const double p = (double)v[i * k + j] * (double)x[r * k + j];
                sum += p;
                size += fabs(p);
            }
            CHECK(fabs(sum - (double)y[r * n + i]) < 1e-5 * size);
        }
    free(scratch);
    free(y);
}

// The fit as a packed matrix; 0 where its grid has none.
static int pack(const fitting *p, int f16, const qq_rotation *r, void **out,
                qq_matrix *m)
{
    const qq_type type = f16 ? QQ_TYPE_F16 : QQ_TYPE_F32;
    const size_t bytes = qq_fit_array_size(&p->f, type);
    qq_matrix_options o = qq_matrix_options_init();
    qq_array a;

    if (!CHECK(bytes != SIZE_MAX))
        return 0;
    void *array = room(bytes);
    CHECK(qq_fit_array(&p->f, type, array, bytes, &a) == QQ_OK);
    o.offsets = p->f.offset;
    o.rotation = r;
    const size_t size = qq_matrix_size(&a, &o);
    const int has = size != SIZE_MAX;
    if (has) {
        *out = room(size);
        CHECK(qq_matrix_pack(&a, &o, *out, size, m) == QQ_OK);
    }
    free(array);
    return has;
}

static void test_fit(size_t n, size_t k, size_t tile, qq_grid g, int f16)
{
    qq_fit_options o = qq_fit_options_init();
    void *out = NULL;
    qq_matrix m;

    o.f16 = f16;
    fitting p = fitting_make(n, k, tile, g, &o);
    float *x = solve_inputs(5, k, 0.5f);
    CHECK(fitting_solve(&p, NULL) == QQ_OK);
    fitting_values(&p);
    const int has = pack(&p, f16, NULL, &out, &m);
    // Books of integers, and of 2 or 4 bits, alone have products.
    CHECK(has ==
          (g.kind == QQ_GRID_INTEGER || g.count == 2 ||
           (g.kind == QQ_GRID_HALF_STEP && (g.count == 4 || g.count == 16))));
    if (has) {
        check_product(&m, n, k, p.v, x, 5);
        free(out);
    }
    free(x);
    fitting_drop(&p);
}

// W Q under Q^T H Q; the product turns x: y is that of the values and x Q, and
// as near to W x as J says.
static void test_rotated(size_t n, size_t k, size_t limit)
{
    const qq_rotation r = qq_rotation_make(k, limit, 17);
    float *x = solve_inputs(6, k, 0.5f), *turned = solve_floats(6 * k);
    float *y = solve_floats(6 * n);
    void *out = NULL;
    qq_matrix m;

    fitting p = fitting_make(n, k, 0, qq_grid_integer(8), NULL);
    float *w = solve_floats(n * k);
    memcpy(w, p.w, n * k * sizeof *w);
    memcpy(turned, x, 6 * k * sizeof *x);
    CHECK(qq_rotation_rows(&r, 0, n, p.w, k) == QQ_OK);
    CHECK(qq_rotation_rows(&r, 0, 6, turned, k) == QQ_OK);
    CHECK(qq_rotation_hessian(&r, p.h, p.h_bytes) == QQ_OK);
    CHECK(fitting_solve(&p, NULL) == QQ_OK);
    fitting_values(&p);
    CHECK(pack(&p, 0, &r, &out, &m));
    qq_matmul_options o = qq_matmul_options_init();
    o.input = QQ_INPUT_F32;
    const size_t need = qq_matmul_scratch_size(&m, &o, 6);
    void *scratch = room(need);
    CHECK(qq_matmul(&m, &o, 6, x, k, y, n, scratch, need) == QQ_OK);
    for (size_t i = 0; i < 6 * n; i++) {
        double sum = 0.0, plain = 0.0, size = 1e-3;
        for (size_t j = 0; j < k; j++) {
            const double q = (double)turned[i / n * k + j];
            sum += (double)p.v[i % n * k + j] * q;
            plain += (double)w[i % n * k + j] * (double)x[i / n * k + j];
            size += fabs((double)p.v[i % n * k + j] * q);
        }
        CHECK(fabs((double)y[i] - sum) < 1e-5 * size);
        CHECK(fabs((double)y[i] - plain) < 0.02 * size);
    }
    free(out);
    free(scratch);
    free(x);
    free(turned);
    free(y);
    free(w);
    fitting_drop(&p);
}

// Planes: one product each, the later ones added.
static void test_planes(size_t n, size_t k, unsigned planes)
{
    qq_onebit_options o = qq_onebit_options_init();
    float *w = solve_weights(n, k), *x = solve_inputs(3 * k, k, 0.8f);
    float *h = solve_hessian(3 * k, k, x, 0, 0.1), *y = solve_floats(3 * n);
    float *v = solve_floats(n * k);
    qq_onebit r;

    o.planes = planes;
    o.rounds = 2;
    const size_t bytes = qq_onebit_size(n, k, &o);
    const size_t need = qq_onebit_scratch_size(n, k, &o, 1);
    void *out = room(bytes), *scratch = room(need);
    CHECK(qq_onebit_solve(n, k, &o, w, k, h, k * k * 4, out, bytes, scratch,
                          need, &r) == QQ_OK);
    for (unsigned p = 0; p < planes; p++) {
        qq_matrix_options mo = qq_matrix_options_init();
        qq_matmul_options po = qq_matmul_options_init();
        qq_matrix m;
        mo.a = r.a + p * n;
        mo.b = r.b + p * k;
        po.input = QQ_INPUT_F32;
        po.accumulate = p > 0;
        const size_t size = qq_matrix_sign_size(&r.sign[p], &mo);
        void *packed = room(size);
        CHECK(qq_matrix_pack_sign(&r.sign[p], &mo, packed, size, &m) == QQ_OK);
        const size_t space = qq_matmul_scratch_size(&m, &po, 3);
        void *more = room(space);
        CHECK(qq_matmul(&m, &po, 3, x, k, y, n, more, space) == QQ_OK);
        free(packed);
        free(more);
    }
    CHECK(qq_onebit_values(&r, v, k) == QQ_OK);
    for (size_t i = 0; i < 3 * n; i++) {
        double sum = 0.0, size = 1e-3;
        for (size_t j = 0; j < k; j++) {
            sum += (double)v[i % n * k + j] * (double)x[i / n * k + j];
            for (unsigned p = 0; p < planes; p++)
                size += fabs((double)r.a[p * n + i % n] *
                             (double)r.b[p * k + j] * (double)x[i / n * k + j]);
        }
        CHECK(fabs((double)y[i] - sum) < 1e-5 * size);
    }
    free(w);
    free(x);
    free(h);
    free(y);
    free(v);
    free(out);
    free(scratch);
}

int main(void)
{
    for (size_t i = 0; i < FITTING_GRIDS; i++) {
        test_fit(19, 40, 0, fitting_grid(i), 0);
        test_fit(33, 44, 8, fitting_grid(i), 1);
        test_fit(1, 20, 12, fitting_grid(i), 0);
    }
    test_fit(7, 24, 8, qq_grid_half_step(4), 0);
    test_fit(7, 24, 8, qq_grid_half_step(3), 0);
    for (unsigned bits = 5; bits < 8; bits++)
        test_fit(7, 40, 8, qq_grid_integer(bits), 0);
    test_rotated(18, 48, 0);
    test_rotated(5, 64, 16);
    for (unsigned planes = 1; planes <= 4; planes++)
        test_planes(21, 36, planes);
    return check_done();
}
