// codec/many.h against codec/element.h, to the bit.

#include "codec/many.h"
#include "room.h"

static float any_float(size_t i)
{
    const uint32_t u = check_u32();

    switch (i % 4) {
    case 0:
        return check_f32(u);
    case 1:
        return check_uniform() * 500.0f;
    case 2:
        return (float)((int32_t)(u % 600) - 300) / 2.0f;
    default:
        return check_uniform();
    }
}

static void test_load(qq_type type, size_t first, size_t n)
{
    const size_t bytes = qq_type_bytes(type, first + n);
    uint8_t *data = room_random(bytes);
    float *y = (float *)(void *)room(n * sizeof *y);
    int same = 1;

    qqi_load_values(type, data, first, n, y);
    for (size_t i = 0; i < n; i++)
        same &= check_bits(y[i]) ==
                check_bits(qqi_load_value(type, data, first + i));
    CHECK(same);
    free(data);
    free(y);
}

static void test_store(qq_type type, size_t first, size_t n)
{
    const size_t bytes = qq_type_bytes(type, first + n);
    const unsigned bits = qq_type_bits(type);
    const unsigned used = (unsigned)((first + n) % 8) * bits % 8;
    uint8_t *data = room_random(bytes);
    uint8_t *want = room(bytes);
    float *x = (float *)(void *)room(n * sizeof *x);

    if (bytes > 0)
        memcpy(want, data, bytes);
    for (size_t i = 0; i < n; i++) {
        x[i] = any_float(i);
        qqi_store_value(type, want, first + i, x[i]);
    }
    if (n > 0 && used > 0)
        want[bytes - 1] = (uint8_t)(want[bytes - 1] & ((1u << used) - 1));
    qqi_store_values(type, data, first, n, x);
    CHECK(bytes == 0 || memcmp(data, want, bytes) == 0);
    free(data);
    free(want);
    free(x);
}

int main(void)
{
    const size_t step = check_small() ? 7 : 1;

    for (int i = 0; i < QQI_TYPE_COUNT; i++) {
        const qq_type type = qqi_type_rows[i].type;
        if (qqi_type_rows[i].info.storage != type)
            continue;
        for (size_t first = 0; first < 10; first++)
            for (size_t n = first % step; n < 150; n += n < 70 ? step : 13) {
                test_load(type, first, n);
                test_store(type, first, n);
            }
    }
    float y = 7.0f;
    qqi_load_values(QQ_TYPE_NONE, &y, 0, 1, &y);
    CHECK(y == 0.0f);
    qqi_load_values(QQ_TYPE_F32, NULL, 0, 0, NULL);
    qqi_store_values(QQ_TYPE_INT4, NULL, 0, 0, NULL);
    return check_done();
}
