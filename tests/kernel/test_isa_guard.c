// Products and packing between pages that nobody may touch: packed bytes, x,
// y and scratch each end where such a page begins, or begin where one ends;
// what is only read lies in pages that cannot be written. All instruction sets
// the machine has. Skipped where there is no mmap.
//
//   test_isa_guard [name of a set]

#if (defined(__unix__) || defined(__APPLE__)) && !defined(__wasi__)
#  define _DEFAULT_SOURCE
#  define _DARWIN_C_SOURCE
#  include <signal.h>
#  include <sys/mman.h>
#  include <unistd.h>
#  define GUARDED 1
#endif

#include "../matrix/case.h"

#ifndef GUARDED

int main(void)
{
    printf("guard pages: skipped, this system has none\n");
    check_skipped++;
    return check_done();
}

#else

static const size_t sizes_n[] = {1, 2, 15, 16, 17, 31, 32, 33, 48, 65};
static const size_t sizes_k[] = {1,  2,  3,  4,  7,  8,  15,  16,  17,  31,
                                 32, 33, 63, 64, 65, 80, 127, 129, 161, 257};
static const size_t sizes_m[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 65};
static const size_t tiles_k[] = {0, 0, 8, 12, 32, 64, 128};

// Memory between two pages that cannot be touched.
typedef struct arena {
    uint8_t *base;
    size_t bytes;
} arena;

enum { PACKED, INPUT, OUTPUT, SCRATCH, ARENAS };
static arena arenas[ARENAS];

// What was being done, for when it goes wrong.
static char doing[256];

static void fault(int number)
{
    const char *words = ": a page that is nobody's was touched\n";
    // Nothing else can be said from here.
    if (write(1, doing, strlen(doing)) < 0 ||
        write(1, words, strlen(words)) < 0)
        _exit(3);
    (void)number;
    _exit(1);
}

static void make_arenas(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    for (int i = 0; i < ARENAS; i++) {
        const size_t bytes = ((size_t)1 << 20) / page * page;
        void *p = mmap(NULL, bytes + 2 * page, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            abort();
        arenas[i].base = (uint8_t *)p + page;
        arenas[i].bytes = bytes;
        if (mprotect(arenas[i].base, bytes, PROT_READ | PROT_WRITE) != 0)
            abort();
    }
    signal(SIGSEGV, fault);
    signal(SIGBUS, fault);
}

static void allow(int i, int writing)
{
    const int how = writing ? PROT_READ | PROT_WRITE : PROT_READ;

    CHECK(mprotect(arenas[i].base, arenas[i].bytes, how) == 0);
}

// bytes at the end of an arena, or at its start.
static uint8_t *guarded(int i, size_t bytes)
{
    const arena *a = &arenas[i];

    if (bytes > a->bytes)
        abort();
    return below(3) ? a->base + a->bytes - bytes : a->base;
}

static uint8_t *guarded_copy(int i, const void *from, size_t bytes)
{
    uint8_t *p = guarded(i, bytes);

    memcpy(p, from, bytes);
    return p;
}

static void test_product(qq_isa isa, qq_type type, qq_input input)
{
    recipe r;

    memset(&r, 0, sizeof r);
    r.type = type;
    r.input = input;
    r.n = PICK(sizes_n);
    do {
        r.m = PICK(sizes_m);
        r.k = PICK(sizes_k);
    } while (r.m * r.k > 2500);
    r.tile_n = below(2);
    r.tile_k = PICK(tiles_k);
    r.base3 = type == QQ_TYPE_TERNARY && below(2);
    CHECK(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
    product c = case_make(&r);
    const size_t parts = 1 + below(3);
    const size_t bytes = case_scratch(&c, parts);
    uint8_t *want = place(c.y_bytes);
    case_run(&c, SERIAL, 1, place(bytes), bytes, want);

    snprintf(doing, sizeof doing, "%s: %s input %s x %s n %u k %u m %u",
             qq_isa_name(isa), qq_type_name(type), case_inputs[input],
             qq_type_name(c.o.x_type), (unsigned)r.n, (unsigned)r.k,
             (unsigned)r.m);
    c.packed = guarded_copy(PACKED, c.packed, c.w.bytes);
    CHECK(qq_matrix_open(c.packed, c.w.bytes, &c.w) == QQ_OK);
    c.x = guarded_copy(INPUT, c.x, c.x_bytes);
    uint8_t *y = guarded(OUTPUT, c.y_bytes);
    uint8_t *scratch = guarded(SCRATCH, bytes);
    allow(PACKED, 0);
    allow(INPUT, 0);
    CHECK(qq_use_isa(isa) == QQ_OK);
    const int way = (int)below(CASE_WAYS);
    case_run(&c, way, parts, scratch, bytes, y);
    if (!CHECK(memcmp(y, want, c.y_bytes) == 0))
        case_report(&c, qq_isa_name(isa), way, parts, y, want);
    allow(PACKED, 1);
    allow(INPUT, 1);
    room_free();
}

// Numbers into panels, and the rows out of them.
static void test_packing(qq_isa isa, qq_type type)
{
    static const qq_type x_types[] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16};
    const size_t shape[2] = {PICK(sizes_n), PICK(sizes_k)};
    const size_t last = shape[0] - 1;
    qq_tensor x = qq_tensor_make(NULL, PICK(x_types), 2, shape);
    qq_scheme s = qq_scheme_init(type);
    qq_type_info info;
    qq_matrix w;

    snprintf(doing, sizeof doing, "%s: %s to %s n %u k %u", qq_isa_name(isa),
             qq_type_name(x.type), qq_type_name(type), (unsigned)shape[0],
             (unsigned)shape[1]);
    CHECK(qq_type_get(type, &info) == QQ_OK);
    CHECK(qq_scheme_channel(&s, 0, 2) == QQ_OK);
    if (info.tile || below(2))
        CHECK(qq_scheme_tile(&s, 1, 2, info.tile ? info.tile : 32) == QQ_OK);
    s.levels = type == QQ_TYPE_BOOK ? matrix_levels : NULL;
    s.level_count = type == QQ_TYPE_BOOK ? 16 : 0;
    uint8_t *data = guarded(INPUT, qq_tensor_bytes(&x));
    for (size_t i = 0; i < shape[0] * shape[1]; i++)
        store_number(data, x.type, i, check_bits(check_uniform()));
    x.data = data;
    const size_t bytes = qq_matrix_quantize_size(&x, &s, NULL);
    const size_t need = qq_matrix_quantize_scratch_size(&x, &s);
    uint8_t *out = guarded(PACKED, bytes);
    CHECK(qq_use_isa(isa) == QQ_OK);
    allow(INPUT, 0);
    CHECK(qq_matrix_quantize(&x, &s, NULL, out, bytes, guarded(SCRATCH, need),
                             need, &w) == QQ_OK);
    allow(PACKED, 0);
    CHECK(qq_matrix_row(&w, 1, &last, guarded(OUTPUT, 4 * shape[1]),
                        4 * shape[1]) == QQ_OK);
    allow(PACKED, 1);
    allow(INPUT, 1);
}

// Rows 4 GiB apart: a place that is counted in 32 bits is another one. The
// pages between them are never touched, so they cost nothing.
static void test_far(qq_isa isa, qq_input input)
{
    const size_t n = 33, k = 70, m = 6, far = ((size_t)1 << 30) + 1;
    const size_t bytes = 4 * ((m - 1) * far + n + k);
    const qq_array a = matrix_array(QQ_TYPE_INT4, n, k, 1, 0, QQ_TYPE_F32, 0);
    const qq_matrix w = matrix_packed(&a, NULL);
    qq_matmul_options o = qq_matmul_options_init();
    float *x = matrix_floats(m * k);
    float want[6 * 33];
    void *room_x = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void *room_y = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    o.input = input;
    o.x_scale = 0.01f;
    const size_t need = qq_matmul_scratch_size(&w, &o, m);
    uint8_t *scratch = place(need);
    snprintf(doing, sizeof doing, "%s: rows far apart", qq_isa_name(isa));
    if (room_x != MAP_FAILED && room_y != MAP_FAILED) {
        float *far_x = (float *)room_x, *far_y = (float *)room_y;
        for (size_t i = 0; i < m; i++)
            memcpy(far_x + i * far, x + i * k, k * sizeof *x);
        CHECK(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
        CHECK(qq_matmul(&w, &o, m, x, k, want, n, scratch, need) == QQ_OK);
        CHECK(qq_use_isa(isa) == QQ_OK);
        CHECK(qq_matmul(&w, &o, m, far_x, far, far_y, far, scratch, need) ==
              QQ_OK);
        for (size_t i = 0; i < m; i++)
            CHECK(memcmp(far_y + i * far, want + i * n, n * 4) == 0);
    }
    if (room_x != MAP_FAILED)
        munmap(room_x, bytes);
    if (room_y != MAP_FAILED)
        munmap(room_y, bytes);
    free(x);
    room_free();
}

int main(int argc, char **argv)
{
    const size_t rounds = check_small() ? 1 : 5;

    make_arenas();
    for (size_t i = 0; i < CASE_ISAS; i++) {
        const char *name = qq_isa_name(case_isas[i]);
        if (argc > 1 && strcmp(name, argv[1]) != 0)
            continue;
        if (qq_use_isa(case_isas[i]) != QQ_OK)
            continue;
        for (size_t j = 0; j < rounds * MATRIX_TYPES; j++) {
            const qq_type type = matrix_types[j % MATRIX_TYPES];
            for (int in = QQ_INPUT_INT8_ROW; in <= QQ_INPUT_F32; in++)
                if (in == QQ_INPUT_F32 || !matrix_is_float(type))
                    test_product(case_isas[i], type, (qq_input)in);
            test_packing(case_isas[i], type);
        }
        for (int in = QQ_INPUT_INT8_ROW; in <= QQ_INPUT_F32; in++)
            if (sizeof(size_t) > 4)
                test_far(case_isas[i], (qq_input)in);
    }
    return check_done();
}

#endif
