// The file of statistics, byte by byte.

#include <math.h>

#include "qquant.h"
#include "room.h"

static qq_layer_record record(const char *name, double seconds)
{
    qq_layer_record r;

    r.name = name;
    r.seconds = seconds;
    r.errors.output_squared = 1.0;
    r.errors.mean_output_squared = 0.1;
    r.errors.relative_output_squared = (double)NAN;
    r.errors.weight_squared = 1e-20;
    r.errors.mean_weight_squared = 1e16;
    r.errors.relative_weight_squared = 123456789.125;
    return r;
}

static const char two[] =
    "{\n"
    "    \"model.a\": {\n"
    "        \"quantization_time\": 2.0,\n"
    "        \"output_squared_error\": 1.0,\n"
    "        \"mean_output_squared_error\": 0.1,\n"
    "        \"weight_squared_error\": 1e-20,\n"
    "        \"mean_weight_squared_error\": 1e+16,\n"
    "        \"relative_output_squared_error\": null,\n"
    "        \"relative_weight_squared_error\": 123456789.125\n"
    "    },\n"
    "    \"b\\\"\\\\\\u000a\\u0001\": {\n"
    "        \"quantization_time\": 0.25,\n"
    "        \"output_squared_error\": 1.0,\n"
    "        \"mean_output_squared_error\": 0.1,\n"
    "        \"weight_squared_error\": 1e-20,\n"
    "        \"mean_weight_squared_error\": 1e+16,\n"
    "        \"relative_output_squared_error\": null,\n"
    "        \"relative_weight_squared_error\": 123456789.125\n"
    "    }\n"
    "}";

// Exactly these bytes, or none.
static void expect(size_t count, const qq_layer_record *r, const char *want)
{
    const size_t all = strlen(want);
    size_t length = 0;

    CHECK(qq_statistics_json(count, r, NULL, 0, &length) ==
          (all > 0 ? QQ_ERR_SIZE : QQ_OK));
    if (!CHECK(length == all))
        printf("    %u bytes, wanted %u\n", (unsigned)length, (unsigned)all);
    char *text = (char *)room(length);
    CHECK(qq_statistics_json(count, r, text, length - 1, &length) ==
          QQ_ERR_SIZE);
    for (size_t i = 0; i < length; i++)
        CHECK(text[i] == (char)-1);
    CHECK(qq_statistics_json(count, r, text, length, &length) == QQ_OK);
    if (!CHECK(length == all && memcmp(text, want, all) == 0))
        printf("%.*s\n", (int)length, text);
    free(text);
}

int main(void)
{
    qq_layer_record r[2];
    size_t length = 0;

    r[0] = record("model.a", 2.0);
    r[1] = record("b\"\\\n\x01", 0.25);
    expect(2, r, two);
    expect(0, NULL, "{}");
    // Infinite ones are as Python writes them.
    char text[1024];
    r[0].seconds = (double)INFINITY;
    r[0].errors.output_squared = -0.0;
    r[0].errors.weight_squared = 5e-324;
    r[0].errors.mean_weight_squared = 1.7976931348623157e308;
    CHECK(qq_statistics_json(1, r, text, sizeof text - 1, &length) == QQ_OK);
    text[length] = '\0';
    CHECK(strstr(text, "\"quantization_time\": Infinity,") != NULL);
    CHECK(strstr(text, "\"output_squared_error\": -0.0,") != NULL);
    CHECK(strstr(text, "\"weight_squared_error\": 5e-324,") != NULL);
    CHECK(strstr(text, ": 1.7976931348623157e+308,") != NULL);
    CHECK(qq_statistics_json(1, r, text, sizeof text, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_statistics_json(1, NULL, text, sizeof text, &length) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_statistics_json(1, r, NULL, 9, &length) == QQ_ERR_ARGUMENT);
    return check_done();
}
