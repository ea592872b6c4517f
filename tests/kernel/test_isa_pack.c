// Every instruction set the machine has against scalar, byte for byte: arrays
// into packed matrices, numbers into packed matrices, and back out of them.
//
//   test_isa_pack [name of a set]

#include "isas.h"

static const size_t sizes_n[] = {1, 2, 7, 15, 16, 17, 31, 32, 33, 49};
static const size_t sizes_k[] = {1,   2,   3,   4,   5,   7,   8,   15,  16,
                                 17,  31,  32,  33,  47,  63,  64,  65,  79,
                                 80,  81,  96,  127, 128, 129, 159, 160, 161,
                                 255, 256, 257, 511, 513, 1025};
static const size_t tiles_k[] = {0, 0, 8, 12, 32, 32, 64, 128, 36, 256};
static const qq_type x_types[] = {QQ_TYPE_F32, QQ_TYPE_F32, QQ_TYPE_F16,
                                  QQ_TYPE_BF16};

// --- arrays ----------------------------------------------------------------

// What can be read out of a matrix, as bytes: the array, rows.
static uint8_t *read_back(const qq_matrix *w, size_t *bytes)
{
    const size_t array = qq_matrix_unpack_size(w);
    const size_t count = w->n > 0 ? 3 : 0, rows = 4 * count * w->k;
    const size_t at[3] = {0, w->n / 2, w->n > 0 ? w->n - 1 : 0};
    uint8_t *out = place(array + rows);
    qq_array a;

    // Levels stand where they are aligned: not at the same place every time.
    memset(out, 0, array + rows);
    CHECK(qq_matrix_unpack(w, out, array, &a) == QQ_OK);
    CHECK(qq_matrix_row(w, count, at, out + array, rows) == QQ_OK);
    if (w->type == QQ_TYPE_BOOK)
        memset(out, 0, array);
    *bytes = array + rows;
    return out;
}

static void test_array(qq_type type, size_t n, size_t k)
{
    recipe r;
    qq_matrix_options o = qq_matrix_options_init();
    size_t back_bytes, bytes_here;
    qq_matrix w, v;

    memset(&r, 0, sizeof r);
    r.type = type;
    r.n = n;
    r.k = k;
    r.tile_n = below(2);
    r.tile_k = PICK(tiles_k);
    r.tile_k = r.tile_k < k ? r.tile_k : 0;
    r.base3 = type == QQ_TYPE_TERNARY && below(2);
    CHECK(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
    const qq_array a = case_array(&r);
    o.bias = below(2) ? case_floats(n, 1) : NULL;
    o.sums = !matrix_is_float(type) && below(2);
    o.base3 = r.base3;
    const size_t bytes = qq_matrix_size(&a, &o);
    uint8_t *want = place(bytes);
    CHECK(qq_matrix_pack(&a, &o, want, bytes, &w) == QQ_OK);
    const uint8_t *back = read_back(&w, &back_bytes);
    for (size_t i = 0; i < isa_count; i++) {
        uint8_t *p = place(bytes);
        memset(p, 0x5a, bytes);
        CHECK(qq_use_isa(isas[i]) == QQ_OK);
        CHECK(qq_matrix_pack(&a, &o, p, bytes, &v) == QQ_OK);
        if (!CHECK(memcmp(p, want, bytes) == 0))
            printf("%s: packs %s, n %u k %u\n", qq_isa_name(isas[i]),
                   qq_type_name(type), (unsigned)n, (unsigned)k);
        const uint8_t *here = read_back(&v, &bytes_here);
        CHECK(bytes_here == back_bytes && memcmp(here, back, back_bytes) == 0);
    }
    room_free();
}

// --- numbers ---------------------------------------------------------------

enum { NOISE, HALVES, SOME_ODD, ZEROS, TINY, HUGE_ONES, BELL, KINDS };

// Bits of number i of a row. Halves: multiples of a half, or of a quarter, of
// a step, whatever the scale is made from.
static uint32_t number(int kind, size_t i, float by)
{
    const uint32_t sign = check_u32() & 0x80000000u;
    float sum = 0.0f;

    switch (kind) {
    case HALVES:
        sum = (float)(check_u32() % 512) / 4.0f;
        return sign | check_bits(i % 8 == 0 ? 127.5f : sum);
    case SOME_ODD:
        return below(9) ? check_bits(check_uniform()) : PICK(odd_floats);
    case ZEROS:
        return sign;
    case TINY:
        return sign | (check_u32() >> (5 + below(20)));
    case HUGE_ONES:
        return sign | (0x7e800000u + check_u32() % 0x1000000);
    case BELL:
        for (int j = 0; j < 6; j++)
            sum += check_uniform();
        return check_bits(sum * by);
    default:
        return check_bits(check_uniform() * by);
    }
}

static qq_tensor numbers(qq_type type, size_t n, size_t k, int kind)
{
    const size_t shape[2] = {n, k};
    qq_tensor x = qq_tensor_make(NULL, type, 2, shape);
    uint8_t *data = place(qq_tensor_bytes(&x));

    for (size_t row = 0; row < n; row++) {
        const int this_kind = kind < KINDS ? kind : (int)below(KINDS);
        const float by = (float)(1 << below(8)) / 16.0f;
        for (size_t i = 0; i < k; i++)
            store_number(data, type, row * k + i, number(this_kind, i, by));
    }
    x.data = data;
    return x;
}

static qq_scheme random_scheme(qq_type type)
{
    static const qq_calib methods[] = {
        QQ_CALIB_ABSMAX, QQ_CALIB_ABSMAX, QQ_CALIB_ABSMAX, QQ_CALIB_MINMAX,
        QQ_CALIB_RMS,    QQ_CALIB_MSE,    QQ_CALIB_ABSMEAN};
    static const qq_range ranges[] = {QQ_RANGE_HALF_STEP, QQ_RANGE_EXACT_MAX,
                                      QQ_RANGE_FULL};
    static const qq_type scales[] = {QQ_TYPE_NONE,  QQ_TYPE_NONE, QQ_TYPE_F32,
                                     QQ_TYPE_F16,   QQ_TYPE_BF16, QQ_TYPE_E8M0,
                                     QQ_TYPE_E4M3FN};
    qq_scheme s = qq_scheme_init(type);
    qq_type_info info;

    CHECK(qq_type_get(type, &info) == QQ_OK);
    const size_t tile = info.tile ? info.tile : PICK(tiles_k);
    if (below(4) || info.tile)
        CHECK(qq_scheme_channel(&s, 0, 2) == QQ_OK);
    if (tile > 0)
        CHECK(qq_scheme_tile(&s, 1, 2, tile) == QQ_OK);
    if (below(2)) {
        s.calibration.method = PICK(methods);
        s.calibration.arg_count = 0;
        if (s.calibration.method == QQ_CALIB_RMS ||
            s.calibration.method == QQ_CALIB_ABSMEAN) {
            s.calibration.args[0] = 2.5;
            s.calibration.arg_count = 1;
        }
    }
    s.range = PICK(ranges);
    s.scale_type = PICK(scales);
    if (type == QQ_TYPE_BOOK) {
        s.levels = matrix_levels;
        s.level_count = below(2) ? 16 : 4;
    }
    return s;
}

// 0 where the scheme makes no sense. The codes of numbers, set by set.
static int test_scheme(const qq_scheme *s, size_t n, size_t k)
{
    const int kind = (int)below(KINDS + 3);
    const qq_tensor x = numbers(PICK(x_types), n, k, kind);
    qq_matrix_options o = qq_matrix_options_init();
    qq_matrix w;

    o.a = below(2) ? case_floats(n, 1) : NULL;
    o.sums = !matrix_is_float(s->type) && below(3) == 0;
    o.base3 = s->type == QQ_TYPE_TERNARY && below(3) == 0;
    CHECK(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
    const size_t bytes = qq_matrix_quantize_size(&x, s, &o);
    const size_t need = qq_matrix_quantize_scratch_size(&x, s);
    if (bytes == SIZE_MAX || need == SIZE_MAX) {
        room_free();
        return 0;
    }
    uint8_t *want = place(bytes), *scratch = place(need);
    const qq_status good =
        qq_matrix_quantize(&x, s, &o, want, bytes, scratch, need, &w);
    for (size_t i = 0; i < isa_count; i++) {
        uint8_t *p = place(bytes);
        memset(p, 0x5a, bytes);
        memset(scratch, 0x5a, need);
        CHECK(qq_use_isa(isas[i]) == QQ_OK);
        CHECK(qq_matrix_quantize_scratch_size(&x, s) == need);
        CHECK(qq_matrix_quantize(&x, s, &o, p, bytes, scratch, need, &w) ==
              good);
        if (good != QQ_OK || CHECK(memcmp(p, want, bytes) == 0))
            continue;
        size_t at = 0;
        while (p[at] == want[at])
            at++;
        printf("%s: %s to %s, n %u k %u, tile %u, calibration %d, range %d, "
               "scales %s, kind %d: byte %u of %u\n",
               qq_isa_name(isas[i]), qq_type_name(x.type),
               qq_type_name(s->type), (unsigned)n, (unsigned)k,
               (unsigned)s->tile[1], (int)s->calibration.method, (int)s->range,
               qq_type_name(w.scale_type), kind, (unsigned)at, (unsigned)bytes);
    }
    room_free();
    return 1;
}

int main(int argc, char **argv)
{
    const size_t rounds = check_count(30);
    size_t made = 0;

    find_isas(argc > 1 ? argv[1] : NULL);
    for (size_t i = 0; i < rounds; i++)
        for (size_t t = 0; t < MATRIX_TYPES; t++)
            test_array(matrix_types[t], PICK(sizes_n),
                       below(2) ? PICK(sizes_k) : 1 + below(100));
    for (size_t i = 0; i < 4 * rounds; i++)
        for (size_t t = 0; t < MATRIX_TYPES; t++) {
            const qq_scheme s = random_scheme(matrix_types[t]);
            made += test_scheme(&s, PICK(sizes_n), PICK(sizes_k)) ? 1 : 0;
        }
    // The defaults by row and by tile, every length.
    for (size_t t = 0; t < MATRIX_TYPES; t++) {
        qq_type_info info;
        CHECK(qq_type_get(matrix_types[t], &info) == QQ_OK);
        for (size_t k = 1; k < (check_small() ? 20 : 140); k++) {
            qq_scheme s = qq_scheme_init(matrix_types[t]);
            CHECK(qq_scheme_channel(&s, 0, 2) == QQ_OK);
            if (info.tile || k % 2)
                CHECK(qq_scheme_tile(&s, 1, 2, info.tile ? info.tile : 32) ==
                      QQ_OK);
            s.levels = s.type == QQ_TYPE_BOOK ? matrix_levels : NULL;
            s.level_count = s.type == QQ_TYPE_BOOK ? 16 : 0;
            CHECK(test_scheme(&s, 1 + k % 18, k));
        }
    }
    CHECK(made > 40 * rounds);
    return check_done();
}
