// A double as two floats, and products of three.

#include <math.h>

#include "matrix/split.h"
#include "room.h"

// Within 2^-48 while nothing underflows; the high part is the nearest float.
static void test_split(void)
{
    for (size_t i = 0; i < check_count(20000); i++) {
        const double x =
            ldexp((double)check_u32() * 4294967296.0 + (double)check_u32(),
                  (int)(check_u32() % 120) - 124) *
            (i & 1 ? -1.0 : 1.0);
        float high, low;
        qqi_split(1, &x, &high, &low);
        CHECK(check_bits(high) == check_bits((float)x));
        CHECK(fabs(x - ((double)high + (double)low)) <= ldexp(fabs(x), -48));
    }
    const double plain[4] = {0.0, 1.0, -3.0, 0.1};
    float high[4], low[4];
    qqi_split(4, plain, high, low);
    for (int i = 0; i < 3; i++)
        CHECK((double)high[i] - plain[i] == 0.0 && low[i] == 0.0f);
    CHECK(low[3] < 0.0f && low[3] > -1e-8f);
}

// Sums good to 2^-44 of the sum of magnitudes, of any shape, added and taken.
static void test_add(size_t rows, size_t columns, size_t depth, int minus)
{
    const size_t as = rows * depth, bs = depth * columns, cs = rows * columns;
    double *a = (double *)(void *)room(as * 8 + 8);
    double *b = (double *)(void *)room(bs * 8 + 8);
    double *c = (double *)(void *)room(cs * 8 + 8);
    float *ah = (float *)(void *)room(as * 4 + 4);
    float *al = (float *)(void *)room(as * 4 + 4);
    float *bh = (float *)(void *)room(bs * 4 + 4);
    float *bl = (float *)(void *)room(bs * 4 + 4);
    double *space = (double *)(void *)room(QQI_DENSE_ROOM * 8);
    double worst = 0.0;

    for (size_t i = 0; i < as; i++)
        a[i] = (double)check_uniform() + 1e-9 * (double)check_uniform();
    for (size_t i = 0; i < bs; i++)
        b[i] = (double)check_uniform() + 1e-9 * (double)check_uniform();
    for (size_t i = 0; i < cs; i++)
        c[i] = 1.0;
    qqi_split(as, a, ah, al);
    qqi_split(bs, b, bh, bl);
    qqi_dense d = qqi_dense_make(rows, columns, depth, ah, depth, bh, columns,
                                 c, columns);
    d.minus = minus;
    qqi_split_add(&d, al, bl, space);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            long double sum = 1.0L;
            double size = 1.0;
            for (size_t l = 0; l < depth; l++) {
                const long double x = (long double)a[i * depth + l] *
                                      (long double)b[l * columns + j];
                sum += minus ? -x : x;
                size += fabs((double)x);
            }
            worst = fmax(worst,
                         fabs((double)(sum - (long double)c[i * columns + j])) /
                             size);
        }
    CHECK(worst < ldexp(1.0, -44));
    free(a);
    free(b);
    free(c);
    free(ah);
    free(al);
    free(bh);
    free(bl);
    free(space);
}

int main(void)
{
    static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 31, 32, 33, 35, 65, 67};

    test_split();
    for (int isa = 0; isa < 48; isa++)
        if (qq_use_isa((qq_isa)isa) == QQ_OK)
            for (size_t i = 0; i < check_count(40); i++) {
                const size_t rows = sizes[check_u32() % 12];
                const size_t columns = sizes[check_u32() % 12];
                test_add(rows, columns, sizes[check_u32() % 12], (int)(i & 1));
            }
    return check_done();
}
