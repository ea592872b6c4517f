// Every instruction set the machine has against scalar where sums are longest
// and integers largest: k of 65536 and far beyond, codes all the largest or
// all the smallest, x of -128 throughout.
//
//   test_isa_long [name of a set]

#include "isas.h"

static const size_t sizes_k[] = {4097,  16385, 32769,  65535, 65536,
                                 65537, 70001, 131072, 131077};
static const size_t tiles_k[] = {0, 0, 65536, 65532, 32768, 4096};

// All codes of a panel one byte, zero points another.
static void constant_codes(product *c)
{
    static const int bytes[] = {0xff, 0xff, 0, 0xaa, 0x80, 0x7f};
    const int code = PICK(bytes), zero = below(2) ? 0xff : 0;

    if (matrix_is_float(c->r.type))
        return;
    for (size_t i = 0; i < c->w.panels; i++) {
        uint8_t *panel = c->packed + c->w.panel_at + i * c->w.panel_bytes;
        memset(panel, code, c->w.scale_at);
        if (c->w.zero_at)
            memset(panel + c->w.zero_at, zero, 16 * c->w.tiles);
    }
}

// The sums are made anew.
static void pack_again(product *c)
{
    const size_t bytes = qq_matrix_unpack_size(&c->w);
    void *room_for = room(bytes);
    qq_array a;

    if (!(c->w.flags & QQ_MATRIX_SUMS))
        return;
    CHECK(qq_matrix_unpack(&c->w, room_for, bytes, &a) == QQ_OK);
    const size_t size = qq_matrix_size(&a, &c->mo);
    c->packed = place(size);
    CHECK(qq_matrix_pack(&a, &c->mo, c->packed, size, &c->w) == QQ_OK);
}

// Rows of one number, the largest.
static void constant_x(product *c)
{
    const size_t size = qq_type_bits(c->o.x_type) / 8;

    for (size_t row = 0; row < c->r.m; row++) {
        uint8_t *x = c->x + row * c->ldx * size;
        const float f = row % 2 ? -3.5f : 3.5f;
        for (size_t i = 0; i < c->r.k && size > 1; i++)
            store_number(x, c->o.x_type, i, check_bits(f));
        if (size == 1)
            memset(x, row % 2 ? 0x7f : 0x80, c->r.k);
    }
}

static void test_long(qq_type type, qq_input input, size_t m, size_t k)
{
    recipe r;

    memset(&r, 0, sizeof r);
    r.type = type;
    r.input = input;
    r.n = m > 2 ? 2 : below(4) ? 3 : 17;
    r.k = k;
    r.m = m;
    r.tile_n = below(2);
    r.tile_k = k < (size_t)1 << 17 ? PICK(tiles_k) : 0;
    CHECK(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
    product c = case_make(&r);
    if (below(4) > 0) {
        constant_codes(&c);
        pack_again(&c);
        constant_x(&c);
    }
    isas_agree(&c, 2);
    room_free();
}

int main(int argc, char **argv)
{
    static const qq_type types[] = {
        QQ_TYPE_SIGN, QQ_TYPE_TERNARY, QQ_TYPE_UINT2, QQ_TYPE_INT3,
        QQ_TYPE_INT4, QQ_TYPE_UINT4,   QQ_TYPE_NF4,   QQ_TYPE_BOOK,
        QQ_TYPE_INT5, QQ_TYPE_INT6,    QQ_TYPE_INT7,  QQ_TYPE_INT8,
        QQ_TYPE_UINT8};
    enum { TYPES = sizeof types / sizeof types[0] };
    const int small = check_small();

    find_isas(argc > 1 ? argv[1] : NULL);
    for (size_t t = 0; t < (small ? TYPES : 6 * TYPES); t++)
        test_long(types[t % TYPES],
                  (qq_input)(QQ_INPUT_INT8_ROW + (int)((t + t / TYPES) % 5)),
                  1 + below(2), small ? 65537 : PICK(sizes_k));
    for (size_t t = 0; t < TYPES; t++)
        test_long(types[t], QQ_INPUT_INT8_ROW, small ? 9 : 17,
                  small ? 4097 : 8193);
    for (size_t t = 0; t < MATRIX_TYPES; t++)
        test_long(matrix_types[t], QQ_INPUT_F32, 1, 1030 + below(4000));
    if (small)
        return check_done();
    for (int in = QQ_INPUT_INT8_ROW; in <= QQ_INPUT_F32; in++)
        test_long(QQ_TYPE_UINT8, (qq_input)in, 1, (size_t)1 << 17);
    test_long(QQ_TYPE_UINT8, QQ_INPUT_INT24, 1, (size_t)1 << 20);
    test_long(QQ_TYPE_SIGN, QQ_INPUT_INT8_ROW, 1, ((size_t)1 << 20) + 3);
    return check_done();
}
