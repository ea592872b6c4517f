// The cases of onebit: layers, settings that go together, whole drives,
// statistics, through api/model.h.

#include "checkers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onebit.h"

enum { MOST_WORDS = 64 };

// The words of a setting, copied; 0 where it says none.
static int driver_words(struct golden_case *c, const char *key,
                        const char **word, qq_words *out)
{
    const char *text = golden_set(c, key);

    out->word = word;
    out->count = 0;
    if (text == NULL)
        return 0;
    if (strcmp(text, "none") == 0) {
        out->word = NULL;
        return 1;
    }
    if (strcmp(text, "empty") == 0)
        return 1;
    char *copy = (char *)golden_aligned(c, strlen(text) + 1);
    strcpy(copy, text);
    for (char *p = strtok(copy, " "); p != NULL; p = strtok(NULL, " "))
        if (out->count < MOST_WORDS)
            word[out->count++] = p;
    return 1;
}

// "name:Type name:Type".
static size_t driver_layers(struct golden_case *c, qq_layer *layers,
                            const char **word)
{
    qq_words w;

    driver_words(c, "layers", word, &w);
    for (size_t i = 0; i < w.count; i++) {
        char *name = (char *)golden_aligned(c, strlen(word[i]) + 1);
        strcpy(name, word[i]);
        char *colon = strrchr(name, ':');
        *colon = '\0';
        layers[i].name = name;
        layers[i].type = colon + 1;
    }
    return w.count;
}

static void expect_names(struct golden_case *c, const char *key,
                         const qq_layer *layers, const size_t *selected,
                         size_t count)
{
    char text[8192] = "";

    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            strcat(text, " ");
        strcat(text, layers[selected[i]].name);
    }
    golden_expect_text(c, key, count > 0 ? text : "none");
}

static void check_select(struct golden_case *c)
{
    const char *words[6][MOST_WORDS];
    qq_selection s = qq_selection_init();
    qq_layer layers[MOST_WORDS];
    size_t selected[MOST_WORDS], taken = 0;
    qq_words w;

    const size_t count = driver_layers(c, layers, words[0]);
    if (driver_words(c, "include-layer-names", words[1], &w))
        s.include_names = w;
    if (driver_words(c, "exclude-layer-names", words[2], &w))
        s.exclude_names = w;
    if (driver_words(c, "include-layer-keywords", words[3], &w))
        s.include_keywords = w;
    if (driver_words(c, "exclude-layer-keywords", words[4], &w))
        s.exclude_keywords = w;
    if (driver_words(c, "target-layer-types", words[5], &w))
        s.types = w;
    s.count = golden_int(c, "num-layers", -1);
    const char *absent = golden_set(c, "num-layers");
    if (absent != NULL && golden_int(c, "num-layers", -1) == -1 &&
        strcmp(absent, "none") != 0)
        s.count = -2; // a negative number, where ours has a word
    if (golden_int(c, "setups", 1) == 2 &&
        !golden_yes(c, "post-processing", 0)) {
        golden_refuses(c, "a second setup: ours keeps nothing between calls");
        return;
    }
    if (!golden_ok(c, qq_select_layers(&s, count, layers, selected, &taken)))
        return;
    const int32_t n = (int32_t)taken;
    expect_names(c, "selected", layers, selected, taken);
    golden_expect_i32s(c, "count", &n, 1);
}

static qq_quantizer quantizer_of(const char *word)
{
    if (strcmp(word, "onebit") == 0)
        return QQ_QUANTIZER_ONEBIT;
    if (strcmp(word, "rtn") == 0)
        return QQ_QUANTIZER_RTN;
    return strcmp(word, "none") == 0 ? QQ_QUANTIZER_NONE : (qq_quantizer)99;
}

static void check_combination(struct golden_case *c)
{
    qq_drive_options o = qq_drive_options_init();
    qq_quantizer list[MOST_WORDS];
    const char *words[MOST_WORDS];
    qq_words w;

    o.quantizer = quantizer_of(golden_set(c, "quantizer"));
    driver_words(c, "quantizers", words, &w);
    o.has_list = w.word != NULL;
    o.quantizers = list;
    o.quantizer_count = w.count;
    for (size_t i = 0; i < w.count; i++)
        list[i] = quantizer_of(words[i]);
    o.propagate = golden_yes(c, "qep", 0);
    o.spread = golden_yes(c, "multi-gpu", 0);
    o.batch_size = (size_t)golden_int(c, "batch-size", 0);
    if (golden_ok(c, qq_drive_check(&o)))
        golden_expect_text(c, "verdict", "accepted");
}

static void expect_bool(struct golden_case *c, const char *key, int x)
{
    golden_expect_text(c, key, x ? "yes" : "no");
}

static void expect_hex(struct golden_case *c, const char *key, double x)
{
    const char *want = golden_given_text(c, key);
    double value;

    if (want == NULL || !golden_read_float(want, &value) || value != x)
        golden_fail(c, "%s is another number", key);
    golden_expect_text(c, key, want != NULL ? want : "");
}

static void expect_words(struct golden_case *c, const char *key, qq_words w)
{
    char text[512] = "";

    for (size_t i = 0; i < w.count; i++) {
        if (i > 0)
            strcat(text, " ");
        strcat(text, w.word[i]);
    }
    golden_expect_text(c, key,
                       w.word == NULL ? "none"
                       : w.count == 0 ? "empty"
                                      : text);
}

// What the case has and ours has no member for.
static void skip_texts(struct golden_case *c, const char *const *keys)
{
    for (; *keys != NULL; keys++)
        golden_given_text(c, *keys);
}

static void check_onebit_defaults(struct golden_case *c)
{
    static const char *const others[] = {"name",
                                         "calc-quant-error",
                                         "hessian-dtype",
                                         "flag-calibration",
                                         "flag-hessian",
                                         "flag-xtx",
                                         NULL};
    const qq_onebit_options o = qq_onebit_options_init();
    const qq_selection s = qq_selection_init();
    char number[16];

    skip_texts(c, others);
    golden_expect_text(c, "num-layers", s.count < 0 ? "none" : "?");
    expect_words(c, "include-layer-names", s.include_names);
    expect_words(c, "exclude-layer-names", s.exclude_names);
    expect_words(c, "include-layer-keywords", s.include_keywords);
    expect_words(c, "exclude-layer-keywords", s.exclude_keywords);
    expect_words(c, "target-layer-types", s.types);
    snprintf(number, sizeof number, "%d", (int)o.iters);
    golden_expect_text(c, "iters", number);
    expect_bool(c, "use-importance-scaling", o.importance);
    expect_bool(c, "use-balancing", o.balancing);
    snprintf(number, sizeof number, "%d", (int)o.balance_iters);
    golden_expect_text(c, "balance-iters", number);
    expect_hex(c, "balance-alpha", o.balance_alpha);
}

static void check_qep_defaults(struct golden_case *c)
{
    static const char *const others[] = {"general", "device", NULL};
    const qq_drive_options o = qq_drive_options_init();

    skip_texts(c, others);
    expect_hex(c, "percdamp", o.percdamp);
    expect_hex(c, "perccorr", o.perccorr);
    expect_words(c, "exclude-layer-keywords", o.unchanged);
}

static void check_calibration_defaults(struct golden_case *c)
{
    static const char *const others[] = {"calibration-dataset",
                                         "max-length",
                                         "num-calibration-samples",
                                         "strategy",
                                         "seed",
                                         "text-key",
                                         "use-quality-filter",
                                         "max-documents",
                                         NULL};
    const qq_drive_options o = qq_drive_options_init();
    char number[16];

    skip_texts(c, others);
    golden_expect_text(c, "batch-size", o.batch_size == 0 ? "none" : "?");
    snprintf(number, sizeof number, "%u", (unsigned)o.group);
    golden_expect_text(c, "num-layers-per-group", number);
}

static void check_router(struct golden_case *c)
{
    const char *words[MOST_WORDS], *room[MOST_WORDS];
    qq_words w;

    driver_words(c, "exclude-layer-keywords", words, &w);
    if (golden_ok(c, qq_exclude_routers((size_t)golden_int(c, "experts", 0), &w,
                                        room, MOST_WORDS)))
        expect_words(c, "exclude-layer-keywords", w);
}

// --- whole drives ----------------------------------------------------------

static const char *numbered(struct golden_case *c, const char *name, size_t i)
{
    char *key = (char *)golden_aligned(c, strlen(name) + 8);

    sprintf(key, "%s-%u", name, (unsigned)i);
    return key;
}

// H of layer i: from its inputs, or from the gram of them.
static float *drive_hessian(struct golden_case *c, size_t i, int chunked,
                            qq_moments *m)
{
    if (!chunked) {
        const char *other = numbered(c, "original-input", i);
        const int both = golden_has_input(c, other);
        if (!onebit_moments(c, numbered(c, "input", i), both ? other : NULL, 6,
                            m))
            return NULL;
        return onebit_hessian(c, m);
    }
    const qq_tensor gram = golden_input(c, numbered(c, "gram", i));
    const size_t k = gram.shape[0];
    const double by = 2.0 / (double)golden_int(c, "samples", 1);
    float *h = (float *)golden_aligned(c, k * k * sizeof(float));
    for (size_t j = 0; j < k * k; j++) {
        double x;
        memcpy(&x, (const uint8_t *)gram.data + 8 * j, 8);
        h[j] = (float)(by * x);
    }
    return h;
}

static void drive_errors(struct golden_case *c, size_t i, int chunked,
                         const qq_tensor *w, const float *values)
{
    const qq_tensor half = onebit_tensor(c, QQ_TYPE_F16, 2, w->shape, values);
    const char *suffix = numbered(c, "", i);
    qq_layer_errors e;
    qq_status status;

    if (chunked) {
        const qq_tensor gram = golden_input(c, numbered(c, "gram", i));
        double *g = (double *)golden_aligned(c, qq_tensor_bytes(&gram));
        memcpy(g, gram.data, qq_tensor_bytes(&gram));
        status = qq_layer_errors_gram(
            w, &half, g, (uint64_t)golden_int(c, "samples", 1), &e);
    } else {
        const qq_tensor x = golden_input(c, numbered(c, "input", i));
        status = qq_layer_errors_rows(w, &half, &x, &e);
    }
    if (golden_ok(c, status))
        onebit_expect_errors(c, &e, suffix);
}

static void drive_layer(struct golden_case *c, const qq_drive_options *d,
                        const char *name, size_t i, int chunked)
{
    const struct golden_array *raw = golden_raw(c, numbered(c, "weight", i));
    const size_t n = raw->shape[0], k = raw->shape[1];
    const qq_onebit_options o = onebit_settings(c);
    float *w = onebit_floats(c, numbered(c, "weight", i), NULL);
    struct onebit_answer a;
    qq_moments m;

    float *h = drive_hessian(c, i, chunked, &m);
    if (h == NULL)
        return;
    if (qq_drive_corrects(d, name) &&
        !onebit_adjust(c, raw->type.qq, n, k, h, onebit_cross(c, &m), w))
        return;
    if (!onebit_solve(c, &o, w, n, k, h, &a))
        return;
    const qq_tensor t = onebit_tensor(c, raw->type.qq, 2, raw->shape, w);
    const qq_tensor v = onebit_tensor(c, raw->type.qq, 2, raw->shape, a.values);
    if (d->propagate)
        golden_expect_tensor(c, numbered(c, "adjusted", i), &t);
    golden_expect_f32s(c, numbered(c, "hessian", i), h, k * k);
    onebit_expect_halves(c, numbered(c, "a", i), a.r.a, n);
    onebit_expect_halves(c, numbered(c, "b", i), a.r.b, k);
    golden_expect_i8s(c, numbered(c, "sign", i), a.sign, n * k);
    golden_expect_tensor(c, numbered(c, "dequantized", i), &v);
    if (golden_yes(c, "calc-quant-error", 0))
        drive_errors(c, i, chunked, &t, a.values);
}

static void check_drive(struct golden_case *c)
{
    const char *words[2][MOST_WORDS];
    qq_layer layers[MOST_WORDS];
    size_t selected[MOST_WORDS], taken;
    qq_drive_options d = qq_drive_options_init();
    const int chunked = golden_is(c, "way", "chunked");
    qq_words w;

    d.propagate = golden_is(c, "way", "qep");
    if (driver_words(c, "qep-exclude-keywords", words[1], &w))
        d.unchanged = w;
    golden_set(c, "batch-size");
    golden_set(c, "num-layers-per-group");
    const size_t count = driver_layers(c, layers, words[0]);
    if (!golden_ok(c, qq_drive_check(&d)) ||
        !golden_ok(c, qq_select_layers(NULL, count, layers, selected, &taken)))
        return;
    expect_names(c, "order", layers, selected, taken);
    for (size_t i = 0; i < taken; i++)
        drive_layer(c, &d, layers[selected[i]].name, i, chunked);
}

// --- statistics ------------------------------------------------------------

static size_t statistics_records(struct golden_case *c, const char **words,
                                 qq_layer_record *records)
{
    const double none = strtod("nan", NULL);
    qq_words w;

    driver_words(c, "layers", words, &w);
    for (size_t i = 0; i < w.count; i++) {
        qq_layer_errors *e = &records[i].errors;
        records[i].name = words[i];
        records[i].seconds = golden_float(c, "quantization-time", 0.0);
        e->output_squared = golden_float(c, "output-squared", none);
        e->mean_output_squared = golden_float(c, "mean-output-squared", none);
        e->relative_output_squared =
            golden_float(c, "relative-output-squared", none);
        e->weight_squared = golden_float(c, "weight-squared", none);
        e->mean_weight_squared = golden_float(c, "mean-weight-squared", none);
        e->relative_weight_squared =
            golden_float(c, "relative-weight-squared", none);
    }
    return w.count;
}

static void check_statistics(struct golden_case *c)
{
    const char *words[MOST_WORDS];
    qq_layer_record records[MOST_WORDS];
    char text[4096], escaped[4096];
    size_t length = 0, at = 0;

    const size_t n = statistics_records(c, words, records);
    if (!golden_ok(c,
                   qq_statistics_json(n, records, text, sizeof text, &length)))
        return;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n') {
            escaped[at++] = '\\';
            escaped[at++] = 'n';
        } else {
            escaped[at++] = text[i];
        }
    }
    escaped[at] = '\0';
    golden_expect_text(c, "json", escaped);
}

// The names of the fields, in the order of the file.
static void check_fields(struct golden_case *c)
{
    qq_layer_record record;
    char text[1024], names[1024];
    size_t length = 0, at = 0;

    memset(&record, 0, sizeof record);
    record.name = "x";
    if (!golden_ok(
            c, qq_statistics_json(1, &record, text, sizeof text - 1, &length)))
        return;
    text[length] = '\0';
    for (char *p = strstr(text, "        \""); p != NULL;
         p = strstr(p, "        \"")) {
        p += 9;
        while (*p != '"')
            names[at++] = *p++;
        names[at++] = ' ';
    }
    names[at - 1] = '\0';
    golden_expect_text(c, "fields", names);
}

// A report for people: ours prints nothing, and absent errors are null.
static void check_print(struct golden_case *c)
{
    if (c->mode == GOLDEN_REFUSE) {
        golden_not_covered(c); // a crash of the original's printer
        return;
    }
    golden_expect_text(c, "verdict", "accepted");
}

const struct golden_checker golden_onebit_driver[] = {
    {"onebit", "Quantizer.setup", check_select},
    {"onebit", "Runner.check", check_combination},
    {"onebit", "Runner._exclude_moe_router_if_needed", check_router},
    {"onebit", "Onebit", check_onebit_defaults},
    {"onebit", "QEPConfig", check_qep_defaults},
    {"onebit", "CalibrationConfig", check_calibration_defaults},
    {"onebit", "Runner.quantize_with_calibration", check_drive},
    {"onebit", "chunked_quantization.run_chunked_quantization", check_drive},
    {"onebit", "qep.run_quantize_with_qep", check_drive},
    {"onebit", "Runner.save_quantization_statistics", check_statistics},
    {"onebit", "QuantizationResult.get_statistics", check_fields},
    {"onebit", "Runner.print_quantization_results", check_print},
    {NULL, NULL, NULL}};
