// num/threefry.h: known answers of Salmon et al. and of JAX.

#include "num/threefry.h"
#include "room.h"

static qq_key key_of(uint32_t k0, uint32_t k1)
{
    qq_key key;

    key.word[0] = k0;
    key.word[1] = k1;
    return key;
}

static int is(qq_key key, uint32_t k0, uint32_t k1)
{
    return key.word[0] == k0 && key.word[1] == k1;
}

static void test_block(void)
{
    static const uint32_t known[3][6] = {{0, 0, 0, 0, 0x6b200159, 0x99ba4efe},
                                         {0xffffffff, 0xffffffff, 0xffffffff,
                                          0xffffffff, 0x1cb996fc, 0xbb002be7},
                                         {0x13198a2e, 0x03707344, 0x243f6a88,
                                          0x85a308d3, 0xc4923a9c, 0x483df7a0}};

    for (int i = 0; i < 3; i++) {
        const uint32_t *k = known[i];
        uint32_t out[2];
        qq_threefry(key_of(k[0], k[1]), k + 2, out);
        CHECK(out[0] == k[4] && out[1] == k[5]);
        // In place, too.
        out[0] = k[2];
        out[1] = k[3];
        qq_threefry(key_of(k[0], k[1]), out, out);
        CHECK(out[0] == k[4] && out[1] == k[5]);
    }
}

static void test_array(void)
{
    for (size_t n = 0; n < 40; n++) {
        const qq_key key = key_of(check_u32(), check_u32());
        const size_t half = (n + 1) / 2;
        uint32_t *in = (uint32_t *)(void *)room(n * sizeof *in);
        uint32_t *out = (uint32_t *)(void *)room(n * sizeof *out);
        for (size_t i = 0; i < n; i++)
            in[i] = check_u32();
        qq_threefry_array(key, n, in, out);
        for (size_t j = 0; j < half; j++) {
            const uint32_t pair[2] = {in[j], j + half < n ? in[j + half] : 0};
            uint32_t want[2];
            qq_threefry(key, pair, want);
            CHECK(out[j] == want[0]);
            CHECK(j + half >= n || out[j + half] == want[1]);
        }
        qq_threefry_array(key, n, in, in);
        CHECK(n == 0 || memcmp(in, out, n * sizeof *in) == 0);
        // Word by word over 0 ... n - 1.
        for (size_t i = 0; i < n; i++)
            in[i] = (uint32_t)i;
        qq_threefry_array(key, n, in, out);
        for (size_t i = 0; i < n; i++)
            CHECK(qqi_threefry_word(key, (uint32_t)n, (uint32_t)i) == out[i]);
        free(in);
        free(out);
    }
}

static void test_keys(void)
{
    const qq_key zero = key_of(0, 0);
    const qq_random_layout new_way = QQ_RANDOM_PARTITIONABLE;
    const qq_random_layout old_way = QQ_RANDOM_LEGACY;

    CHECK(is(qq_key_make(42, 0), 0, 42));
    CHECK(is(qq_key_make(-1, 0), 0, 0xffffffff));
    CHECK(is(qq_key_make(-1, 1), 0xffffffff, 0xffffffff));
    CHECK(is(qq_key_make(0x123456789a, 0), 0, 0x3456789a));
    CHECK(is(qq_key_make(0x123456789a, 1), 0x12, 0x3456789a));
    CHECK(is(qq_key_make(INT64_MIN, 1), 0x80000000, 0));

    CHECK(is(qq_key_split(zero, new_way, 2, 0), 1797259609, 2579123966));
    CHECK(is(qq_key_split(zero, new_way, 2, 1), 928981903, 3453687069));
    CHECK(is(qq_key_split(zero, old_way, 2, 0), 4146024105, 967050713));
    CHECK(is(qq_key_split(zero, old_way, 2, 1), 2718843009, 1272950319));
    // fold_in is the new split's key of that number.
    for (uint32_t d = 0; d < 50; d++) {
        const qq_key key = key_of(check_u32(), check_u32());
        const qq_key a = qq_key_fold_in(key, d);
        const qq_key b = qq_key_split(key, new_way, 50, d);
        CHECK(is(a, b.word[0], b.word[1]));
    }
}

int main(void)
{
    test_block();
    test_array();
    test_keys();
    return check_done();
}
