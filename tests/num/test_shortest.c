// Shortest digits against printf: they read back, and no fewer do.

#include "check.h"
#include "num/shortest.h"

static void test_one(double x)
{
    uint8_t d[17];
    char text[64], shorter[64];
    int point = 0, at = 0;
    const int n = qqi_shortest_f64(x, d, &point);

    CHECK(n >= 1 && n <= 17 && d[0] != 0 && (n == 1 || d[n - 1] != 0));
    text[at++] = '.';
    for (int i = 0; i < n; i++)
        text[at++] = (char)('0' + d[i]);
    snprintf(text + at, sizeof text - (size_t)at, "e%d", point);
    CHECK(strtod(text, NULL) == x);
    snprintf(shorter, sizeof shorter, "%.*e", n - 2 > 0 ? n - 2 : 0, x);
    CHECK(n == 1 || strtod(shorter, NULL) != x);
}

int main(void)
{
    static const double some[] = {1.0,
                                  0.1,
                                  3.0,
                                  1e-20,
                                  5e-324,
                                  1e22,
                                  1e23,
                                  0.3,
                                  123.456,
                                  1e16,
                                  9.5e-5,
                                  2.5e-16,
                                  9007199254740993.0,
                                  1.7976931348623157e308,
                                  2.2250738585072014e-308};

    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        test_one(some[i]);
    for (size_t i = 0; i < check_count(3000); i++) {
        const uint64_t u = (uint64_t)check_u32() << 32 | check_u32();
        const double x = qqi_f64_of(u & ~((uint64_t)1 << 63));
        if (x > 0.0 && qqi_is_finite_f64(x))
            test_one(x);
        test_one((double)check_u32() / 1000.0 + 0.001);
    }
    return check_done();
}
