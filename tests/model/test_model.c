// Selection, settings, the knapsack against all choices, statistics.

#include <math.h>

#include "qquant.h"
#include "room.h"

static void test_select(void)
{
    static const qq_layer layers[] = {{"a.fc1", "Linear"},
                                      {"a.fc2", "Linear"},
                                      {"a.norm", "Norm"},
                                      {"b.fc1", "Linear"},
                                      {"lm_head", "Linear"}};
    static const qq_layer vision[] = {{"v.fc", "Linear"},
                                      {"m.text_model.fc", "Linear"},
                                      {"m.text_models.fc", "Linear"},
                                      {"lm_head", "Linear"}};
    static const char *const words[] = {"fc1"};
    qq_selection s = qq_selection_init();
    size_t at[5], n = 0;

    CHECK(qq_select_layers(NULL, 5, layers, at, &n) == QQ_OK && n == 3);
    CHECK(at[0] == 0 && at[1] == 1 && at[2] == 3);
    s.include_keywords.word = words;
    s.include_keywords.count = 1;
    CHECK(qq_select_layers(&s, 5, layers, at, &n) == QQ_OK && n == 2);
    s.count = 1;
    CHECK(qq_select_layers(&s, 5, layers, at, &n) == QQ_OK && n == 1);
    s.count = 3;
    CHECK(qq_select_layers(&s, 5, layers, at, &n) == QQ_ERR_SHAPE && n == 1);
    s.count = -2;
    CHECK(qq_select_layers(&s, 5, layers, at, &n) == QQ_ERR_ARGUMENT);
    CHECK(qq_select_layers(NULL, 4, vision, at, &n) == QQ_OK && n == 1);
    CHECK(at[0] == 1);
    memset(&s, 0, sizeof s);
    CHECK(qq_select_layers(&s, 5, layers, at, &n) == QQ_ERR_ARGUMENT);
}

static void test_drive(void)
{
    qq_drive_options o = qq_drive_options_init();

    CHECK(qq_drive_check(&o) == QQ_OK);
    CHECK(!qq_drive_corrects(&o, "x"));
    o.propagate = 1;
    CHECK(qq_drive_check(&o) == QQ_OK);
    CHECK(qq_drive_corrects(&o, "x.up") &&
          !qq_drive_corrects(&o, "x.mlp.down_proj"));
    o.batch_size = 4;
    CHECK(qq_drive_check(&o) == QQ_ERR_ARGUMENT);
    o.quantizer = (qq_quantizer)77;
    CHECK(qq_drive_check(&o) == QQ_ERR_TYPE);
    CHECK(qq_keeps_8_bits(0, 5, 100, 200, 0) &&
          !qq_keeps_8_bits(1, 5, 100, 200, 0));
    CHECK(qq_keeps_8_bits(1, 5, 3, 200, 0) &&
          qq_keeps_8_bits(4, 5, 99, 200, 0));
}

// Every combination of choices, within what the rounding to units allows.
static void test_allocate(void)
{
    enum { LAYERS = 5, CHOICES = 4, UNITS = 2000 };
    const double bits[CHOICES] = {1.5, 2.5, 4.5, 8.0};
    double loss[LAYERS][CHOICES], all = 0.0, best = 1e300, sum = 0.0,
                                  used = 0.0;
    qq_allocation l[LAYERS];
    size_t chosen[LAYERS];
    const size_t need = qq_allocate_scratch_size(LAYERS, UNITS);
    void *scratch = room(need);

    for (size_t i = 0; i < LAYERS; i++) {
        l[i].weights = 100 + check_u32() % 900;
        l[i].bits = bits;
        l[i].sensitivity = loss[i];
        all += (double)l[i].weights;
        for (size_t c = 0; c < CHOICES; c++)
            loss[i][c] = fabs((double)check_uniform()) * pow(0.3, (double)c);
    }
    CHECK(qq_allocate(LAYERS, CHOICES, l, 3.5, UNITS, chosen, scratch, need) ==
          QQ_OK);
    for (size_t i = 0; i < LAYERS; i++) {
        sum += loss[i][chosen[i]];
        used += bits[chosen[i]] * (double)l[i].weights;
    }
    CHECK(used <= 3.5 * all);
    for (size_t c = 0; c < 1024; c++) {
        double s = 0.0, u = 0.0;
        for (size_t i = 0; i < LAYERS; i++) {
            s += loss[i][c >> 2 * i & 3];
            u += bits[c >> 2 * i & 3] * (double)l[i].weights;
        }
        if (u <= 3.5 * all * (1.0 - (double)LAYERS / (double)UNITS))
            best = s < best ? s : best;
    }
    CHECK(sum <= best + 1e-12);
    CHECK(qq_allocate(LAYERS, CHOICES, l, 1.0, UNITS, chosen, scratch, need) ==
          QQ_ERR_SHAPE);
    CHECK(qq_allocate(LAYERS, CHOICES, l, 3.5, UNITS, chosen, scratch,
                      need - 1) == QQ_ERR_SCRATCH);
    free(scratch);
}

static void test_statistics(void)
{
    qq_layer_record r;
    char text[512];
    size_t n = 0, m = 0;

    memset(&r, 0, sizeof r);
    r.name = "a\"b";
    r.seconds = 1e-20;
    r.errors.output_squared = (double)NAN;
    r.errors.weight_squared = 0.1;
    CHECK(qq_statistics_json(1, &r, text, sizeof text, &n) == QQ_OK);
    text[n] = '\0';
    CHECK(strstr(text, "\"a\\\"b\": {\n        \"quantization_time\": 1e-20,\n"
                       "        \"output_squared_error\": null,\n") != NULL);
    CHECK(strstr(text, "\"weight_squared_error\": 0.1,\n") != NULL);
    CHECK(qq_statistics_json(1, &r, text, n - 1, &m) == QQ_ERR_SIZE && m == n);
    CHECK(qq_statistics_json(0, NULL, text, sizeof text, &n) == QQ_OK);
    CHECK(n == 2 && text[0] == '{' && text[1] == '}');
}

int main(void)
{
    test_select();
    test_drive();
    for (size_t i = 0; i < check_count(20); i++)
        test_allocate();
    test_statistics();
    return check_done();
}
