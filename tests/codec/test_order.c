// codec/order.h against a definition that moves one bit at a time.

#include "codec/order.h"
#include "room.h"

// The bit of the packed bytes where bit k of code i lies.
static size_t place(unsigned bits, qq_order order, size_t i, unsigned k)
{
    static const size_t nibble[8] = {0, 4, 1, 5, 2, 6, 3, 7}; // of code i % 8

    switch (order) {
    case QQ_ORDER_HIGH_NIBBLE_FIRST:
        return (i ^ 1) * 4 + k;
    case QQ_ORDER_HIGH_BIT_FIRST:
        return i ^ 7;
    case QQ_ORDER_AWQ:
        return (i / 8 * 8 + nibble[i % 8]) * 4 + k;
    case QQ_ORDER_LOW_FIRST:
    default:
        return i * bits + k;
    }
}

static unsigned bit_of(const uint8_t *p, size_t bit)
{
    return p[bit / 8] >> bit % 8 & 1;
}

static size_t bytes_of(unsigned bits, qq_order order, size_t count)
{
    const size_t bytes = (count * bits + 7) / 8;
    return order == QQ_ORDER_AWQ ? (bytes + 3) / 4 * 4 : bytes;
}

static uint32_t code_at(unsigned bits, const uint8_t *codes, size_t i)
{
    uint16_t wide;

    if (bits < 16)
        return codes[i];
    memcpy(&wide, codes + 2 * i, 2);
    return wide;
}

// What packing codes at start into packed must give.
static void define(unsigned bits, qq_order order, size_t start, size_t count,
                   const uint8_t *codes, uint8_t *packed)
{
    const size_t bytes = bytes_of(bits, order, start + count);
    uint8_t *old = room(bytes + 1);

    memcpy(old, packed, bytes);
    if (count > 0) {
        // What is touched begins in the byte, or word, of the first code.
        const size_t unit = order == QQ_ORDER_AWQ ? 4 : 1;
        const size_t from = start * bits / 8 / unit * unit;
        memset(packed + from, 0, bytes - from);
    }
    for (size_t i = 0; i < start + count; i++)
        for (unsigned k = 0; k < bits; k++) {
            const size_t at = place(bits, order, i, k);
            const unsigned bit = i < start
                                     ? bit_of(old, at)
                                     : code_at(bits, codes, i - start) >> k & 1;
            packed[at / 8] =
                (uint8_t)((packed[at / 8] & ~(1u << at % 8)) | bit << at % 8);
        }
    free(old);
}

static void test_one(unsigned bits, qq_order order, size_t start, size_t count)
{
    const size_t width = bits < 16 ? 1 : 2;
    const size_t bytes = bytes_of(bits, order, start + count);
    uint8_t *codes = room(count * width);
    uint8_t *back = room(count * width);
    uint8_t *packed = room(bytes);
    uint8_t *want = room(bytes);

    for (size_t i = 0; i < count * width; i++)
        codes[i] = (uint8_t)check_u32();
    for (size_t i = 0; i < bytes; i++)
        packed[i] = want[i] = (uint8_t)check_u32();
    define(bits, order, start, count, codes, want);
    CHECK(qq_pack_size(bits, order, start + count) == bytes);
    CHECK(qq_pack_bits(bits, order, start, count, codes, packed, bytes) ==
          QQ_OK);
    CHECK(bytes == 0 || memcmp(packed, want, bytes) == 0);

    for (int is_signed = 0; is_signed < 2; is_signed++) {
        int same = 1;
        CHECK(qq_unpack_bits(bits, order, is_signed, start, count, packed,
                             bytes, back, count * width) == QQ_OK);
        for (size_t i = 0; i < count; i++) {
            uint32_t v = code_at(bits, codes, i) & ((1u << bits) - 1);
            if (is_signed && v >> (bits - 1))
                v -= 1u << bits;
            v &= bits < 16 ? 255 : 65535;
            same &= code_at(bits, back, i) == v;
        }
        CHECK(same);
    }
    free(codes);
    free(back);
    free(packed);
    free(want);
}

// Piece after piece gives the same bytes as all at once.
static void test_pieces(unsigned bits, qq_order order)
{
    const size_t n = 200;
    const size_t width = bits < 16 ? 1 : 2;
    const size_t bytes = bytes_of(bits, order, n);
    uint8_t codes[400];
    uint8_t *whole = room(bytes);
    uint8_t *parts = room(bytes);

    for (size_t i = 0; i < n * width; i++)
        codes[i] = (uint8_t)check_u32();
    memset(parts, 255, bytes);
    CHECK(qq_pack_bits(bits, order, 0, n, codes, whole, bytes) == QQ_OK);
    for (size_t i = 0; i < n;) {
        size_t k = check_u32() % 20;
        k = k < n - i ? k : n - i;
        CHECK(qq_pack_bits(bits, order, i, k, codes + i * width, parts,
                           bytes) == QQ_OK);
        i += k;
    }
    CHECK(memcmp(whole, parts, bytes) == 0);
    free(whole);
    free(parts);
}

static int has(unsigned bits, int order)
{
    if (order == QQ_ORDER_LOW_FIRST)
        return (bits >= 1 && bits <= 8) || bits == 16;
    if (order == QQ_ORDER_HIGH_BIT_FIRST)
        return bits == 1;
    return bits == 4 &&
           (order == QQ_ORDER_HIGH_NIBBLE_FIRST || order == QQ_ORDER_AWQ);
}

static void test_refuse(void)
{
    uint8_t b[8] = {0};

    for (unsigned bits = 0; bits < 34; bits++)
        for (int o = -1; o < 7; o++) {
            const qq_order order = (qq_order)o;
            const int ok = has(bits, o);
            CHECK((qq_pack_size(bits, order, 3) != SIZE_MAX) == ok);
            CHECK((qq_pack_bits(bits, order, 0, 0, NULL, NULL, 0) == QQ_OK) ==
                  ok);
            if (!ok)
                CHECK(qq_unpack_bits(bits, order, 0, 0, 1, b, 8, b, 8) ==
                      QQ_ERR_ARGUMENT);
        }
    const qq_order low = QQ_ORDER_LOW_FIRST;
    CHECK(qq_pack_bits(4, low, 0, 1, NULL, b, 8) == QQ_ERR_ARGUMENT);
    CHECK(qq_pack_bits(4, low, 0, 1, b, NULL, 8) == QQ_ERR_ARGUMENT);
    CHECK(qq_pack_bits(4, low, 15, 2, b, b, 8) == QQ_ERR_SIZE);
    CHECK(qq_pack_bits(4, low, SIZE_MAX, 1, b, b, 8) == QQ_ERR_SIZE);
    CHECK(qq_pack_bits(4, low, 1, SIZE_MAX, b, b, 8) == QQ_ERR_SIZE);
    CHECK(qq_pack_bits(16, low, 0, SIZE_MAX / 2 + 1, b, b, SIZE_MAX) ==
          QQ_ERR_SIZE);
    CHECK(qq_pack_bits(4, QQ_ORDER_AWQ, 8, 1, b, b, 7) == QQ_ERR_SIZE);
    CHECK(qq_unpack_bits(4, low, 0, 0, 1, NULL, 8, b, 8) == QQ_ERR_ARGUMENT);
    CHECK(qq_unpack_bits(4, low, 0, 0, 1, b, 8, NULL, 8) == QQ_ERR_ARGUMENT);
    CHECK(qq_unpack_bits(4, low, 0, 0, 3, b, 1, b, 8) == QQ_ERR_SIZE);
    CHECK(qq_unpack_bits(4, low, 0, 0, 3, b, 8, b, 2) == QQ_ERR_SIZE);
    CHECK(qq_unpack_bits(16, low, 0, 0, 2, b, 8, b, 3) == QQ_ERR_SIZE);
    CHECK(qq_unpack_bits(16, low, 0, 0, 0, NULL, 0, NULL, 0) == QQ_OK);
    CHECK(qq_pack_size(1, low, SIZE_MAX) == SIZE_MAX / 8 + 1);
    CHECK(qq_pack_size(16, low, SIZE_MAX / 2) == SIZE_MAX - 1);
    CHECK(qq_pack_size(4, QQ_ORDER_AWQ, 9) == 8);
}

// Bytes that were written down by hand.
static void test_known(void)
{
    static const uint8_t codes[8] = {1, 2, 3, 4, 5, 6, 7, 0};
    static const uint8_t ones[9] = {1, 0, 0, 0, 0, 0, 1, 1, 1};
    static const uint16_t wide[2] = {0x1234, 0xabcd};
    uint8_t out[4] = {0};

    CHECK(qq_pack_bits(4, QQ_ORDER_LOW_FIRST, 0, 8, codes, out, 4) == QQ_OK);
    CHECK(memcmp(out, "\x21\x43\x65\x07", 4) == 0);
    CHECK(qq_pack_bits(4, QQ_ORDER_HIGH_NIBBLE_FIRST, 0, 8, codes, out, 4) ==
          QQ_OK);
    CHECK(memcmp(out, "\x12\x34\x56\x70", 4) == 0);
    CHECK(qq_pack_bits(4, QQ_ORDER_AWQ, 0, 8, codes, out, 4) == QQ_OK);
    CHECK(memcmp(out, "\x31\x75\x42\x06", 4) == 0);
    CHECK(qq_pack_bits(3, QQ_ORDER_LOW_FIRST, 0, 8, codes, out, 3) == QQ_OK);
    CHECK(memcmp(out, "\xd1\x58\x1f", 3) == 0);
    CHECK(qq_pack_bits(1, QQ_ORDER_HIGH_BIT_FIRST, 0, 9, ones, out, 2) ==
          QQ_OK);
    CHECK(memcmp(out, "\x83\x80", 2) == 0);
    CHECK(qq_pack_bits(16, QQ_ORDER_LOW_FIRST, 0, 2, wide, out, 4) == QQ_OK);
    CHECK(memcmp(out, "\x34\x12\xcd\xab", 4) == 0);
}

int main(void)
{
    for (int order = QQ_ORDER_LOW_FIRST; order <= QQ_ORDER_AWQ; order++)
        for (unsigned bits = 1; bits <= 16; bits++) {
            if (!has(bits, order))
                continue;
            const size_t step = check_small() ? 3 : 1;
            for (size_t start = 0; start < 10; start++)
                for (size_t n = start % step; n < 68; n += step)
                    test_one(bits, (qq_order)order, start, n);
            for (size_t k = 0; k < check_count(20); k++)
                test_pieces(bits, (qq_order)order);
        }
    test_refuse();
    test_known();
    return check_done();
}
