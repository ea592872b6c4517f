// codec/lanes.h and codec/bits.h: groups of eight codes, single codes.

#include "codec/bits.h"
#include "room.h"

static uint64_t random_u64(void)
{
    const uint64_t high = check_u32();
    return high << 32 | check_u32();
}

static void test_lanes(unsigned b)
{
    const uint64_t mask = QQI_LANES * ((1u << b) - 1);

    for (size_t k = 0; k < check_count(1000); k++) {
        const uint64_t lanes = random_u64() & mask;
        const uint64_t word = qqi_squeeze(lanes, b);
        const uint64_t wide = qqi_extend(lanes, b);
        for (unsigned j = 0; j < 8; j++) {
            const uint32_t code = (uint32_t)(lanes >> 8 * j & 255);
            const int v = code >> (b - 1) ? (int)code - (1 << b) : (int)code;
            CHECK((word >> j * b & ((1u << b) - 1)) == code);
            CHECK((wide >> 8 * j & 255) == ((unsigned)v & 255));
        }
        CHECK(b == 8 || word >> 8 * b == 0);
        // What lies above the codes does not matter.
        CHECK(qqi_spread(word, b) == lanes);
        CHECK(b == 8 || qqi_spread(word | ~(uint64_t)0 << 8 * b, b) == lanes);
    }
}

static void test_shuffle(void)
{
    static const uint64_t want[5] = {0, 0x8877665544332211u,
                                     0x7788556633441122u, 0x1122334455667788u,
                                     0x8866442277553311u};

    for (int o = QQ_ORDER_LOW_FIRST; o <= QQ_ORDER_AWQ; o++) {
        const qq_order order = (qq_order)o;
        CHECK(qqi_shuffle(0x8877665544332211u, order) == want[o]);
        for (int k = 0; k < 100; k++) {
            const uint64_t x = random_u64();
            CHECK(qqi_unshuffle(qqi_shuffle(x, order), order) == x);
        }
    }
}

// Codes are stored in any order, and nothing else is touched.
static void test_single(unsigned b)
{
    const size_t n = 67;
    const size_t bytes = (n * b + 7) / 8;
    uint8_t *packed = room(bytes);
    uint8_t codes[67];

    for (int fill = 0; fill < 2; fill++) {
        memset(packed, fill ? 255 : 0, bytes);
        for (size_t i = 0; i < n; i++)
            codes[i] = (uint8_t)(fill ? (1u << b) - 1 : 0);
        for (int k = 0; k < 300; k++) {
            const size_t i = check_u32() % n;
            const uint32_t code = check_u32();
            codes[i] = (uint8_t)(code & ((1u << b) - 1));
            qqi_store_bits(b, packed, i, code);
            for (size_t j = 0; j < n; j++)
                CHECK(qqi_load_bits(b, packed, j) == codes[j]);
        }
        const unsigned used = (unsigned)(n * b % 8);
        if (used > 0)
            CHECK(packed[bytes - 1] >> used == (fill ? 255 >> used : 0));
    }
    free(packed);
}

int main(void)
{
    for (unsigned b = 1; b <= 8; b++) {
        test_lanes(b);
        test_single(b);
    }
    test_shuffle();
    return check_done();
}
