// One line and one hash for every codec, calibration, scheme and function of
// the library, over a fixed corpus. The lines in tests/digest.txt are the
// promise that results are the same bytes on every machine:
//
//   cc -Isrc tests/digest.c -o digest && ./digest | diff tests/digest.txt -
//
// With DIGEST_FREESTANDING defined there is no main and no stdio: the host
// provides digest_line and calls digest_run.

#include "qquant.h"
#include <string.h>

typedef struct digest {
    char text[64];
    size_t length;
    uint64_t hash;
} digest;

#ifdef DIGEST_FREESTANDING
#  ifdef __cplusplus
extern "C"
#  endif
    void
    digest_line(const char *text);
#else
#  include <stdio.h>
static void digest_line(const char *text)
{
    puts(text);
}
#endif

// --- a line ------------------------------------------------

static void add_text(digest *d, const char *word)
{
    if (d->length)
        d->text[d->length++] = ' ';
    while (*word && d->length < 46)
        d->text[d->length++] = *word++;
}

static digest start(const char *what)
{
    digest d;
    d.length = 0;
    d.hash = 14695981039346656037u; // FNV-1a
    add_text(&d, what);
    return d;
}

static void finish(digest *d)
{
    d->text[d->length++] = ' ';
    for (int shift = 60; shift >= 0; shift -= 4)
        d->text[d->length++] = "0123456789abcdef"[d->hash >> shift & 15u];
    d->text[d->length] = 0;
    digest_line(d->text);
}

static void add_byte(digest *d, unsigned byte)
{
    d->hash = (d->hash ^ (byte & 255u)) * 1099511628211u;
}

// Numbers enter from their lowest byte up, whatever the machine's order.
static void add_u32(digest *d, uint32_t x)
{
    for (int shift = 0; shift < 32; shift += 8)
        add_byte(d, x >> shift);
}

// Every NaN is the same NaN.
static void add_f32(digest *d, float x)
{
    uint32_t bits = 0x7fc00000u;
    if (x == x)
        memcpy(&bits, &x, sizeof bits);
    add_u32(d, bits);
}

static void add_tensor(digest *d, const qq_tensor *t)
{
    const size_t count = qq_tensor_count(t);
    const unsigned char *bytes = (const unsigned char *)t->data;
    add_u32(d, (uint32_t)t->type);
    if (t->type == QQ_TYPE_NONE)
        return;
    add_u32(d, t->rank);
    for (unsigned a = 0; a < t->rank; a++)
        add_u32(d, (uint32_t)t->shape[a]);
    if (qq_type_bits(t->type) <= 8)
        for (size_t i = 0; i < qq_tensor_bytes(t); i++)
            add_byte(d, bytes[i]);
    else
        for (size_t i = 0; i < count; i++) {
            if (t->type == QQ_TYPE_INT16 || t->type == QQ_TYPE_INT32)
                add_u32(d, (uint32_t)qq_tensor_code(t, i));
            else
                add_f32(d, qq_tensor_value(t, i));
        }
}

static void add_array(digest *d, const qq_array *a)
{
    add_tensor(d, &a->value);
    add_tensor(d, &a->scale);
    add_tensor(d, &a->zero_point);
    add_f32(d, a->scale2);
}

// --- the corpus ------------------------------------------------

enum { ROWS = 6, COLUMNS = 96, COUNT = ROWS * COLUMNS };

static const uint32_t extremes[] = {
    0x00000000u, 0x80000000u, 0x00000001u, 0x807fffffu, 0x00800000u,
    0x1fffffffu, 0x20000000u, 0x3f800000u, 0xbf7fffffu, 0x3effffffu,
    0x3f000001u, 0x41200000u, 0xc2fe0000u, 0x42ff0000u, 0x43800000u,
    0x477fe000u, 0x477ff000u, 0x4b7fffffu, 0xcb000001u, 0x7e967699u,
    0x7f7fffffu, 0xff7fffffu, 0x7f800000u, 0xff800000u, 0x7fc00000u};
enum { EXTREMES = sizeof extremes / sizeof extremes[0] };

static float of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// 0: noise in [-1, 1); 1: period 251; 2: one outlier a row; 3: ties (halves);
// 4: zeros but for a few; 5: extremes, NaN and infinities among noise.
enum { CORPORA = 6 };

static void corpus(int which, float *x)
{
    const qq_key key = qq_key_make(7, 0);
    qq_random_unit(key, QQ_RANDOM_PARTITIONABLE, QQ_TYPE_F32, COUNT, 0, COUNT,
                   x, COUNT * sizeof *x);
    for (int i = 0; i < COUNT; i++) {
        x[i] = 2.0f * x[i] - 1.0f;
        if (which == 1)
            x[i] = (float)(i * 7 % 251 - 125) / 64.0f;
        if (which == 2 && i % COLUMNS == 40)
            x[i] = x[i] * 64.0f;
        if (which == 3)
            x[i] = (float)(i % 33 - 16) / 2.0f;
        if (which == 4 && i % 37)
            x[i] = 0.0f;
        if (which == 5 && i % 11 == 0)
            x[i] = of_bits(extremes[i / 11 % EXTREMES]);
    }
}

static qq_tensor tensor_of(int which, qq_type type)
{
    static float x[COUNT];
    static float converted[COUNT];
    const size_t shape[2] = {ROWS, COLUMNS};
    corpus(which, x);
    qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 2, shape);
    if (type != QQ_TYPE_F32)
        qq_tensor_convert(&t, type, converted, sizeof converted, &t);
    return t;
}

// --- numbers ------------------------------------------------

static void digest_type(qq_type type)
{
    const unsigned bits = qq_type_bits(type);
    digest d = start("type");
    add_text(&d, qq_type_name(type));
    for (uint32_t code = 0; bits <= 16 && code < 1u << bits; code++)
        add_f32(&d, qq_type_decode(type, code));
    for (uint32_t i = 0; i < 65536u; i++)
        add_u32(&d, qq_type_encode(type, of_bits(i * 65537u)));
    finish(&d);
}

typedef float (*number_function)(float);

static void digest_function(const char *name, number_function f)
{
    digest d = start("function");
    add_text(&d, name);
    for (uint32_t i = 0; i < 16384u; i++)
        add_f32(&d, f(of_bits(i * 262139u + 17u)));
    finish(&d);
}

static void digest_numbers(void)
{
    for (int t = 1; t < 64; t++)
        if (qq_type_bits((qq_type)t))
            digest_type((qq_type)t);
    digest_function("sqrt", qq_sqrt);
    digest_function("exp", qq_exp);
    digest_function("exp2", qq_exp2);
    digest_function("log", qq_log);
    digest_function("log2", qq_log2);
    digest_function("tanh", qq_tanh);
    digest_function("round_even", qq_round_even);

    digest d = start("function fma");
    for (uint32_t i = 0; i < 65536u; i++)
        add_f32(&d, qq_fma(of_bits(i * 65539u), of_bits(i * 40503u << 8),
                           of_bits(i * 69069u + 12345u)));
    finish(&d);
}

// --- random numbers, packing, books ---------------------------------------

static void digest_random(void)
{
    static float x[251];
    static uint8_t bytes[251];
    static uint16_t halves[251];
    static uint32_t words[251];
    const qq_key key = qq_key_make(42, 0);
    for (int layout = 1; layout <= 2; layout++) {
        digest d =
            start(layout == 1 ? "random partitionable" : "random legacy");
        qq_random_bits(key, (qq_random_layout)layout, 8, 251, 0, 251, bytes,
                       sizeof bytes);
        qq_random_bits(key, (qq_random_layout)layout, 16, 251, 0, 251, halves,
                       sizeof halves);
        qq_random_bits(key, (qq_random_layout)layout, 32, 251, 0, 251, words,
                       sizeof words);
        for (int i = 0; i < 251; i++) {
            add_u32(&d, bytes[i]);
            add_u32(&d, halves[i]);
            add_u32(&d, words[i]);
        }
        for (int noise = QQ_NOISE_UNIFORM; noise < QQ_NOISE_GIVEN; noise++) {
            qq_random_noise(key, (qq_random_layout)layout, (qq_noise)noise, 251,
                            0, 251, x);
            for (int i = 0; i < 251; i++)
                add_f32(&d, x[i]);
        }
        for (size_t i = 0; i < 9; i++) {
            const qq_key k = qq_key_split(key, (qq_random_layout)layout, 9, i);
            add_u32(&d, k.word[0]);
            add_u32(&d, k.word[1]);
        }
        finish(&d);
    }
}

static void digest_packing(void)
{
    static unsigned char codes[512], packed[1024];
    for (unsigned bits = 1; bits <= 16; bits += bits == 8 ? 8 : 1) {
        digest d = start("pack");
        static const char *const names[17] = {"",  "1", "2", "3", "4", "5",
                                              "6", "7", "8", "",  "",  "",
                                              "",  "",  "",  "",  "16"};
        add_text(&d, names[bits]);
        for (int i = 0; i < 512; i++)
            codes[i] = (unsigned char)(i * 7 % 251);
        for (int order = 1; order <= 4; order++)
            for (size_t start_at = 0; start_at < 9; start_at++) {
                for (int i = 0; i < 1024; i++)
                    packed[i] = 0xa5;
                // Sixteen bits have the machine's own order: pack 0 there.
                const int status = (int)qq_pack_bits(
                    bits, (qq_order)order, start_at, bits == 16 ? 0 : 251,
                    codes, packed, sizeof packed);
                add_u32(&d, (uint32_t)status);
                for (int i = 0; i < 300; i++)
                    add_byte(&d, packed[i]);
            }
        finish(&d);
    }
    for (int layout = 1; layout <= 3; layout++) {
        static signed char values[252];
        digest d = start("ternary");
        add_text(&d, layout == 1   ? "consecutive"
                     : layout == 2 ? "strided"
                                   : "base3");
        for (int i = 0; i < 252; i++)
            values[i] = (signed char)(i * 5 % 7 % 3 - 1);
        qq_ternary_pack((qq_ternary_layout)layout, 252, values, packed,
                        sizeof packed);
        for (size_t i = 0; i < qq_ternary_size((qq_ternary_layout)layout, 252);
             i++)
            add_byte(&d, packed[i]);
        finish(&d);
    }
}

// --- schemes ------------------------------------------------

// Hashes the whole way of x under s: status, array, what is read back.
static void add_quantized(digest *d, const qq_tensor *x, const qq_scheme *s)
{
    static unsigned char room[16 * COUNT];
    static float back[COUNT];
    qq_array a;
    qq_tensor y;
    const qq_status status = qq_quantize(x, s, room, sizeof room, &a);
    add_u32(d, (uint32_t)status);
    if (status != QQ_OK)
        return;
    add_array(d, &a);
    if (qq_dequantize(&a, s->rule, QQ_TYPE_F32, back, sizeof back, &y) == QQ_OK)
        add_tensor(d, &y);
}

// Axes: one scale; a scale a row; tiles along the last axis; tiles on both.
static void add_axes(digest *d, const qq_tensor *x, qq_scheme s)
{
    qq_type_info info;
    qq_type_get(s.type, &info);
    const size_t tile = info.tile ? info.tile : 32;
    if (!info.tile)
        add_quantized(d, x, &s);
    s.channels = 1;
    if (!info.tile)
        add_quantized(d, x, &s);
    s.tile[1] = tile;
    add_quantized(d, x, &s);
    s.channels = 0;
    s.tile[0] = info.tile ? 0 : 4;
    add_quantized(d, x, &s);
    if (s.rule == QQ_RULE_QQUANT && !info.tile) {
        s.tile[0] = 5;
        s.tile[1] = 36;
        add_quantized(d, x, &s);
    }
}

static const qq_type inputs[3] = {QQ_TYPE_F32, QQ_TYPE_BF16, QQ_TYPE_F16};

static void digest_scheme(const char *name, const qq_scheme *s)
{
    digest d = start(name);
    add_text(&d, qq_type_name(s->type));
    for (int which = 0; which < CORPORA; which++)
        for (int i = 0; i < 3; i++) {
            // Ours is f32 inside: one type of input a corpus is enough.
            if (s->rule == QQ_RULE_QQUANT && i != which % 3)
                continue;
            const qq_tensor x = tensor_of(which, inputs[i]);
            add_axes(&d, &x, *s);
        }
    finish(&d);
}

static void digest_type_schemes(qq_type type)
{
    qq_scheme s = qq_scheme_init(type);
    digest_scheme("ours", &s);
    s.scale_type = QQ_TYPE_BF16;
    digest_scheme("ours bf16-scale", &s);
    s.scale_type = QQ_TYPE_E8M0;
    digest_scheme("ours e8m0-scale", &s);
    s = qq_scheme_init(type);
    s.calibration.method = QQ_CALIB_MSE;
    s.calibration.arg_count = 1;
    s.calibration.args[0] = 10;
    digest_scheme("ours mse", &s);
    s = qq_scheme_init(type);
    s.noise = QQ_NOISE_UNIFORM;
    s.layout = QQ_RANDOM_PARTITIONABLE;
    s.key = qq_key_make(3, 0);
    digest_scheme("ours stochastic", &s);
    s = qq_scheme_init_rule(type, QQ_RULE_QWIX);
    digest_scheme("qwix", &s);
    s.division = QQ_DIVISION_RECIPROCAL;
    digest_scheme("qwix reciprocal", &s);
}

// Calibrations by their text, on int8 and int4.
static void digest_calibrations(void)
{
    static const char *const texts[] = {
        "absmax",    "absmax,0.9", "minmax",          "minmax,0.75", "rms,3",
        "fixed,1.5", "fixed,-1,2", "percentile,99.5", "absmean,2.5", "mse,20"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (int ours = 0; ours < 2; ours++) {
            qq_scheme s =
                qq_scheme_init_rule(i % 2 ? QQ_TYPE_INT4 : QQ_TYPE_INT8,
                                    ours ? QQ_RULE_QQUANT : QQ_RULE_QWIX);
            size_t length = 0;
            while (texts[i][length])
                length++;
            if (qq_calibration_parse(texts[i], length, &s.calibration) != QQ_OK)
                s.init = 0;
            digest d = start("calibration");
            add_text(&d, ours ? "ours" : "qwix");
            add_text(&d, texts[i]);
            for (int which = 0; which < CORPORA; which++) {
                const qq_tensor x = tensor_of(which, inputs[which % 3]);
                add_axes(&d, &x, s);
            }
            finish(&d);
        }
}

static void digest_other_rules(void)
{
#if !QQ_NO_TRAIN
    static const qq_type types[] = {QQ_TYPE_INT8, QQ_TYPE_INT4, QQ_TYPE_INT2,
                                    QQ_TYPE_E4M3FN};
    for (int t = 0; t < 4; t++) {
        qq_scheme s = qq_scheme_init_rule(types[t], QQ_RULE_AQT);
        digest_scheme("aqt", &s);
        s.power_of_two = 1;
        s.division = QQ_DIVISION_RECIPROCAL;
        digest_scheme("aqt po2 reciprocal", &s);
        s = qq_scheme_init_rule(types[t], QQ_RULE_FJ);
        digest_scheme("fj", &s);
    }
#endif
    qq_scheme s = qq_scheme_init_rule(QQ_TYPE_NF4, QQ_RULE_EFORMER);
    s.tile[1] = 32;
    digest d = start("eformer nf4");
    for (int which = 0; which < CORPORA; which++) {
        const qq_tensor x = tensor_of(which, inputs[which % 3]);
        add_quantized(&d, &x, &s);
    }
    finish(&d);
    s = qq_scheme_init_rule(QQ_TYPE_INT8, QQ_RULE_EFORMER);
    s.channels = 1;
    d = start("eformer int8");
    for (int which = 0; which < CORPORA; which++) {
        const qq_tensor x = tensor_of(which, inputs[which % 3]);
        add_quantized(&d, &x, &s);
    }
    finish(&d);
}

// --- packed matrices and their products -----------------------------------

#if !QQ_NO_MATRIX
enum {
    N = 19,
    K = 70,
    M = 3,     // rows of x
    WIDE = 21, // of a wide batch
    MATRIX_ROOM = 8192,
    SCRATCH_ROOM = 65536
};

// Instruction sets; scalar comes first, and the others must say the same.
static const qq_isa isas[] = {
    QQ_ISA_SCALAR, QQ_ISA_AVX2,        QQ_ISA_AVX_VNNI,
    QQ_ISA_AVX512, QQ_ISA_AVX512_VNNI, QQ_ISA_AMX,
    QQ_ISA_NEON,   QQ_ISA_NEON_DOT,    QQ_ISA_NEON_I8MM};

// A line of what add finds in a type, on each set; sets that agree with scalar
// print none.
static void on_every_isa(const char *what, void (*add)(digest *, qq_type),
                         qq_type type)
{
    uint64_t scalar = 0;
    for (size_t i = 0; i < sizeof isas / sizeof isas[0]; i++) {
        if (qq_use_isa(isas[i]) != QQ_OK)
            continue;
        digest d = start(what);
        if (type != QQ_TYPE_NONE)
            add_text(&d, qq_type_name(type));
        add(&d, type);
        if (i == 0)
            scalar = d.hash;
        else if (d.hash == scalar)
            continue;
        else
            add_text(&d, qq_isa_name(isas[i]));
        finish(&d);
    }
    qq_use_isa(QQ_ISA_BEST);
}

static const float levels[16] = {-128, 127, 3,  -7, 0,  1,  2,   5,
                                 11,   -60, 99, 42, -1, 77, -33, 8};

// Words of a fixed sequence, the lowest bytes first.
static void fill(uint32_t seed, size_t bytes, unsigned char *out)
{
    for (size_t i = 0; i < bytes; i++) {
        seed = (uint32_t)((uint64_t)seed * 69069u + 12345u);
        out[i] = (unsigned char)(seed >> 24);
    }
}

// Any codes, a scale for every tile of a row; tile 0: for every row.
static qq_array matrix_array(qq_type type, qq_type scale_type, size_t tile)
{
    static unsigned char codes[N * K], zeros[N * K], scales[4 * N * K];
    const size_t shape[2] = {N, K};
    const size_t tiles[2] = {N, tile ? (K + tile - 1) / tile : 1};
    qq_type_info info;
    qq_array a;
    memset(&info, 0, sizeof info);
    qq_type_get(type, &info);
    memset(&a, 0, sizeof a);
    a.type = type;
    fill((uint32_t)type, sizeof codes, codes);
    a.value = qq_tensor_make(codes, info.storage, 2, shape);
    for (size_t i = 0; i < tiles[0] * tiles[1]; i++) {
        const float x = (float)(i * 37 % 101 + 1) / 96.0f;
        const uint32_t code = qq_type_encode(scale_type, x);
        const uint16_t half = (uint16_t)(code & 65535u);
        if (qq_type_bits(scale_type) == 32)
            memcpy(scales + 4 * i, &x, sizeof x);
        else if (qq_type_bits(scale_type) == 16)
            memcpy(scales + 2 * i, &half, sizeof half);
        else
            scales[i] = (unsigned char)(code & 255u);
    }
    a.scale = qq_tensor_make(scales, scale_type, 2, tiles);
    a.scale2 = scale_type == QQ_TYPE_E4M3FN ? 0.0371f : 1.0f;
    if (info.affine && tile) {
        fill((uint32_t)type + 1, sizeof zeros, zeros);
        a.zero_point = qq_tensor_make(zeros, info.storage, 2, tiles);
    }
    a.tile[0] = a.zero_tile[0] = 1;
    a.tile[1] = a.zero_tile[1] = tile ? tile : K;
    a.levels = type == QQ_TYPE_BOOK ? levels : NULL;
    a.level_count = type == QQ_TYPE_BOOK ? 16 : 0;
    return a;
}

// Rows of x in threes: noise; many sizes; noise and an infinity.
static qq_tensor matrix_input(qq_type type, size_t m)
{
    static float x[WIDE * K], converted[WIDE * K];
    const size_t shape[2] = {m, K};
    qq_random_unit(qq_key_make(9, 0), QQ_RANDOM_PARTITIONABLE, QQ_TYPE_F32,
                   m * K, 0, m * K, x, sizeof x);
    for (size_t i = 0; i < m * K; i++) {
        x[i] = 2.0f * x[i] - 1.0f;
        if (i / K % 3 == 1)
            x[i] = x[i] * (float)(1 << i % 15);
    }
    for (size_t i = 2; i < m; i += 3)
        x[i * K + 33] = of_bits(0x7f800000u);
    qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 2, shape);
    if (type != QQ_TYPE_F32)
        qq_tensor_convert(&t, type, converted, sizeof converted, &t);
    return t;
}

// Hashes one product; a status where the mode does not go with the matrix.
static void add_product(digest *d, const qq_matrix *w,
                        const qq_matmul_options *o, size_t m, const void *x)
{
    static unsigned char scratch[SCRATCH_ROOM];
    static float y[WIDE * N];
    for (size_t i = 0; i < m * N; i++)
        y[i] = (float)i / 8.0f;
    const qq_status status =
        qq_matmul(w, o, m, x, K, y, N, scratch, sizeof scratch);
    add_u32(d, (uint32_t)status);
    for (size_t i = 0; status == QQ_OK && i < m * N; i++)
        add_f32(d, y[i]);
}

static void add_products(digest *d, const qq_matrix *w, size_t m)
{
    static signed char codes[WIDE * K];
    static float scales[WIDE * K];
    qq_matmul_options o = qq_matmul_options_init();
    o.x_scale = 0.0123f;
    o.x_zero = -5;
    for (int input = QQ_INPUT_INT8_ROW; input <= QQ_INPUT_F32; input++) {
        const qq_tensor x = matrix_input(inputs[input % 3], m);
        o.input = (qq_input)input;
        o.x_type = inputs[input % 3];
        o.accumulate = input % 2;
        add_product(d, w, &o, m, x.data);
    }
    o.x_type = QQ_TYPE_INT8;
    o.x_scales = scales;
    o.lo = -40.0f;
    o.hi = 50.0f;
    for (size_t i = 0; i < m * K; i++) {
        codes[i] = (signed char)((int)(i * 7 % 255) - 127);
        scales[i] = (float)(i % 13 + 1) / 768.0f;
    }
    for (int input = QQ_INPUT_INT8_ROW; input <= QQ_INPUT_INT8_STATIC;
         input++) {
        o.input = (qq_input)input;
        add_product(d, w, &o, m, codes);
    }
}

// Hashes the packed bytes, the rows read back and the products.
static void add_matrix(digest *d, const qq_array *a, const qq_matrix_options *o)
{
    static unsigned char bytes[MATRIX_ROOM];
    static float rows[N * K];
    qq_matrix w;
    const qq_status status = qq_matrix_pack(a, o, bytes, sizeof bytes, &w);
    add_u32(d, (uint32_t)status);
    if (status != QQ_OK)
        return;
    for (size_t i = 0; i < w.bytes; i++)
        add_byte(d, bytes[i]);
    add_u32(d, (uint32_t)qq_matrix_row(&w, N, NULL, rows, sizeof rows));
    for (int i = 0; i < N * K; i++)
        add_f32(d, rows[i]);
    add_products(d, &w, M);
}

static qq_matrix_options matrix_options(void)
{
    static float a[N], b[K], bias[N];
    qq_matrix_options o = qq_matrix_options_init();
    for (int i = 0; i < N; i++) {
        a[i] = (float)(i + 5) / 7.0f;
        bias[i] = (float)(9 - i) / 3.0f;
    }
    for (int i = 0; i < K; i++)
        b[i] = (float)(40 - i) / 11.0f;
    o.a = a;
    o.b = b;
    o.bias = bias;
    return o;
}

// With scales of f32, one a row; and one a tile, of the type's own kind or f16.
static qq_array tiled_array(qq_type type)
{
    qq_type_info info;
    memset(&info, 0, sizeof info);
    qq_type_get(type, &info);
    const qq_type scale = type == QQ_TYPE_NVFP4 ? QQ_TYPE_E4M3FN
                          : info.tile           ? QQ_TYPE_E8M0
                                                : QQ_TYPE_F16;
    return matrix_array(type, scale, info.tile ? info.tile : 32);
}

static void add_matrix_type(digest *d, qq_type type)
{
    const qq_matrix_options o = matrix_options();
    qq_array a = matrix_array(type, QQ_TYPE_F32, 0);
    add_matrix(d, &a, NULL);
    add_matrix(d, &a, &o);
    a = tiled_array(type);
    add_matrix(d, &a, NULL);
    add_matrix(d, &a, &o);
}

// A batch that fills the widest tiles of registers.
static void add_wide(digest *d, qq_type type)
{
    static unsigned char bytes[MATRIX_ROOM];
    const qq_matrix_options o = matrix_options();
    qq_matrix w;
    qq_array a = matrix_array(type, QQ_TYPE_F32, 0);
    if (qq_matrix_pack(&a, NULL, bytes, sizeof bytes, &w) == QQ_OK)
        add_products(d, &w, WIDE);
    a = tiled_array(type);
    if (qq_matrix_pack(&a, &o, bytes, sizeof bytes, &w) == QQ_OK)
        add_products(d, &w, WIDE);
}

// Base 3 has no code of +2; sums.
static void add_base3(digest *d, qq_type type)
{
    static unsigned char values[N * K], packed[N * K];
    qq_array a = matrix_array(QQ_TYPE_TERNARY, QQ_TYPE_E8M0, 32);
    qq_matrix_options o = qq_matrix_options_init();
    for (size_t i = 0; i < N * K; i++)
        values[i] = (unsigned char)(i * 5 % 7 % 3);
    qq_pack_bits(2, QQ_ORDER_LOW_FIRST, 0, N * K, values, packed,
                 sizeof packed);
    a.value.data = packed;
    o.base3 = 1;
    o.sums = 1;
    add_matrix(d, &a, &o);
    (void)type;
}

// Inputs that are turned first, in blocks of 2; offsets; and rows that are
// turned in larger blocks.
static void add_turned(digest *d, qq_type type)
{
    static const size_t widths[] = {1, 2, 24, 48, 64, 96, 512};
    static float x[512], offsets[N * 3];
    const qq_rotation r = qq_rotation_make(K, 0, 3);
    qq_matrix_options o = matrix_options();
    const qq_array a = matrix_array(QQ_TYPE_INT4, QQ_TYPE_F16, 32);
    o.rotation = &r;
    add_matrix(d, &a, &o);
    o.rotation = NULL;
    for (int i = 0; i < N * 3; i++)
        offsets[i] = (float)(i * 29 % 83 - 40) / 13.0f;
    o.offsets = offsets;
    add_matrix(d, &a, &o);
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        const qq_rotation wide = qq_rotation_make(widths[i], 0, 1u << i);
        for (int j = 0; j < 512; j++)
            x[j] = (float)(j * 37 % 101 - 50) / 7.0f;
        for (int back = 0; back < 2; back++) {
            qq_rotation_rows(&wide, back, 1, x, widths[i]);
            for (int j = 0; j < 512; j++)
                add_f32(d, x[j]);
        }
    }
    (void)type;
}

static void digest_matrix(void)
{
    for (int wide = 0; wide < 2; wide++)
        for (int t = 1; t < 64; t++) {
            qq_type_info info;
            if (qq_type_get((qq_type)t, &info) != QQ_OK || !info.weight)
                continue;
            const qq_array a = matrix_array((qq_type)t, QQ_TYPE_F32, 0);
            if (qq_matrix_size(&a, NULL) == SIZE_MAX)
                continue; // not multiplied
            if (wide)
                on_every_isa("wide", add_wide, (qq_type)t);
            else
                on_every_isa("matrix", add_matrix_type, (qq_type)t);
        }
    on_every_isa("matrix base3 sums", add_base3, QQ_TYPE_NONE);
    on_every_isa("matrix turned offsets", add_turned, QQ_TYPE_NONE);
}
#endif

#if !QQ_NO_SOLVE
// --- solvers -----------------------------------------------

enum { SN = 37, SK = 70, SROWS = 230 };

// Weights and inputs; the inputs of a row depend on each other.
static float solve_w[SN * SK], solve_x[SROWS * SK], solve_h[SK * SK];
static float solve_v[SN * SK];
// Of 8 bytes each, so that doubles in it are where they should be.
static double solve_room[1 << 17], solve_out[1 << 13];

static float solve_number(uint32_t seed, uint32_t i)
{
    const uint32_t counter[2] = {seed, i};
    uint32_t word[2];
    int32_t sum = -510;

    qq_threefry(qq_key_make(1, 0), counter, word);
    for (int j = 0; j < 4; j++)
        sum += (int32_t)(word[0] >> 8 * j & 255u);
    return (float)sum / 256.0f;
}

static void solve_problem(void)
{
    qq_moments m;

    for (uint32_t i = 0; i < SN * SK; i++)
        solve_w[i] = solve_number(11, i);
    for (uint32_t i = 0; i < SROWS; i++) {
        float at = 0.0f;
        for (uint32_t j = 0; j < SK; j++) {
            at = at * 0.5f + solve_number(5, i * SK + j);
            solve_x[i * SK + j] = at;
        }
    }
    qq_moments_make(SK, NULL, solve_out, sizeof solve_out, &m);
    qq_moments_update(&m, NULL, SROWS, QQ_TYPE_F32, solve_x, SK, NULL, 0,
                      solve_room, sizeof solve_room);
    qq_moments_hessian(&m, 1, 1.0, solve_h, sizeof solve_h);
    qq_hessian_damp(SK, .03, solve_h, sizeof solve_h);
    digest d = start("solve hessian");
    for (size_t i = 0; i < SK * SK; i++)
        add_f32(&d, solve_h[i]);
    finish(&d);
}

static void digest_fit(const char *name, qq_grid g, size_t tile)
{
    digest d = start("solve");
    qq_fit f;

    add_text(&d, name);
    qq_fit_make(SN, SK, tile, &g, solve_out, sizeof solve_out, &f);
    if (qq_fit_solve(&f, NULL, solve_w, SK, solve_h, sizeof solve_h, NULL,
                     solve_room, sizeof solve_room) != QQ_OK)
        add_byte(&d, 255);
    qq_fit_values(&f, solve_v, SK);
    for (size_t i = 0; i < SN * SK; i++)
        add_f32(&d, solve_v[i]);
    finish(&d);
}

static void digest_onebit(const char *name, qq_onebit_mode mode,
                          unsigned planes, unsigned anneal)
{
    qq_onebit_options o = qq_onebit_options_init();
    digest d = start("solve onebit");
    qq_onebit r;

    add_text(&d, name);
    o.mode = mode;
    o.planes = planes;
    o.anneal = anneal;
    if (qq_onebit_solve(SN, SK, &o, solve_w, SK, solve_h, sizeof solve_h,
                        solve_out, sizeof solve_out, solve_room,
                        sizeof solve_room, &r) != QQ_OK)
        add_byte(&d, 255);
    else
        qq_onebit_values(&r, solve_v, SK);
    for (size_t i = 0; i < SN * SK; i++)
        add_f32(&d, solve_v[i]);
    finish(&d);
}

// Targets, rotation, a correction of rank 3.
static void digest_around(void)
{
    const qq_rotation r = qq_rotation_make(SK, 0, 9);
    digest d = start("solve target rotation rank");

    qq_target(SN, SK, NULL, solve_w, SK, solve_h, sizeof solve_h, NULL, 0,
              solve_w, sizeof solve_w, solve_v, SK, solve_room,
              sizeof solve_room);
    qq_rotation_rows(&r, 0, SN, solve_v, SK);
    for (size_t i = 0; i < SN * SK; i++)
        add_f32(&d, solve_v[i]);
    qq_rank_correct(SN, SK, 3, solve_w, SK, solve_h, sizeof solve_h, solve_v,
                    solve_v + 3 * SN, solve_room, sizeof solve_room);
    for (size_t i = 0; i < 3 * (SN + SK); i++)
        add_f32(&d, solve_v[i]);
    finish(&d);
}

static void digest_solve(void)
{
    qq_grid g = qq_grid_integer(3);

    solve_problem();
    digest_fit("int4", qq_grid_integer(4), 32);
    digest_fit("int3", g, 0);
    g.offsets = 1;
    digest_fit("int3 offsets", g, 16);
    digest_fit("half-step 2", qq_grid_half_step(2), 32);
    digest_fit("ternary", qq_grid_ternary(), 32);
    digest_onebit("compat", QQ_ONEBIT_COMPAT, 1, 0);
    digest_onebit("fixed", QQ_ONEBIT_FIXED, 1, 0);
    digest_onebit("best", QQ_ONEBIT_BEST, 1, 0);
    digest_onebit("annealed", QQ_ONEBIT_BEST, 1, 9);
    digest_onebit("planes 2", QQ_ONEBIT_BEST, 2, 0);
    digest_around();
}

#  include "digest_drive.h"
#endif

#ifdef __cplusplus
extern "C"
#endif
    void
    digest_run(void);

void digest_run(void)
{
    digest_numbers();
    digest_random();
    digest_packing();
    for (int t = 1; t < 64; t++) {
        qq_type_info info;
        if (qq_type_get((qq_type)t, &info) == QQ_OK && info.weight &&
            t != QQ_TYPE_BOOK)
            digest_type_schemes((qq_type)t);
    }
    digest_calibrations();
    digest_other_rules();
#if !QQ_NO_MATRIX
    digest_matrix();
#endif
#if !QQ_NO_SOLVE
    digest_solve();
    on_every_isa("gemm", add_gemm, QQ_TYPE_NONE);
    digest_drive();
#endif
}

#ifndef DIGEST_FREESTANDING
int main(void)
{
    digest_run();
    return 0;
}
#endif
