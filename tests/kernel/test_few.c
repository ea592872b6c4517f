// Few columns of x against scalar, bit for bit: one to eight rows of x, codes
// of 2, 4 and 8 bits, every number of panels that go side by side, panels
// longer and shorter than what is asked for ahead, and tiles made ahead in
// several runs. And of what many rows of x go through, tiles of strips, and
// one row of x through short tiles.

#include "../matrix/case.h"

static const size_t sizes_k[] = {4,   16,  20,  64,   72,  129,
                                 512, 516, 800, 1100, 2112};
static const size_t tiles_k[] = {0, 8, 16, 32, 128};
static const size_t most_rows = 8;

// Scales of e8m0 between 2^-63 and 1, as most nets have them; or up to 2, which
// is a step too far for what takes them as mere exponents.
static void tame_powers(const qq_matrix *w, uint32_t count)
{
    uint8_t *panels = (uint8_t *)(uintptr_t)w->data + w->panel_at;

    for (size_t i = 0; i < (w->n + 15) / 16; i++)
        for (size_t j = 0; j < 16 * w->tiles; j++)
            panels[i * w->panel_bytes + w->scale_at + j] =
                (uint8_t)(64 + below(count));
}

static void test_case(const recipe *r)
{
    CHECK(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
    const product c = case_make(r);
    const size_t bytes = case_scratch(&c, 1);
    uint8_t *scratch = place(bytes);
    uint8_t *want = place(c.y_bytes), *y = place(c.y_bytes);

    if (c.w.scale_type == QQ_TYPE_E8M0 && below(2))
        tame_powers(&c.w, below(4) ? 64 : 65);
    case_run(&c, SERIAL, 1, scratch, bytes, want);
    for (size_t i = 0; i < CASE_ISAS; i++) {
        if (qq_use_isa(case_isas[i]) != QQ_OK)
            continue;
        case_run(&c, SERIAL, 1, scratch, bytes, y);
        if (!CHECK(memcmp(y, want, c.y_bytes) == 0) && check_failed < 20)
            case_report(&c, qq_isa_name(case_isas[i]), SERIAL, 1, y, want);
    }
    room_free();
}

// Inputs of one digit, all that these kernels take.
static qq_input some_input(void)
{
    static const qq_input inputs[] = {QQ_INPUT_INT8_ROW, QQ_INPUT_INT8_ROW,
                                      QQ_INPUT_INT8_TILE, QQ_INPUT_INT8_STATIC};

    return PICK(inputs);
}

static void test_type(qq_type type, size_t step)
{
    recipe r;

    memset(&r, 0, sizeof r);
    r.type = type;
    for (size_t panels = 1; panels <= 9; panels += step) {
        for (r.m = 1; r.m <= most_rows; r.m++) {
            r.input = some_input();
            r.n = 16 * panels - (below(2) ? below(16) : 0);
            r.k = PICK(sizes_k);
            r.tile_k = PICK(tiles_k);
            r.tile_n = below(3) == 0;
            r.odd = below(3) == 0;
            r.base3 = type == QQ_TYPE_TERNARY && below(4) == 0;
            test_case(&r);
        }
    }
}

// More rows of x than those kernels take, through strips of 384 or 512 columns
// that are whole tiles, and through others.
static void test_many(qq_type type)
{
    static const size_t tiles[] = {0, 8, 32, 64, 128, 256};
    recipe r;

    memset(&r, 0, sizeof r);
    r.type = type;
    r.m = 9 + below(16);
    r.input = some_input();
    r.n = 16 * (1 + below(3)) - below(16);
    r.tile_k = PICK(tiles);
    r.k = r.tile_k == 0 ? 4 * (1 + below(200))
                        : r.tile_k * (1 + below(1200 / r.tile_k));
    r.odd = below(3) == 0;
    test_case(&r);
}

// A lone row of x, four panels and what is left, whole and short tiles: with
// scales of f16 and e8m0, which are drawn now and then.
static void test_brief(qq_type type)
{
    static const size_t tiles[] = {0, 16, 32, 64, 128};
    recipe r;

    memset(&r, 0, sizeof r);
    r.type = type;
    r.m = 1;
    r.input = QQ_INPUT_INT8_ROW;
    r.n = 16 * (4 + below(6)) - below(16);
    r.tile_k = PICK(tiles);
    r.k = r.tile_k == 0 ? 1 + below(256) : r.tile_k * (1 + below(6));
    r.odd = below(3) == 0;
    test_case(&r);
}

int main(void)
{
    for (size_t t = 0; t < MATRIX_TYPES; t++)
        if (!matrix_is_float(matrix_types[t]))
            test_type(matrix_types[t], check_small() ? 4 : 1);
    for (size_t t = 0; t < MATRIX_TYPES; t++)
        for (int i = check_small() ? 4 : 0; i < 8; i++)
            if (!matrix_is_float(matrix_types[t]))
                test_many(matrix_types[t]);
    for (size_t t = 0; t < MATRIX_TYPES; t++)
        for (int i = check_small() ? 100 : 0; i < 120; i++)
            if (qq_type_bits(matrix_types[t]) % 4 == 2 ||
                qq_type_bits(matrix_types[t]) == 4)
                test_brief(matrix_types[t]);
    return check_done();
}
