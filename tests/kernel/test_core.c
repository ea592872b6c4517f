// Sums to floats: one rounding, to nearest even.

#include "check.h"
#include "kernel/scalar/core.h"

int main(void)
{
    static const int64_t edges[] = {0,
                                    1,
                                    -1,
                                    16777217,
                                    -16777219,
                                    INT32_MAX,
                                    INT32_MIN,
                                    (int64_t)INT32_MAX + 1,
                                    (int64_t)INT32_MIN - 1,
                                    INT64_MAX,
                                    INT64_MIN};

    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        CHECK(check_bits(qqi_f32_from_i64(edges[i])) ==
              check_bits((float)edges[i]));
    for (size_t i = 0; i < check_count(2000000); i++) {
        const uint64_t u = (uint64_t)check_u32() << 32 | check_u32();
        const unsigned keep = check_u32() % 64;
        int64_t v = (int64_t)(u >> 1 >> keep);
        // Middles between two floats, and their neighbours.
        if (check_u32() % 2)
            v = (int64_t)((uint64_t)v & ~(uint64_t)0 << check_u32() % 40) +
                (int64_t)(check_u32() % 3) - 1;
        v = check_u32() % 2 ? -v : v;
        CHECK(check_bits(qqi_f32_from_i64(v)) == check_bits((float)v));
    }
    return check_done();
}
