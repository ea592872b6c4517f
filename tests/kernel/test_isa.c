// Every instruction set the machine has against scalar, bit for bit: all types
// and inputs, sizes around every boundary of a kernel, memory off alignment,
// whatever bytes a matrix may hold, whole or in parts.
//
//   test_isa [name of a set [name of a type [number of rounds]]]

#include "isas.h"

static const size_t sizes_m[] = {1,   2,   3,   4,   5,   6,   7,   8,   9,
                                 10,  11,  12,  13,  14,  15,  16,  17,  31,
                                 32,  33,  47,  48,  49,  63,  64,  65,  96,
                                 128, 129, 255, 256, 257, 511, 513, 1025};
static const size_t sizes_n[] = {1,  2,  7,  15, 16, 17, 31, 32,
                                 33, 47, 48, 49, 63, 64, 65, 97};
static const size_t sizes_k[] = {
    1,    2,    3,    4,    5,    7,    8,    9,    12,   15,  16,
    17,   28,   31,   32,   33,   36,   47,   48,   49,   63,  64,
    65,   79,   80,   81,   95,   96,   97,   127,  128,  129, 159,
    160,  161,  255,  256,  257,  300,  511,  512,  513,  767, 769,
    1023, 1024, 1025, 2047, 2048, 2049, 4095, 4096, 4097, 8193};
static const size_t tiles_k[] = {0, 0, 0, 8, 12, 32, 32, 64, 128, 36, 256, 20};
static const size_t tiles_n[] = {0, 1, 1, 16, 32};
static const size_t part_counts[] = {1, 2, 3, 8};

static unsigned visits[MATRIX_TYPES][QQ_INPUT_F32 + 1];

// The type that is asked for on the command line, if one is.
static const char *only_type;

// No set writes to its operands.
static void test_case(const recipe *r)
{
    CHECK(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
    const product c = case_make(r);
    uint8_t *w_before = place(c.w.bytes), *x_before = place(c.x_bytes);

    memcpy(w_before, c.packed, c.w.bytes);
    memcpy(x_before, c.x, c.x_bytes);
    isas_agree(&c, PICK(part_counts));
    CHECK(memcmp(w_before, c.packed, c.w.bytes) == 0);
    CHECK(memcmp(x_before, c.x, c.x_bytes) == 0);
    room_free();
}

static int goes(qq_type type, qq_input input)
{
    return (input == QQ_INPUT_F32 || !matrix_is_float(type)) &&
           (only_type == NULL || strcmp(qq_type_name(type), only_type) == 0);
}

// Sizes of a product of at most some multiplications: many small ones, now and
// then a large one.
static void random_sizes(recipe *r)
{
    const int slow = r->input == QQ_INPUT_F32;
    const size_t most = (size_t)(slow ? 6000 : 20000) << below(7);

    do {
        r->m = below(3) ? PICK(sizes_m) : 1 + below(20);
        r->n = PICK(sizes_n);
        r->k = below(4) ? PICK(sizes_k) : 1 + below(400);
    } while (r->m * r->n * r->k > most);
}

static void test_pair(size_t t, qq_input input)
{
    recipe r;

    memset(&r, 0, sizeof r);
    r.type = matrix_types[t];
    r.input = input;
    r.tile_k = PICK(tiles_k);
    r.tile_n = PICK(tiles_n);
    r.odd = below(3) == 0;
    r.base3 = r.type == QQ_TYPE_TERNARY && below(3) == 0;
    random_sizes(&r);
    test_case(&r);
    visits[t][input]++;
}

// Every batch up to twice the widest register tile, and a panel more or less.
static void test_batches(qq_type type, qq_input input, size_t most)
{
    recipe r;

    memset(&r, 0, sizeof r);
    r.type = type;
    r.input = input;
    for (size_t m = 1; m <= most; m++) {
        r.m = m;
        r.n = 17 + 16 * (m % 3);
        r.k = 30 + m % 7;
        r.tile_k = m % 2 ? 0 : 12;
        r.odd = m % 4 == 0;
        test_case(&r);
    }
}

// Every k up to a few cells of each width, and every tile.
static void test_lengths(qq_type type, qq_input input, size_t most)
{
    recipe r;

    memset(&r, 0, sizeof r);
    r.type = type;
    r.input = input;
    for (size_t k = 1; k <= most; k++) {
        r.m = 1 + k % 5;
        r.n = 16 + k % 3;
        r.k = k;
        r.tile_k = k % 3 ? 4 * (2 + below(k / 4 + 1)) : 0;
        r.base3 = type == QQ_TYPE_TERNARY && k % 2;
        test_case(&r);
    }
}

// Nothing to add up, nobody to add it up for.
static void test_empty(void)
{
    static const size_t sizes[][3] = {{1, 1, 0},  {17, 5, 0},  {33, 20, 0},
                                      {0, 3, 40}, {20, 0, 40}, {0, 0, 0}};
    recipe r;

    memset(&r, 0, sizeof r);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int in = QQ_INPUT_INT8_ROW; in <= QQ_INPUT_F32; in++) {
            r.type = below(2) ? QQ_TYPE_INT4 : QQ_TYPE_SIGN;
            r.input = (qq_input)in;
            r.n = sizes[i][0];
            r.m = sizes[i][1];
            r.k = sizes[i][2];
            test_case(&r);
        }
}

static void test_sweeps(void)
{
    // One type for each width, the digits, the float engine.
    static const struct {
        qq_type type;
        qq_input input;
    } sweeps[] = {{QQ_TYPE_SIGN, QQ_INPUT_INT8_ROW},
                  {QQ_TYPE_TERNARY, QQ_INPUT_INT8_ROW},
                  {QQ_TYPE_UINT2, QQ_INPUT_INT8_STATIC},
                  {QQ_TYPE_INT3, QQ_INPUT_INT8_ROW},
                  {QQ_TYPE_INT4, QQ_INPUT_INT8_ROW},
                  {QQ_TYPE_INT4, QQ_INPUT_INT8_TILE},
                  {QQ_TYPE_NF4, QQ_INPUT_INT8_ROW},
                  {QQ_TYPE_INT5, QQ_INPUT_INT8_TILE},
                  {QQ_TYPE_INT6, QQ_INPUT_INT16},
                  {QQ_TYPE_INT7, QQ_INPUT_INT24},
                  {QQ_TYPE_INT8, QQ_INPUT_INT8_ROW},
                  {QQ_TYPE_UINT8, QQ_INPUT_INT8_STATIC},
                  {QQ_TYPE_E4M3FN, QQ_INPUT_F32},
                  {QQ_TYPE_INT4, QQ_INPUT_F32}};

    for (size_t i = 0; i < sizeof sweeps / sizeof sweeps[0]; i++) {
        if (!goes(sweeps[i].type, sweeps[i].input))
            continue;
        test_batches(sweeps[i].type, sweeps[i].input, check_small() ? 9 : 66);
        test_lengths(sweeps[i].type, sweeps[i].input, check_small() ? 40 : 180);
    }
}

int main(int argc, char **argv)
{
    const size_t asked = argc > 3 ? (size_t)atoi(argv[3]) : 16;
    const size_t rounds = check_small() ? 1 : asked;

    only_type = argc > 2 ? argv[2] : NULL;
    find_isas(argc > 1 ? argv[1] : NULL);
    for (size_t i = 0; i < rounds; i++)
        for (size_t t = 0; t < MATRIX_TYPES; t++)
            for (int in = QQ_INPUT_INT8_ROW; in <= QQ_INPUT_F32; in++)
                if (goes(matrix_types[t], (qq_input)in))
                    test_pair(t, (qq_input)in);
    test_sweeps();
    test_empty();
    for (size_t t = 0; t < MATRIX_TYPES; t++)
        for (int in = QQ_INPUT_INT8_ROW; in <= QQ_INPUT_F32; in++)
            if (goes(matrix_types[t], (qq_input)in))
                CHECK(visits[t][in] == rounds);
    printf("against scalar:");
    for (size_t i = 0; i < isa_count; i++)
        printf(" %s", qq_isa_name(isas[i]));
    printf("\n");
    return check_done();
}
