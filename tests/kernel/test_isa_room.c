// Every instruction set the machine has against scalar where sums of products
// leave int16, or nearly do: large codes in tiles of 32 that meet large numbers
// now and then, and small codes that meet numbers of one sign.
//
//   test_isa_room [name of a set]

#include "isas.h"

static const size_t sizes_m[] = {2, 3, 4, 5, 8, 9, 12, 16, 31, 32, 33, 65};
static const size_t sizes_k[] = {33,  63,  64,  256,  257,  320,
                                 511, 512, 516, 1030, 2051, 4100};
// One number in so many is large.
static const uint32_t rarities[] = {2, 20, 40, 150, 1000, 100000};

static const qq_type large_types[] = {QQ_TYPE_NF4, QQ_TYPE_INT8, QQ_TYPE_UINT8};
static const qq_type small_types[] = {QQ_TYPE_INT4, QQ_TYPE_UINT4, QQ_TYPE_INT5,
                                      QQ_TYPE_INT6, QQ_TYPE_INT7};

// The largest codes or the least, all or most, or any.
static void extreme_codes(product *c)
{
    static const int ends[] = {0xff, 0, 0xf0, 0x0f};
    const int any = (int)below(3) == 0, code = PICK(ends);
    const uint32_t others = below(2) ? 8 : 100000;

    for (size_t i = 0; i < c->w.panels && !any; i++) {
        uint8_t *panel = c->packed + c->w.panel_at + i * c->w.panel_bytes;
        for (size_t j = 0; j < c->w.scale_at; j++)
            panel[j] = (uint8_t)(below(others) == 0 ? (int)below(256) : code);
    }
}

// Small numbers, and some at the ends or where two of them begin to be large.
static int rare_number(uint32_t rarity)
{
    static const int large[] = {-128, 127, -127, 64, 65, -64, -65, 63};

    return below(rarity) == 0 ? PICK(large) : (int)below(99) - 49;
}

// Number i of those whose sums are near what 16 or 32 steps have room for; one
// of the other sign makes them what they are as int8, too.
static int even_number(size_t i, int about, int sign)
{
    return sign * (i == 0 ? -127 : about + (int)below(3) - 1);
}

static void test_product(qq_type type, size_t tile_k, size_t m, size_t n,
                         size_t k)
{
    static const int levels[] = {32, 33, 34, 35, 36, 64, 126, 5};
    const uint32_t rarity = PICK(rarities);
    const int about = PICK(levels);
    recipe r;

    memset(&r, 0, sizeof r);
    r.type = type;
    r.input = QQ_INPUT_INT8_ROW;
    r.n = n;
    r.k = k;
    r.m = m;
    r.tile_k = tile_k;
    CHECK(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
    product c = case_make(&r);
    extreme_codes(&c);
    for (size_t row = 0; row < m; row++) {
        const int sign = below(2) ? 1 : -1;
        for (size_t i = 0; i < k; i++)
            put_x(&c, row * c.ldx + i,
                  tile_k > 0 ? rare_number(rarity)
                             : even_number(i, about, sign));
    }
    isas_agree(&c, 2);
    room_free();
}

int main(int argc, char **argv)
{
    const int small = check_small();

    find_isas(argc > 1 ? argv[1] : NULL);
    for (int i = 0; i < (small ? 30 : 300); i++)
        test_product(PICK(large_types), 32, PICK(sizes_m), 1 + below(40),
                     PICK(sizes_k));
    test_product(QQ_TYPE_NF4, 32, 33, 2049, small ? 65 : 516);
    for (int i = 0; i < (small ? 10 : 100); i++)
        test_product(PICK(small_types), 0, PICK(sizes_m), 256 + below(40),
                     PICK(sizes_k));
    return check_done();
}
