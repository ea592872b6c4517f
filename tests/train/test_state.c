// The states of calibrations: sizes, what is refused, damaged bytes.

#include "check.h"
#include "qquant.h"

static const size_t shape[3] = {4, 5, 6};

static void check_sizes(void)
{
    qq_calibrator_options o =
        qq_calibrator_options_init(QQ_CALIBRATOR_MEAN_OF_ABSMAX);

    // The head has 96 bytes.
    CHECK(qq_calibrator_size(&o, QQ_TYPE_F32, 3, shape) == 96 + 4 + 4 + 4);
    o.channels = 5;
    CHECK(qq_calibrator_size(&o, QQ_TYPE_F32, 3, shape) == 96 + 2 * 96 + 4);
    CHECK(qq_calibrator_size(&o, QQ_TYPE_BF16, 3, shape) == 96 + 2 * 48 + 4);
    o.method = QQ_CALIBRATOR_WEIGHTED_STATS;
    CHECK(qq_calibrator_size(&o, QQ_TYPE_BF16, 3, shape) == 96 + 6 * 96);
    o = qq_calibrator_options_init(QQ_CALIBRATOR_DELAYED);
    CHECK(qq_calibrator_size(&o, QQ_TYPE_F32, 3, shape) == 96 + 8 + 4096);
    CHECK(qq_calibrator_size(&o, QQ_TYPE_F32, 0, NULL) == 96 + 8 + 4096);
}

static void check_options_refused(void)
{
    qq_calibrator_options o;
    uint8_t state[512];
    const size_t huge[2] = {SIZE_MAX / 2, SIZE_MAX / 2};

    memset(&o, 0, sizeof o);
    CHECK(qq_calibrator_init(&o, QQ_TYPE_F32, 3, shape, state, 108) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_calibrator_size(&o, QQ_TYPE_F32, 3, shape) == SIZE_MAX);
    o = qq_calibrator_options_init((qq_calibrator)4);
    CHECK(qq_calibrator_size(&o, QQ_TYPE_F32, 3, shape) == SIZE_MAX);
    o = qq_calibrator_options_init(QQ_CALIBRATOR_WEIGHTED_STATS);
    o.lp_order = 31;
    CHECK(qq_calibrator_size(&o, QQ_TYPE_F32, 3, shape) == SIZE_MAX);
    o.lp_order = 0;
    CHECK(qq_calibrator_size(&o, QQ_TYPE_F32, 3, shape) == SIZE_MAX);
    o = qq_calibrator_options_init(QQ_CALIBRATOR_DELAYED);
    o.channels = 1;
    CHECK(qq_calibrator_size(&o, QQ_TYPE_F32, 3, shape) == SIZE_MAX);
    o.channels = 0;
    o.history = 0;
    CHECK(qq_calibrator_size(&o, QQ_TYPE_F32, 3, shape) == SIZE_MAX);
    o = qq_calibrator_options_init(QQ_CALIBRATOR_MEAN_OF_ABSMAX);
    CHECK(qq_calibrator_init(&o, QQ_TYPE_INT8, 3, shape, state, 108) ==
          QQ_ERR_TYPE);
    CHECK(qq_calibrator_init(&o, QQ_TYPE_F32, 9, shape, state, 108) ==
          QQ_ERR_AXIS);
    CHECK(qq_calibrator_init(&o, QQ_TYPE_F32, 3, shape, state, 107) ==
          QQ_ERR_SIZE);
    CHECK(qq_calibrator_init(&o, QQ_TYPE_F32, 3, shape, NULL, 108) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_calibrator_init(&o, QQ_TYPE_F32, 3, NULL, state, 108) ==
          QQ_ERR_ARGUMENT);
    o.channels = 8;
    CHECK(qq_calibrator_init(&o, QQ_TYPE_F32, 3, shape, state, 108) ==
          QQ_ERR_AXIS);
    o.channels = 3;
    CHECK(qq_calibrator_size(&o, QQ_TYPE_F32, 2, huge) == SIZE_MAX);
}

static void check_step_refused(void)
{
    float x[120] = {0};
    uint8_t state[512];
    qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 3, shape);
    qq_calibrator_options o =
        qq_calibrator_options_init(QQ_CALIBRATOR_MEAN_OF_ABSMAX);
    const size_t bytes = 96 + 2 * 16 + 4;

    o.channels = 1;
    CHECK(qq_calibrator_init(&o, QQ_TYPE_F32, 3, shape, state, bytes) == QQ_OK);
    CHECK(qq_calibrator_step(&o, QQ_QUANT_MODE_TRAIN, &t, state, bytes, NULL) ==
          QQ_OK);
    // Another size along an axis with one bound is welcome.
    t.shape[1] = 2;
    CHECK(qq_calibrator_step(&o, QQ_QUANT_MODE_TRAIN, &t, state, bytes, NULL) ==
          QQ_OK);
    t.shape[0] = 3;
    CHECK(qq_calibrator_step(&o, QQ_QUANT_MODE_TRAIN, &t, state, bytes, NULL) ==
          QQ_ERR_SHAPE);
    t.shape[0] = 4;
    t.type = QQ_TYPE_BF16;
    CHECK(qq_calibrator_step(&o, QQ_QUANT_MODE_TRAIN, &t, state, bytes, NULL) ==
          QQ_ERR_TYPE);
    t.type = QQ_TYPE_F32;
    t.rank = 2;
    CHECK(qq_calibrator_step(&o, QQ_QUANT_MODE_TRAIN, &t, state, bytes, NULL) ==
          QQ_ERR_SHAPE);
    CHECK(qq_calibrator_step(&o, (qq_quant_mode)5, &t, state, bytes, NULL) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_calibrator_step(&o, QQ_QUANT_MODE_TRAIN, &t, state, bytes - 1,
                             NULL) == QQ_ERR_FORMAT);
    o.channels = 2;
    CHECK(qq_calibrator_step(&o, QQ_QUANT_MODE_TRAIN, &t, state, bytes, NULL) ==
          QQ_ERR_FORMAT);
    o = qq_calibrator_options_init(QQ_CALIBRATOR_DELAYED);
    CHECK(qq_calibrator_step(&o, QQ_QUANT_MODE_TRAIN, &t, state, bytes, NULL) ==
          QQ_ERR_FORMAT);
}

static void check_view(void)
{
    qq_calibrator_options o =
        qq_calibrator_options_init(QQ_CALIBRATOR_WEIGHTED_STATS);
    uint8_t state[256];
    const size_t bytes = 96 + 6 * 4;
    qq_tensor v;

    o.update_count_prior = 2.5;
    CHECK(qq_calibrator_init(&o, QQ_TYPE_F16, 3, shape, state, bytes) == QQ_OK);
    CHECK(qq_calibrator_view(state, bytes, QQ_CALIBRATOR_ONES, &v) == QQ_OK);
    CHECK(v.type == QQ_TYPE_F32 && v.rank == 3 && qq_tensor_count(&v) == 1);
    CHECK(qq_tensor_value(&v, 0) == 2.5f);
    CHECK(qq_calibrator_view(state, bytes, QQ_CALIBRATOR_SUM, &v) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_calibrator_view(state, bytes, (qq_calibrator_part)0, &v) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_calibrator_view(state, bytes, (qq_calibrator_part)11, &v) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_calibrator_view(NULL, 0, QQ_CALIBRATOR_SUM, &v) ==
          QQ_ERR_ARGUMENT);
}

// Bytes that somebody damaged are refused, or read as a state: never more.
static void check_damaged(void)
{
    qq_calibrator_options o =
        qq_calibrator_options_init(QQ_CALIBRATOR_MEAN_OF_ABSMAX);
    float x[120];
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 3, shape);
    const size_t bytes = 96 + 2 * 16 + 4;
    const size_t n = check_count(20000);
    qq_tensor v;

    for (int i = 0; i < 120; i++)
        x[i] = check_uniform();
    o.channels = 1;
    for (size_t i = 0; i < n; i++) {
        uint8_t *state = (uint8_t *)malloc(bytes); // exactly: for sanitizers
        if (state == NULL)
            return;
        CHECK(qq_calibrator_init(&o, QQ_TYPE_F32, 3, shape, state, bytes) ==
              QQ_OK);
        for (unsigned k = check_u32() % 4 + 1; k > 0; k--)
            state[check_u32() % 96] = (uint8_t)(check_u32() % 8);
        const qq_status s = qq_calibrator_step(&o, QQ_QUANT_MODE_CALIBRATE, &t,
                                               state, bytes, NULL);
        CHECK(s == QQ_OK || s == QQ_ERR_FORMAT || s == QQ_ERR_TYPE ||
              s == QQ_ERR_SHAPE);
        (void)qq_calibrator_view(state, bytes, QQ_CALIBRATOR_SUM, &v);
        free(state);
    }
}

int main(void)
{
    check_sizes();
    check_options_refused();
    check_step_refused();
    check_view();
    check_damaged();
    return check_done();
}
