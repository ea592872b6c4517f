// Numbers straight into panels by every instruction set the machine has: the
// bytes of qq_quantize and qq_matrix_pack, for all schemes that kernels know
// and some they leave alone, and for numbers that are hard: next to the middle
// of two codes with scales that need a correction, means in the middle of two
// floats, NaN, infinities, subnormals, zeros.

#include "../matrix/matrix.h"

static const qq_isa isas[] = {
    QQ_ISA_SCALAR, QQ_ISA_AVX2,        QQ_ISA_AVX_VNNI,
    QQ_ISA_AVX512, QQ_ISA_AVX512_VNNI, QQ_ISA_AMX,
    QQ_ISA_NEON,   QQ_ISA_NEON_DOT,    QQ_ISA_NEON_I8MM};
enum { ISAS = sizeof isas / sizeof isas[0] };

static const qq_type types[] = {QQ_TYPE_SIGN,  QQ_TYPE_TERNARY, QQ_TYPE_INT2,
                                QQ_TYPE_INT3,  QQ_TYPE_INT4,    QQ_TYPE_INT5,
                                QQ_TYPE_INT6,  QQ_TYPE_INT7,    QQ_TYPE_INT8,
                                QQ_TYPE_UINT2, QQ_TYPE_UINT4,   QQ_TYPE_UINT8};
enum { TYPES = sizeof types / sizeof types[0] };

// Panels made without scratch: by a kernel.
static unsigned long direct[ISAS], general[ISAS];

static float power_of_two(int e)
{
    return (float)ldexp(1.0, e);
}

static float next(float x, int steps)
{
    return check_f32(check_bits(x) + (uint32_t)steps);
}

// --- numbers ---------------------------------------------------------------

static void fill_plain(float *x, size_t count)
{
    const float unit = power_of_two((int)below(40) - 20);

    for (size_t i = 0; i < count; i++)
        x[i] = check_uniform() * unit;
}

// Every row, or piece of one, of another size, down to nothing.
static void fill_sizes(float *x, size_t count)
{
    float unit = 0.0f;

    for (size_t i = 0; i < count; i++) {
        if (below(30) == 0)
            unit = below(5) == 0 ? 0.0f : power_of_two((int)below(270) - 149);
        x[i] = check_uniform() * unit;
    }
}

// Anything: a few of them, or all.
static void fill_bits(float *x, size_t count)
{
    static const uint32_t special[] = {0x7fc00000u, 0xffc00001u, 0x7f800000u,
                                       0xff800000u, 0x80000000u, 0x00000001u,
                                       0x807fffffu, 0x7f7fffffu};
    const size_t often = below(2) ? 300 : 3;

    fill_plain(x, count);
    for (size_t i = 0; i < count; i++) {
        if (below(often) != 0)
            continue;
        const uint32_t u = below(2) ? special[below(8)] : check_u32();
        x[i] = check_f32(u);
    }
}

// Numbers of few bits, as bf16 has them: exact middles are common.
static void fill_short(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = (float)((int)below(511) - 255) / 256.0f;
}

// A largest number with which the scale is one of those that are hard, and
// numbers next to the middles of two codes. run: numbers that share a scale.
static void fill_middles(float *x, size_t count, size_t run, float reach)
{
    for (size_t first = 0; first < count; first += run) {
        const size_t n = count - first < run ? count - first : run;
        const uint32_t off = (uint32_t)below(17) - 8;
        const uint32_t u = 0x3f000000u + (uint32_t)below(256) * 65536u + off;
        const float scale = check_f32(u);
        float top = scale * reach;
        for (int i = 0; i < 8 && top / reach < scale; i++)
            top = next(top, 1);
        for (int i = 0; i < 8 && top / reach > scale; i++)
            top = next(top, -1);
        for (size_t i = 0; i < n; i++) {
            const float middle = (float)below((size_t)reach + 1) + 0.5f;
            const float v = next(middle * scale, (int)below(5) - 2);
            x[first + i] = v > top ? -top : below(2) ? v : -v;
        }
        x[first + below(n)] = below(2) ? top : -top;
    }
}

// Means in the middle of two floats, with and without bits below f64.
static void fill_means(float *x, size_t count, size_t run)
{
    const float tiny = below(2) ? power_of_two(-54) : 0.0f;

    for (size_t first = 0; first < count; first += run) {
        const size_t n = count - first < run ? count - first : run;
        for (size_t i = 0; i < n; i++) {
            x[first + i] =
                tiny > 0.0f && i > 1 ? tiny : next(1.0f, (int)below(8));
            if (below(2))
                x[first + i] = -x[first + i];
        }
    }
}

static void fill(float *x, size_t count, size_t run, const qq_scheme *s)
{
    const float reach = qq_scheme_bound(s);

    switch (below(7)) {
    case 0:
        fill_sizes(x, count);
        break;
    case 1:
        fill_bits(x, count);
        break;
    case 2:
        fill_short(x, count);
        break;
    case 3:
    case 4:
        fill_middles(x, count, run, reach);
        break;
    case 5:
        fill_means(x, count, run);
        break;
    default:
        fill_plain(x, count);
        break;
    }
}

// --- schemes ---------------------------------------------------------------

static qq_scheme scheme(size_t tile)
{
    static const double factors[] = {1.0, 0.7, 1.5, 2.0, 0.01};
    static const qq_range ranges[] = {QQ_RANGE_HALF_STEP, QQ_RANGE_EXACT_MAX,
                                      QQ_RANGE_FULL};
    qq_scheme s = qq_scheme_init(types[below(TYPES)]);

    CHECK(qq_scheme_channel(&s, 0, 2) == QQ_OK);
    if (tile > 0)
        CHECK(qq_scheme_tile(&s, 1, 2, tile) == QQ_OK);
    s.range = ranges[below(3)];
    if (below(3) == 0)
        s.scale_type = QQ_TYPE_F16;
    if (below(20) == 0)
        s.scale_type = below(2) ? QQ_TYPE_BF16 : QQ_TYPE_E8M0;
    if (below(20) == 0)
        s.division = QQ_DIVISION_MULTIPLY;
    if (below(3) != 0)
        return s;
    s.calibration.method = below(2) ? QQ_CALIB_ABSMAX : QQ_CALIB_ABSMEAN;
    s.calibration.arg_count = 1;
    s.calibration.args[0] = factors[below(5)];
    if (below(10) == 0) {
        s.calibration.method = QQ_CALIB_RMS;
        s.calibration.args[0] = 2.5;
    }
    return s;
}

// The panels of x by a set; whether it wrote to scratch.
static void test_set(size_t i, const qq_tensor *x, const qq_scheme *s,
                     const qq_matrix_options *o, const uint8_t *want,
                     size_t bytes)
{
    const size_t scratch_bytes = qq_matrix_quantize_scratch_size(x, s);
    uint8_t *scratch = (uint8_t *)room(scratch_bytes);
    uint8_t *out = (uint8_t *)room(bytes);
    unsigned touched = 0;
    qq_matrix w;

    CHECK(qq_matrix_quantize(x, s, o, out, bytes, scratch, scratch_bytes, &w) ==
          QQ_OK);
    if (!CHECK(memcmp(out, want, bytes) == 0) && check_failed < 10)
        printf("%s: %s, %zu x %zu, tile %zu\n", qq_isa_name(isas[i]),
               qq_type_name(s->type), x->shape[0], x->shape[1], s->tile[1]);
    for (size_t j = 0; j < scratch_bytes; j++)
        touched |= scratch[j] ^ 0xa5u;
    if (touched != 0)
        general[i]++;
    else
        direct[i]++;
}

static void test_one(void)
{
    static const size_t tiles[] = {0, 0, 32, 32, 64, 96, 128, 20};
    const size_t tile = tiles[below(8)];
    const size_t shape[2] = {1 + below(below(4) == 0 ? 50 : 17),
                             1 + below(below(4) == 0 ? 300 : 70)};
    const qq_scheme s = scheme(tile);
    qq_tensor x = qq_tensor_make(NULL, QQ_TYPE_F32, 2, shape);
    const size_t count = shape[0] * shape[1];
    float *numbers = (float *)malloc(count * sizeof *numbers);
    uint8_t *place = (uint8_t *)room(count * sizeof *numbers);
    qq_matrix_options o = qq_matrix_options_init();
    qq_array a;
    qq_matrix w;

    fill(numbers, count, tile > 0 && tile < shape[1] ? tile : shape[1], &s);
    memcpy(place, numbers, count * sizeof *numbers);
    x.data = place;
    o.sums = (int)below(2);
    o.base3 = s.type == QQ_TYPE_TERNARY && below(8) == 0;
    o.a = below(2) ? matrix_floats(shape[0]) : NULL;
    o.bias = below(2) ? matrix_floats(shape[0]) : NULL;
    CHECK(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
    const size_t array_bytes = qq_array_size(&x, &s);
    void *array = room(array_bytes);
    CHECK(qq_quantize(&x, &s, array, array_bytes, &a) == QQ_OK);
    const size_t bytes = qq_matrix_size(&a, &o);
    uint8_t *want = (uint8_t *)room(bytes);
    CHECK(qq_matrix_pack(&a, &o, want, bytes, &w) == QQ_OK);
    for (size_t i = 0; i < ISAS; i++)
        if (qq_use_isa(isas[i]) == QQ_OK)
            test_set(i, &x, &s, &o, want, bytes);
    free((void *)(uintptr_t)o.a);
    free((void *)(uintptr_t)o.bias);
    free(numbers);
    room_free();
}

int main(void)
{
    for (size_t i = 0; i < check_count(20000); i++)
        test_one();
    CHECK(direct[0] == 0);
    for (size_t i = 1; i < ISAS; i++) {
        if (direct[i] + general[i] == 0)
            continue;
        printf("%s: %lu direct, %lu not\n", qq_isa_name(isas[i]), direct[i],
               general[i]);
        // Most of them are what kernels know.
        CHECK(direct[i] > general[i]);
    }
    return check_done();
}
