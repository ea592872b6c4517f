// Every instruction set the machine has against scalar where products of codes
// of 8 bits and numbers leave int16, now and then and in any place: what a
// kernel does about a few such numbers need not be what it does about many.
//
//   test_isa_large [name of a set]

#include "isas.h"

static const size_t sizes_m[] = {2, 3, 4, 5, 8, 9, 12, 16, 31, 32, 33, 65};
static const size_t sizes_k[] = {1,   3,   4,    63,   64,   65,
                                 511, 512, 1023, 2051, 4096, 8193};
// One number in so many is large.
static const uint32_t rarities[] = {2, 8, 40, 150, 1000, 100000};

// Codes near one of the ends, or any.
static void extreme_codes(product *c)
{
    static const int ends[] = {0xff, 0xfe, 0, 1, 0x80, 0x7f};
    const int any = (int)below(3) == 0, code = PICK(ends);

    for (size_t i = 0; i < c->w.panels && !any; i++) {
        uint8_t *panel = c->packed + c->w.panel_at + i * c->w.panel_bytes;
        for (size_t j = 0; j < c->w.scale_at; j++)
            panel[j] = (uint8_t)(below(8) == 0 ? (int)below(256) : code);
    }
}

// Small numbers, and some at the ends or where two of them begin to be large;
// the same one twice now and then.
static void rare_x(product *c)
{
    static const int large[] = {-128, 127, -127, 64, 65, -64, -65, 63};
    const uint32_t rarity = PICK(rarities);

    for (size_t row = 0; row < c->r.m; row++)
        for (size_t i = 0, v = 0; i < c->r.k; i++) {
            if (below(3) > 0)
                v = below(rarity) == 0 ? (size_t)(PICK(large) + 128)
                                       : 79 + (size_t)below(99);
            put_x(c, row * c->ldx + i, (int)v - 128);
        }
}

static void test_rare(qq_type type, size_t m, size_t n, size_t k)
{
    recipe r;

    memset(&r, 0, sizeof r);
    r.type = type;
    r.input = QQ_INPUT_INT8_ROW;
    r.n = n;
    r.k = k;
    r.m = m;
    CHECK(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
    product c = case_make(&r);
    extreme_codes(&c);
    rare_x(&c);
    isas_agree(&c, 2);
    room_free();
}

int main(int argc, char **argv)
{
    const int small = check_small();

    find_isas(argc > 1 ? argv[1] : NULL);
    for (int i = 0; i < (small ? 30 : 400); i++)
        test_rare(below(3) ? QQ_TYPE_INT8 : QQ_TYPE_UINT8, PICK(sizes_m),
                  1 + below(40), PICK(sizes_k));
    test_rare(QQ_TYPE_INT8, 33, 2049, small ? 65 : 516);
    return check_done();
}
