#include "check_aqt.h"

#include <stdlib.h>
#include <string.h>

const qq_division aqt_divisions[2] = {QQ_DIVISION_RECIPROCAL, QQ_DIVISION_TRUE};

int aqt_is(struct golden_case *c, const char *words, const char *word,
           const char *w)
{
    char value[64];

    return golden_field(c, words, word, value, sizeof value) &&
           strcmp(value, w) == 0;
}

int aqt_yes(struct golden_case *c, const char *words, const char *word)
{
    return aqt_is(c, words, word, "yes");
}

// A number of a word; absent where it is missing or none.
static double aqt_number(struct golden_case *c, const char *words,
                         const char *word, double absent)
{
    char value[64];
    double r = absent;

    if (!golden_field(c, words, word, value, sizeof value) ||
        strcmp(value, "none") == 0)
        return absent;
    if (!golden_read_float(value, &r))
        golden_fail(c, "no number: %s:%s", word, value);
    return r;
}

static qq_type aqt_type(struct golden_case *c, const char *words,
                        const char *word)
{
    char value[64];
    struct golden_type type;

    if (!golden_field(c, words, word, value, sizeof value) ||
        strcmp(value, "none") == 0)
        return QQ_TYPE_NONE;
    if (golden_type_of(value, &type))
        return type.qq;
    golden_fail(c, "no type: %s:%s", word, value);
    return QQ_TYPE_NONE;
}

// "jax.uniform", "custom-1/0,1": how, and the axes that share a number.
static void aqt_noise(struct golden_case *c, const char *words, qq_scheme *s)
{
    char value[64];
    char *axes;

    if (!golden_field(c, words, "noise", value, sizeof value) ||
        strcmp(value, "none") == 0)
        return;
    axes = strchr(value, '/');
    if (axes != NULL)
        *axes++ = '\0';
    s->noise = strcmp(value, "jax.uniform") == 0 ? QQ_NOISE_AQT
               : strcmp(value, "custom-1") == 0  ? QQ_NOISE_AQT_CUSTOM
                                                 : QQ_NOISE_UNIFORM;
    while (axes != NULL && *axes != '\0') {
        s->noise_shared |= 1u << strtoul(axes, &axes, 10);
        axes += *axes == ',';
    }
}

static void aqt_numerics(struct golden_case *c, const char *words, qq_scheme *s)
{
    qq_numerics *n = &s->numerics;

    n->kind = aqt_is(c, words, "kind", "int")   ? QQ_NUMERICS_INT
              : aqt_is(c, words, "kind", "fp8") ? QQ_NUMERICS_FP8
              : aqt_is(c, words, "kind", "fp")  ? QQ_NUMERICS_FP
                                                : QQ_NUMERICS_NONE;
    n->bits = (unsigned)aqt_number(c, words, "bits", 0);
    n->preserve_zero = aqt_yes(c, words, "preserve-zero") != 0;
    n->preserve_max = aqt_yes(c, words, "preserve-max") != 0;
    n->clip = aqt_yes(c, words, "clip") != 0;
    n->clip_gradient = aqt_yes(c, words, "clip-gradient") != 0;
    n->round = aqt_yes(c, words, "round") != 0;
    n->stochastic = aqt_yes(c, words, "stochastic") != 0;
    n->subnormals = aqt_yes(c, words, "subnormals") != 0;
    n->exponent = (unsigned)aqt_number(c, words, "exponent", 0);
    n->mantissa = (unsigned)aqt_number(c, words, "mantissa", 0);
    if (aqt_number(c, words, "radix", 2) != 2)
        golden_not_covered(c);
}

// "clips:a,b,c": the line may be long, so that it is read where it stands.
static void aqt_clips(struct golden_case *c, const char *words, qq_scheme *s)
{
    const char *p = golden_set(c, words);
    float *clips = (float *)golden_aligned(c, 64 * sizeof(float));

    p = p != NULL ? strstr(p, "clips:") : NULL;
    if (p == NULL)
        return;
    s->clips = clips;
    for (p += strlen("clips:"); *p != '\0' && *p != ' ' && s->clip_count < 64;
         p += *p == ',') {
        char *end;
        clips[s->clip_count++] = (float)strtod(p, &end);
        p = end;
    }
}

static qq_tensor *aqt_input(struct golden_case *c, const char *name)
{
    qq_tensor *t = (qq_tensor *)golden_aligned(c, sizeof *t);

    *t = golden_input(c, name);
    return t;
}

static void aqt_calibration(struct golden_case *c, const char *words,
                            qq_scheme *s)
{
    qq_calibration *k = &s->calibration;
    const double scale = aqt_number(c, words, "clip-scale", 0);

    s->power_of_two = aqt_yes(c, words, "po2");
    s->scale_type = aqt_type(c, words, "scale-type");
    k->arg_count = 0;
    if (aqt_is(c, words, "calibration", "absmax")) {
        k->method = QQ_CALIB_ABSMAX;
        k->args[0] = scale;
        k->arg_count = scale != 0;
    } else if (aqt_is(c, words, "calibration", "absmean")) {
        k->method = QQ_CALIB_ABSMEAN;
        k->args[0] = scale;
        k->args[1] = aqt_number(c, words, "power", 1);
        k->arg_count = 2;
    } else if (aqt_is(c, words, "calibration", "snr")) {
        k->method = QQ_CALIB_SNR;
        aqt_clips(c, words, s);
    } else {
        k->method = QQ_CALIB_CONSTANT;
        if (aqt_is(c, words, "bound", "array")) {
            s->bound = aqt_input(c, "bound");
        } else {
            k->args[0] = aqt_number(c, words, "bound", 0);
            k->arg_count = 1;
        }
        if (aqt_is(c, words, "bias", "array")) {
            s->bias = aqt_input(c, "bias");
        } else {
            s->bias_value = aqt_number(c, words, "bias", 0);
            s->has_bias = s->bias_value != 0;
        }
    }
}

qq_scheme aqt_scheme(struct golden_case *c, const char *words)
{
    const int fj = strcmp(c->family, "bits") == 0;
    qq_scheme s =
        qq_scheme_init_rule(QQ_TYPE_NONE, fj ? QQ_RULE_FJ : QQ_RULE_AQT);

    s.division = QQ_DIVISION_RECIPROCAL;
    aqt_numerics(c, words, &s);
    aqt_noise(c, words, &s);
    if (!fj)
        s.type = aqt_type(c, words, "code");
    s.fake_quant = aqt_yes(c, words, "fake-quant");
    if (aqt_is(c, words, "kind", "none"))
        return s;
    if (golden_set(c, "calibration") != NULL)
        aqt_calibration(c, "calibration", &s);
    else if (strstr(golden_set(c, words), "calibration:") != NULL)
        aqt_calibration(c, words, &s);
    return s;
}

int aqt_share(struct golden_case *c, const char *words, qq_scheme *s,
              unsigned rank)
{
    char value[64];
    long axes[QQ_MAX_RANK];
    int list[QQ_MAX_RANK];
    size_t n = 0;

    if (golden_field(c, words, "shared", value, sizeof value) &&
        strcmp(value, "none") != 0) {
        const int all = strcmp(value, "per_tensor") == 0;
        char *p = value;
        while (!all && *p != '\0' && n < QQ_MAX_RANK) {
            list[n++] = (int)strtol(p, &p, 10);
            p += *p == ',';
        }
        for (; all && n < rank; n++)
            list[n] = (int)n;
        return golden_ok(c, qq_aqt_share_axes(s, list, n, rank));
    }
    // FJFormer's constant does not look at the axes.
    if (s->rule == QQ_RULE_FJ && s->calibration.method == QQ_CALIB_CONSTANT &&
        golden_is(c, "axes", "absent"))
        return 1;
    if (golden_is(c, "axes", "absent") || golden_is(c, "axes-given", "no"))
        return golden_ok(c, qq_aqt_share_axes(s, NULL, 0, rank));
    n = golden_ints(c, "axes", axes, QQ_MAX_RANK);
    for (size_t i = 0; i < n; i++)
        list[i] = (int)axes[i];
    return golden_ok(c, qq_aqt_share_axes(s, list, n, rank));
}

void aqt_key(struct golden_case *c, qq_scheme *s)
{
    const uint32_t *key;

    if (!golden_has_input(c, "key")) {
        if (s->noise != QQ_NOISE_NONE || s->numerics.stochastic)
            s->layout = (qq_random_layout)0;
        return;
    }
    key = golden_u32s(c, "key", NULL);
    if (key == NULL)
        return;
    s->key.word[0] = key[0];
    s->key.word[1] = key[1];
    s->layout = golden_is(c, "layout", "legacy") ? QQ_RANDOM_LEGACY
                                                 : QQ_RANDOM_PARTITIONABLE;
}

int aqt_quantize(struct golden_case *c, const qq_tensor *x, const qq_scheme *s,
                 qq_array *a)
{
    const size_t size = qq_array_size(x, s);
    const size_t bytes = size != SIZE_MAX ? size : 4096;

    return golden_ok(c, qq_quantize(x, s, golden_bytes(c, bytes), bytes, a));
}
