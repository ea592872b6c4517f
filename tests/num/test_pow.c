// Powers against libm, within the error that the part states.

#include <math.h>

#include "check.h"
#include "num/pow.h"

static void check_near(double x, double p)
{
    const double want = pow(x, p);
    const double got = qqi_pow_f64(x, p);
    const double bound =
        want * ldexp(2.0 + fabs(p * log2(x)), -52) + ldexp(want, -52);

    if (want > 1e300 || want < 1e-300)
        return;
    CHECK(fabs(got - want) <= bound);
}

int main(void)
{
    const size_t n = check_count(400000);

    for (size_t i = 0; i < n; i++) {
        const int e = (int)(check_u32() % 800) - 400;
        const double m = 1.0 + (double)check_u32() / 4294967296.0;
        const double p = (double)(check_u32() % 4000 + 1) / 1000.0;
        check_near(ldexp(m, e), p);
        check_near(ldexp(m, e % 3), 1.0 / p);
        // Next to 1, where a logarithm loses its digits.
        check_near(1.0 + ldexp((double)check_uniform(), -(int)(i % 50)), p);
    }
    for (int e = -300; e <= 300; e++) {
        CHECK(qqi_pow_f64(ldexp(1.0, 2 * e), 0.5) == ldexp(1.0, e));
        CHECK(qqi_pow_f64(ldexp(1.0, e), 2.0) == ldexp(1.0, 2 * e));
    }
    CHECK(qqi_pow_f64(1.0, 3.7) == 1.0);
    CHECK(qqi_pow_f64(0.0, 0.5) == 0.0);
    CHECK(qqi_pow_f64(1e-310, 0.5) == 0.0); // subnormal
    CHECK(qqi_pow_f64(1e200, 1.5) > 1e299);
    CHECK(qqi_pow_f64(1e200, 2.0) > 1.7e308);
    CHECK(qqi_pow_f64(1e-200, 2.0) == 0.0);
    CHECK(qqi_is_inf_f64(qqi_pow_f64((double)INFINITY, 0.5)));
    CHECK(qqi_is_nan_f64(qqi_pow_f64((double)NAN, 2.0)));
    return check_done();
}
