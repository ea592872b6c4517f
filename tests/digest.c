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
}

#ifndef DIGEST_FREESTANDING
int main(void)
{
    digest_run();
    return 0;
}
#endif
