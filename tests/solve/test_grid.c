// Grids and where fits lie: levels, sizes, what is refused.

#include "fitting.h"

static int same(float x, float y)
{
    return !(x < y) && !(x > y);
}

static void test_levels(void)
{
    for (unsigned bits = 2; bits <= 8; bits++) {
        const qq_grid g = qq_grid_integer(bits), h = qq_grid_half_step(bits);
        const int count = 1 << bits;
        CHECK(g.count == (unsigned)count && h.count == (unsigned)count);
        CHECK(g.signed_scales == 1 && g.offsets == 0 && h.offsets == 0);
        for (int c = 0; c < count; c++) {
            CHECK(same(qq_grid_level(&g, (unsigned)c), (float)(c - count / 2)));
            CHECK(same(qq_grid_level(&h, (unsigned)c),
                       (float)(2 * c - (count - 1))));
        }
        CHECK(same(qq_grid_level(&g, (unsigned)count), 0.0f));
        CHECK(same(qq_grid_level(&h, 1u << 31), 0.0f));
    }
    const qq_grid one = qq_grid_integer(1), t = qq_grid_ternary();
    const qq_grid book = qq_grid_book(5, fitting_book);
    CHECK(one.kind == QQ_GRID_HALF_STEP && one.count == 2);
    CHECK(same(qq_grid_level(&one, 0), -1.0f));
    CHECK(same(qq_grid_level(&one, 1), 1.0f));
    CHECK(t.count == 3 && same(qq_grid_level(&t, 0), -1.0f));
    CHECK(same(qq_grid_level(&t, 1), 0.0f));
    CHECK(same(qq_grid_level(&t, 2), 1.0f));
    for (unsigned i = 0; i < 5; i++)
        CHECK(same(qq_grid_level(&book, i), fitting_book[i]));
    CHECK(same(qq_grid_level(&book, 5), 0.0f));
    CHECK(same(qq_grid_level(NULL, 0), 0.0f));
}

// A grid that is none has no fit of any size.
static void refuse(qq_grid g)
{
    uint8_t memory[256];
    qq_fit f;

    CHECK(qq_fit_size(2, 2, 0, &g) == SIZE_MAX);
    CHECK(qq_fit_make(2, 2, 0, &g, memory, sizeof memory, &f) ==
          QQ_ERR_ARGUMENT);
    CHECK(same(qq_grid_level(&g, 300), 0.0f));
}

static void test_refused_grids(void)
{
    static const float falling[3] = {1.0f, 0.5f, 2.0f};
    static const float equal[3] = {1.0f, 1.0f, 2.0f};
    const float wild[3] = {0.0f, 1.0f, INFINITY};
    const float nan[3] = {0.0f, NAN, 2.0f};
    qq_grid g = qq_grid_ternary();

    refuse(qq_grid_integer(0));
    refuse(qq_grid_integer(9));
    refuse(qq_grid_integer(32));
    refuse(qq_grid_half_step(0));
    refuse(qq_grid_half_step(9));
    refuse(qq_grid_book(1, falling));
    refuse(qq_grid_book(257, falling));
    refuse(qq_grid_book(3, NULL));
    refuse(qq_grid_book(3, falling));
    refuse(qq_grid_book(3, equal));
    refuse(qq_grid_book(3, wild));
    refuse(qq_grid_book(3, nan));
    g.kind = (qq_grid_kind)9;
    refuse(g);
    memset(&g, 0, sizeof g);
    refuse(g);
    CHECK(qq_fit_size(2, 2, 0, NULL) == SIZE_MAX);
}

// All codes and scales are 0 at first; tiles are counted with the short one.
static void test_make(size_t n, size_t k, size_t tile, int offsets)
{
    qq_grid g = qq_grid_integer(3);
    qq_fit f;

    g.offsets = offsets;
    const size_t bytes = qq_fit_size(n, k, tile, &g);
    uint8_t *memory = room(bytes);
    const size_t wide = tile == 0 || tile > k ? k : tile;
    CHECK(qq_fit_make(n, k, tile, &g, memory, bytes, &f) == QQ_OK);
    CHECK(f.n == n && f.k == k);
    CHECK(k == 0 || (f.tile == wide && f.tiles == (k + wide - 1) / wide));
    CHECK((f.offset != NULL) == (offsets != 0) || n * k == 0);
    for (size_t i = 0; i < n * k; i++)
        CHECK(f.code[i] == 0);
    for (size_t i = 0; i < n * f.tiles; i++) {
        CHECK(same(f.scale[i], 0.0f));
        CHECK(!offsets || same(f.offset[i], 0.0f));
    }
    if (bytes > 0) {
        CHECK(qq_fit_make(n, k, tile, &g, memory, bytes - 1, &f) ==
              QQ_ERR_SIZE);
        CHECK(qq_fit_make(n, k, tile, &g, NULL, bytes, &f) == QQ_ERR_ARGUMENT);
    }
    CHECK(qq_fit_make(n, k, tile, &g, memory, bytes, NULL) == QQ_ERR_ARGUMENT);
    free(memory);
}

static void test_sizes(void)
{
    qq_grid g = qq_grid_integer(8);
    const size_t big = SIZE_MAX / 2;
    uint8_t memory[64];
    qq_fit f;

    for (int i = 0; i < 2; i++) {
        g.offsets = i;
        CHECK(qq_fit_size(big, 3, 1, &g) == SIZE_MAX);
        CHECK(qq_fit_size(3, big, 1, &g) == SIZE_MAX);
        CHECK(qq_fit_size(big, 1, 1, &g) == SIZE_MAX); // the scales
        CHECK(qq_fit_size(SIZE_MAX, SIZE_MAX, 0, &g) == SIZE_MAX);
        CHECK(qq_fit_make(big, 3, 1, &g, memory, sizeof memory, &f) ==
              QQ_ERR_SIZE);
    }
    CHECK(qq_fit_size(0, 0, 0, &g) == 0);
}

// The array of a fit: its types, and what it refuses. Offsets are no part of
// it.
static void test_arrays(void)
{
    static const qq_type types[FITTING_GRIDS] = {
        QQ_TYPE_INT4,    QQ_TYPE_INT3, QQ_TYPE_INT2, QQ_TYPE_BOOK,
        QQ_TYPE_TERNARY, QQ_TYPE_SIGN, QQ_TYPE_INT3, QQ_TYPE_BOOK,
        QQ_TYPE_SIGN,    QQ_TYPE_INT2, QQ_TYPE_BOOK, QQ_TYPE_INT8};

    for (size_t i = 0; i < FITTING_GRIDS; i++) {
        fitting p = fitting_make(3, 10, 4, fitting_grid(i), NULL);
        const size_t bytes = qq_fit_array_size(&p.f, QQ_TYPE_F32);
        uint8_t *out = room(bytes);
        float y[30];
        qq_array a;
        qq_tensor t;
        CHECK(fitting_search(&p) == QQ_OK);
        CHECK(qq_fit_array(&p.f, QQ_TYPE_F32, out, bytes - 1, &a) ==
              QQ_ERR_SIZE);
        CHECK(qq_fit_array(&p.f, QQ_TYPE_F32, NULL, bytes, &a) ==
              QQ_ERR_ARGUMENT);
        CHECK(qq_fit_array(&p.f, QQ_TYPE_F32, out, bytes, NULL) ==
              QQ_ERR_ARGUMENT);
        CHECK(qq_fit_array(NULL, QQ_TYPE_F32, out, bytes, &a) ==
              QQ_ERR_ARGUMENT);
        CHECK(qq_fit_array(&p.f, QQ_TYPE_INT4, out, bytes, &a) == QQ_ERR_TYPE);
        CHECK(qq_fit_array_size(&p.f, QQ_TYPE_BF16) == SIZE_MAX);
        for (size_t b = 0; b < bytes; b++)
            CHECK(out[b] == 255);
        CHECK(qq_fit_array(&p.f, QQ_TYPE_F32, out, bytes, &a) == QQ_OK);
        CHECK(a.type == types[i] && a.scale.type == QQ_TYPE_F32);
        CHECK(qq_dequantize(&a, QQ_RULE_QQUANT, QQ_TYPE_F32, y, sizeof y, &t) ==
              QQ_OK);
        fitting_values(&p);
        for (size_t j = 0; j < 30; j++) {
            const size_t at = j / 10 * p.f.tiles + j % 10 / 4;
            const float o = p.f.offset != NULL ? p.f.offset[at] : 0.0f;
            CHECK(same(y[j] + o, p.v[j]));
        }
        free(out);
        fitting_drop(&p);
    }
}

// Values: ldv apart, nothing between; offsets are added after one rounding.
static void test_values(void)
{
    qq_grid g = qq_grid_integer(2);
    float v[8] = {9, 9, 9, 9, 9, 9, 9, 9};
    uint8_t memory[512];
    qq_fit f;

    g.offsets = 1;
    CHECK(qq_fit_make(2, 3, 2, &g, memory, sizeof memory, &f) == QQ_OK);
    f.code[0] = 3; // of the first tile of the first row
    f.code[2] = 1;
    f.scale[0] = 0.1f;
    f.offset[0] = 1e8f;
    f.scale[1] = -2.0f;
    f.offset[3] = 0.5f;
    CHECK(qq_fit_values(&f, v, 4) == QQ_OK);
    CHECK(same(v[0], 0.1f + 1e8f) && same(v[1], 0.1f * -2.0f + 1e8f));
    CHECK(same(v[2], 2.0f) && same(v[3], 9.0f));
    CHECK(same(v[4], 0.0f) && same(v[6], 0.5f) && same(v[7], 9.0f));
    CHECK(qq_fit_values(&f, v, 2) == QQ_ERR_SHAPE);
    CHECK(qq_fit_values(&f, NULL, 4) == QQ_ERR_ARGUMENT);
    CHECK(qq_fit_values(NULL, v, 4) == QQ_ERR_ARGUMENT);
}

int main(void)
{
    test_levels();
    test_refused_grids();
    for (int i = 0; i < 2; i++) {
        test_make(3, 7, 0, i);
        test_make(3, 7, 2, i);
        test_make(1, 1, 9, i);
        test_make(5, 8, 4, i);
        test_make(0, 5, 2, i);
        test_make(4, 0, 2, i);
    }
    test_sizes();
    test_arrays();
    test_values();
    return check_done();
}
