// The cases of aqt/calibration.

#include "check_aqt.h"

#include <stdio.h>
#include <string.h>

// The scale by the steps of api/array.h: bounds, then scales.
static void expect_steps(struct golden_case *c, const qq_tensor *x,
                         const qq_scheme *s)
{
    qq_bounds b;
    qq_tensor scale, zero;
    size_t bytes = qq_calibrate_size(x, s);
    void *out = golden_bytes(c, bytes != SIZE_MAX ? bytes : 64);

    if (!golden_ok(c, qq_calibrate(x, s, out, bytes, &b)))
        return;
    bytes = qq_scale_size(&b, s);
    out = golden_bytes(c, bytes != SIZE_MAX ? bytes : 64);
    if (golden_ok(c,
                  qq_scale_from_bounds(&b, s, out, bytes, &scale, &zero, NULL)))
        golden_expect_tensor(c, "scale", &scale);
}

static void check_calibration(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    qq_scheme s = aqt_scheme(c, "numerics");
    qq_array a;

    if (!aqt_share(c, "numerics", &s, x.rank))
        return;
    for (int i = 0; i < 2; i++) {
        s.division = aqt_divisions[i];
        if (!aqt_quantize(c, &x, &s, &a))
            return;
        golden_expect_tensor(c, "scale", &a.scale);
        if (golden_wants(c, "bias"))
            golden_expect_tensor(c, "bias", &a.bias);
        // A step does not know x's type, which scales have by default.
        qq_scheme typed = s;
        if (typed.scale_type == QQ_TYPE_NONE)
            typed.scale_type = x.type;
        expect_steps(c, &x, &typed);
    }
}

static void check_ceil(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x");
    const size_t bytes = qq_tensor_bytes(&x);
    void *out = golden_bytes(c, bytes);
    qq_tensor r;

    if (golden_ok(c, qq_aqt_ceil_to_po2(&x, out, bytes, &r)))
        golden_expect_tensor(c, "out", &r);
}

// --- calibrations that remember --------------------------------------------

// The word for call i of the setting modes; 0 behind the last.
static int mode_of(struct golden_case *c, int i)
{
    static const char *const words[] = {"train", "calibrate", "convert",
                                        "serve"};
    const char *p = golden_set(c, "modes");

    for (; p != NULL && i > 0; i--) {
        p = strchr(p, ' ');
        p = p != NULL ? p + 1 : NULL;
    }
    for (int k = 0; p != NULL && k < 4; k++)
        if (strncmp(p, words[k], strlen(words[k])) == 0)
            return k + 1;
    return 0;
}

static qq_calibrator_options options_of(struct golden_case *c)
{
    const int mean = strncmp(c->call, "Mean", 4) == 0;
    const int stats = strncmp(c->call, "Weighted", 8) == 0;
    qq_calibrator_options o =
        qq_calibrator_options_init(mean    ? QQ_CALIBRATOR_MEAN_OF_ABSMAX
                                   : stats ? QQ_CALIBRATOR_WEIGHTED_STATS
                                           : QQ_CALIBRATOR_DELAYED);

    o.history = (size_t)golden_int(c, "history", 1024);
    o.l1_dev_coeff = golden_float(c, "l1-dev-coeff", 0);
    o.lp_dev_coeff = golden_float(c, "lp-dev-coeff", 0);
    o.max_dev_coeff = golden_float(c, "max-dev-coeff", 0);
    o.const_bound_coeff = golden_float(c, "const-bound-coeff", 0);
    o.update_count_prior = golden_float(c, "update-count-prior", 1);
    o.max_dev_prior = golden_float(c, "max-dev-prior", 0);
    o.mean_prior = golden_float(c, "mean-prior", 0);
    o.l1_dev_prior = golden_float(c, "l1-dev-prior", 0);
    o.lp_dev_prior = golden_float(c, "lp-dev-prior", 0);
    o.lp_order = (unsigned)golden_int(c, "lp-order", 2);
    o.safe_divide = golden_yes(c, "safe-divide", 0);
    o.filter_zeros = golden_yes(c, "filter-zeros", 1);
    o.ema_update_count = golden_float(c, "ema-update-count", 100);
    return o;
}

static void expect_parts(struct golden_case *c, int call, const void *state,
                         size_t bytes)
{
    static const struct {
        const char *name;
        qq_calibrator_part part;
    } parts[] = {{"sum", QQ_CALIBRATOR_SUM},
                 {"count", QQ_CALIBRATOR_COUNT},
                 {"history", QQ_CALIBRATOR_HISTORY},
                 {"bound", QQ_CALIBRATOR_KEPT},
                 {"sum-of-ones", QQ_CALIBRATOR_ONES},
                 {"sum-of-vals", QQ_CALIBRATOR_VALS},
                 {"max-of-abs-vals", QQ_CALIBRATOR_MAX},
                 {"sum-of-l1-vals", QQ_CALIBRATOR_L1},
                 {"sum-of-lp-vals", QQ_CALIBRATOR_LP}};
    char name[64];
    qq_tensor t;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(name, sizeof name, "%s%d", parts[i].name, call);
        if (golden_wants(c, name) &&
            golden_ok(c, qq_calibrator_view(state, bytes, parts[i].part, &t)))
            golden_expect_tensor(c, name, &t);
    }
}

// Every call of the case with one rule of division; the bound of each goes
// into a scheme, whose scale is claimed.
static void run_calls(struct golden_case *c, qq_scheme *s,
                      qq_calibrator_options *o)
{
    void *state = NULL;
    size_t bytes = 0;
    char name[32];

    for (int i = 0; mode_of(c, i) != 0; i++) {
        qq_tensor bound;
        qq_array a;
        snprintf(name, sizeof name, "x%d", i);
        const qq_tensor x = golden_input(c, name);
        if (i == 0) {
            bytes = qq_calibrator_size(o, x.type, x.rank, x.shape);
            state = golden_bytes(c, bytes != SIZE_MAX ? bytes : 64);
            if (!golden_ok(c, qq_calibrator_init(o, x.type, x.rank, x.shape,
                                                 state, bytes)))
                return;
        }
        if (!golden_ok(c, qq_calibrator_step(o, (qq_quant_mode)mode_of(c, i),
                                             &x, state, bytes, &bound)))
            return;
        s->bound = &bound;
        if (!aqt_quantize(c, &x, s, &a))
            return;
        snprintf(name, sizeof name, "scale%d", i);
        golden_expect_tensor(c, name, &a.scale);
        expect_parts(c, i, state, bytes);
    }
}

static void check_calibrator(struct golden_case *c)
{
    const qq_tensor x = golden_input(c, "x0");
    qq_scheme s = aqt_scheme(c, "numerics");
    qq_calibrator_options o = options_of(c);

    if (!aqt_share(c, "numerics", &s, x.rank))
        return;
    s.calibration.method = QQ_CALIB_CONSTANT;
    if (o.method != QQ_CALIBRATOR_DELAYED)
        o.channels = s.channels;
    for (int i = 0; i < 2; i++) {
        s.division = o.division = aqt_divisions[i];
        run_calls(c, &s, &o);
    }
}

#define CALIBRATION(name) name ".get_scale_and_bias_and_sparsity"

const struct golden_checker golden_aqt_calibration[] = {
    {"aqt", CALIBRATION("AbsMaxCalibration"), check_calibration},
    {"aqt", CALIBRATION("AbsMeanCalibration"), check_calibration},
    {"aqt", CALIBRATION("ConstantCalibration"), check_calibration},
    {"aqt", CALIBRATION("SnrBasedAutoCalibration"), check_calibration},
    {"aqt", CALIBRATION("MeanOfAbsMaxCalibration"), check_calibrator},
    {"aqt", CALIBRATION("WeightedStatsCalibration"), check_calibrator},
    {"aqt", CALIBRATION("DelayedScalingCalibration"), check_calibrator},
    {"aqt", "ceil_to_po2", check_ceil},
    {NULL, NULL, NULL}};
